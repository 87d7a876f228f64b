#include "hub/wire.hpp"

#include <charconv>

namespace bench {

namespace {

constexpr std::size_t kHeadBytesMax = std::size_t{64} << 10;
constexpr std::size_t kBodyBytesMax = std::size_t{16} << 20;

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// `wanted` is lower case.
bool is_named(std::string_view name, std::string_view wanted) {
  if (name.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (lower(name[i]) != wanted[i]) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/// Takes one header line into the message; false when the framing cannot be followed.
bool read_header(std::string_view line, Message& message, std::uint64_t& body_bytes) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view name = line.substr(0, colon);
  const auto value = [&] { return trimmed(line.substr(colon + 1)); };
  // The length decides first: most headers are none of these and are passed over after one comparison.
  switch (name.size()) {
    case 10:
      if (is_named(name, "webhook-id")) message.webhook_id = value();
      if (is_named(name, "connection")) message.closes = is_named(value(), "close");
      return true;
    case 14:
      if (is_named(name, "content-length")) {
        const auto number = to_number(value());
        if (!number) return false;
        body_bytes = *number;
      }
      return true;
    case 17:
      if (is_named(name, "webhook-timestamp")) message.webhook_timestamp = value();
      if (is_named(name, "webhook-signature")) message.webhook_signature = value();
      return !is_named(name, "transfer-encoding");
    default: return true;
  }
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t'))
    ++at;
  return at;
}

/// The place of the quote that ends the string whose first character is at `at`.
std::size_t end_of_string(std::string_view json, std::size_t at) {
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  return at;
}

}  // namespace

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid uuid;
  std::size_t at = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    if (at == 8 || at == 13 || at == 18 || at == 23) {
      if (text[at++] != '-') return std::nullopt;
    }
    const int high = hex_digit(text[at]);
    const int low = hex_digit(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    uuid.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    at += 2;
  }
  return uuid;
}

Framing read_message(std::string_view buffer, Message& message) {
  message = {};
  const std::size_t head_end = buffer.find("\r\n\r\n");
  if (head_end == std::string_view::npos) {
    return buffer.size() > kHeadBytesMax ? Framing::broken : Framing::partial;
  }
  const std::string_view head = buffer.substr(0, head_end);
  std::size_t line_end = std::min(head.find("\r\n"), head.size());
  message.start_line = head.substr(0, line_end);
  std::uint64_t body_bytes = 0;
  while (line_end < head.size()) {
    const std::size_t begin = line_end + 2;
    line_end = std::min(head.find("\r\n", begin), head.size());
    if (!read_header(head.substr(begin, line_end - begin), message, body_bytes)) return Framing::broken;
  }
  if (body_bytes > kBodyBytesMax) return Framing::broken;
  const std::size_t body_begin = head_end + 4;
  if (buffer.size() - body_begin < body_bytes) return Framing::partial;
  message.body = buffer.substr(body_begin, body_bytes);
  message.bytes = body_begin + body_bytes;
  return Framing::complete;
}

int status_of(std::string_view start_line) {
  if (!start_line.starts_with("HTTP/1.1 ") || start_line.size() < 12) return 0;
  const auto number = to_number(start_line.substr(9, 3));
  return number && *number >= 100 && *number <= 599 ? static_cast<int>(*number) : 0;
}

std::string_view path_of(std::string_view start_line) {
  if (!start_line.ends_with(" HTTP/1.1")) return {};
  start_line.remove_suffix(9);
  const std::size_t space = start_line.find(' ');
  return space == std::string_view::npos ? std::string_view{} : start_line.substr(space + 1);
}

std::optional<std::uint64_t> number_after(std::string_view text, std::string_view before) {
  const std::size_t found = text.find(before);
  if (found == std::string_view::npos) return std::nullopt;
  const std::size_t begin = skip_spaces(text, found + before.size());
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + begin, text.data() + text.size(), value);
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

std::optional<std::string_view> string_member(std::string_view json, std::string_view name) {
  int depth = 0;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c != '"') continue;
    const std::size_t end = end_of_string(json, at + 1);
    if (end >= json.size()) return std::nullopt;
    const std::string_view text = json.substr(at + 1, end - at - 1);
    at = end;
    if (depth != 1 || text != name) continue;
    const std::size_t colon = skip_spaces(json, end + 1);
    if (colon >= json.size() || json[colon] != ':') continue;  // a value that reads like the name
    const std::size_t begin = skip_spaces(json, colon + 1);
    if (begin >= json.size() || json[begin] != '"') return std::nullopt;
    const std::size_t value_end = end_of_string(json, begin + 1);
    if (value_end >= json.size()) return std::nullopt;
    return json.substr(begin + 1, value_end - begin - 1);
  }
  return std::nullopt;
}

std::optional<std::string> plain_string_member(std::string_view json, std::string_view name) {
  const auto raw = string_member(json, name);
  if (!raw) return std::nullopt;
  std::string text;
  for (std::size_t i = 0; i < raw->size(); ++i) {
    if ((*raw)[i] == '\\' && i + 1 < raw->size()) ++i;
    text += (*raw)[i];
  }
  return text;
}

}  // namespace bench
