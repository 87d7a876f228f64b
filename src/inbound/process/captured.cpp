#include "inbound/process/captured.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace inbound {

namespace {

using base::Code;
using base::fail;

/// The next line without its end; text goes on behind it.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

base::Result<Captured> Captured::parse(std::string_view text) {
  Captured captured;
  const std::string_view first = take_line(text);
  const std::size_t blank = first.find(' ');
  const std::size_t next = first.find(' ', blank == std::string_view::npos ? blank : blank + 1);
  if (blank == 0 || blank == std::string_view::npos) {
    return fail(Code::invalid, "line 1 is no request line: write it as POST /path HTTP/1.1");
  }
  captured.method = first.substr(0, blank);
  captured.target = first.substr(blank + 1, next == std::string_view::npos ? next : next - blank - 1);
  if (captured.target.empty() || captured.target.front() != '/') {
    return fail(Code::invalid, "line 1 has no path: write it as POST /path HTTP/1.1");
  }
  for (int number = 2; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) {
      return fail(Code::invalid, "line " + std::to_string(number) +
                                     " is no header: write Name: value, and an empty line before the body");
    }
    captured.headers.emplace_back(line.substr(0, colon), base::trimmed(line.substr(colon + 1)));
  }
  captured.body = text;
  return captured;
}

http::Request Captured::request() const {
  http::Request made;
  made.method = method;
  made.set_target(target);
  for (const auto& [name, value] : headers) made.headers.emplace_back(name, value);
  made.body = body;
  return made;
}

std::string Captured::url() const {
  std::string host = "localhost";
  std::string scheme = "https";
  for (const auto& [name, value] : headers) {
    if (http::equals_ignoring_case(name, "host")) host = value;
    if (http::equals_ignoring_case(name, "x-forwarded-proto")) scheme = value;
  }
  return scheme + "://" + host + target;
}

}  // namespace inbound
