#include <array>
#include <charconv>
#include <cmath>

#include "format/json.hpp"
#include "format/json_text.hpp"
#include "format/utf8.hpp"

namespace format {

namespace {

/// U+2028 and U+2029 end a line in JavaScript before 2019, so JSON that meets such a reader must not hold
/// them.
bool is_line_separator(const char* at) {
  return at[0] == '\xE2' && at[1] == '\x80' && (at[2] == '\xA8' || at[2] == '\xA9');
}

void append_unicode_escape(std::string& out, std::uint32_t unit) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const std::array<char, 6> escape{
      '\\', 'u', kHex[unit >> 12 & 15], kHex[unit >> 8 & 15], kHex[unit >> 4 & 15], kHex[unit & 15]};
  out.append(escape.data(), escape.size());
}

/// One character of ASCII that may not stand for itself in a string.
void append_ascii_escape(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\b': out += "\\b"; break;
    case '\f': out += "\\f"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default: append_unicode_escape(out, static_cast<std::uint8_t>(c));
  }
}

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  const char* written = text.data();
  const char* const end = written + text.size();
  for (const char* at = skip_plain(written, end); at != end; at = skip_plain(at, end)) {
    const std::size_t length = utf8_length(at, end);
    if (length > 1 && !(length == 3 && is_line_separator(at))) {
      at += length;
      continue;
    }
    out.append(written, at);
    if (length == 0) {
      out += "\uFFFD";
      at += 1;
    } else if (length == 1) {
      append_ascii_escape(out, *at++);
    } else {
      append_unicode_escape(out, at[2] == '\xA8' ? 0x2028 : 0x2029);
      at += length;
    }
    written = at;
  }
  out.append(written, end);
  out.push_back('"');
}

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> digits;  // a double takes at most 24, a 64-bit integer 20
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

}  // namespace

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_.push_back('{');
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  out_.push_back('}');
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_.push_back('[');
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  out_.push_back(']');
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_string(out_, name);
  out_.push_back(':');
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  separate();
  append_number(out_, number);
  return *this;
}

JsonWriter& JsonWriter::value(const base::Uuid& uuid) {
  std::array<char, 38> quoted;
  quoted.front() = '"';
  uuid.write(quoted.data() + 1);
  quoted.back() = '"';
  return raw({quoted.data(), quoted.size()});
}

JsonWriter& JsonWriter::value(base::Time time) { return value(base::to_rfc3339(time)); }

JsonWriter& JsonWriter::null() { return raw("null"); }

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_.append(json);
  return *this;
}

JsonWriter& JsonWriter::value(const Value& tree) {
  if (!tree.raw().empty()) return raw(tree.raw());
  switch (tree.kind()) {
    case Value::Kind::null: return null();
    case Value::Kind::boolean: return boolean(tree.boolean());
    case Value::Kind::number: return raw(tree.text());
    case Value::Kind::string: return value(tree.text());
    case Value::Kind::array:
      begin_array();
      for (const Value& element : tree.elements()) value(element);
      return end_array();
    case Value::Kind::object:
      begin_object();
      for (const Member& member : tree.members()) key(member.key).value(member.value);
      return end_object();
  }
  return null();
}

JsonWriter& JsonWriter::integer(std::int64_t number) {
  separate();
  append_number(out_, number);
  return *this;
}

JsonWriter& JsonWriter::natural(std::uint64_t number) {
  separate();
  append_number(out_, number);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool flag) { return raw(flag ? "true" : "false"); }

void JsonWriter::separate() {
  if (needs_comma_) out_.push_back(',');
  needs_comma_ = true;
}

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_string(out, text);
  return out;
}

}  // namespace format
