#include "format/media_type.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace format {

namespace {

/// A parameter's value, in quotes or without; rest goes on behind it.
std::string take_value(std::string_view& rest) {
  if (!rest.starts_with('"')) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    std::string value(base::trimmed(rest.substr(0, end)));
    rest.remove_prefix(end);
    return value;
  }
  std::string value;
  std::size_t at = 1;
  for (; at < rest.size() && rest[at] != '"'; ++at) {
    // A backslash before anything else stands for itself: browsers wrote paths of Windows so.
    const bool escaped =
        rest[at] == '\\' && at + 1 < rest.size() && (rest[at + 1] == '"' || rest[at + 1] == '\\');
    if (escaped) ++at;
    value += rest[at];
  }
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return value;
}

}  // namespace

MediaType MediaType::parse(std::string_view header) {
  MediaType read;
  std::size_t end = std::min(header.find(';'), header.size());
  read.type = base::lower_ascii(base::trimmed(header.substr(0, end)));
  for (std::string_view rest = header.substr(end); !rest.empty();) {
    rest.remove_prefix(1);  // the semicolon
    const std::size_t equals = rest.find_first_of("=;");
    if (equals == std::string_view::npos || rest[equals] == ';') {
      rest.remove_prefix(std::min(equals, rest.size()));
      continue;
    }
    std::string name = base::lower_ascii(base::trimmed(rest.substr(0, equals)));
    rest.remove_prefix(equals + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    std::string value = take_value(rest);
    if (!name.empty()) read.parameters.emplace_back(std::move(name), std::move(value));
    rest.remove_prefix(std::min(rest.find(';'), rest.size()));
  }
  return read;
}

std::string_view MediaType::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parameters, name, &std::pair<std::string, std::string>::first);
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

bool MediaType::is_json() const {
  return type == "application/json" || type == "text/json" || type.ends_with("+json");
}

}  // namespace format
