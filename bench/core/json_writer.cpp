#include "core/json_writer.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace bench {

JsonWriter& JsonWriter::member(std::string_view name, std::string_view text) {
  begin(name);
  quote(text);
  return *this;
}

JsonWriter& JsonWriter::member(std::string_view name, double number) {
  begin(name);
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%.6g", number);
  text_ += std::isfinite(number) ? digits.data() : "null";
  return *this;
}

JsonWriter& JsonWriter::member(std::string_view name, const std::vector<std::string>& texts) {
  open_array(name);
  for (const std::string& text : texts) member({}, text);
  return close_array();
}

JsonWriter& JsonWriter::open(std::string_view name, char bracket) {
  begin(name);
  text_ += bracket;
  ++depth_;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  --depth_;
  if (!first_) break_line();
  text_ += bracket;
  first_ = false;
  if (depth_ == 0) text_ += '\n';
  return *this;
}

void JsonWriter::begin(std::string_view name) {
  if (depth_ > 0) {
    if (!first_) text_ += ',';
    break_line();
  }
  first_ = false;
  if (name.empty()) return;
  quote(name);
  text_ += ": ";
}

void JsonWriter::quote(std::string_view text) {
  text_ += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      text_.append("\\").push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      text_ += escape.data();
    } else {
      text_ += c;
    }
  }
  text_ += '"';
}

}  // namespace bench
