// Writes JSON, indented, in the order in which it is told.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// Members are given with their name, elements of an array with an empty one. Objects and arrays must be
/// closed in turn.
class JsonWriter {
 public:
  JsonWriter& open_object(std::string_view name = {}) { return open(name, '{'); }
  JsonWriter& close_object() { return close('}'); }
  JsonWriter& open_array(std::string_view name) { return open(name, '['); }
  JsonWriter& close_array() { return close(']'); }

  JsonWriter& member(std::string_view name, std::string_view text);
  JsonWriter& member(std::string_view name, const char* text) { return member(name, std::string_view(text)); }
  /// At most six significant digits; what is not finite is null.
  JsonWriter& member(std::string_view name, double number);
  JsonWriter& member(std::string_view name, std::integral auto number) {
    begin(name);
    text_ += std::to_string(number);
    return *this;
  }
  JsonWriter& member(std::string_view name, const std::vector<std::string>& texts);

  /// The document; valid once everything is closed.
  const std::string& text() const { return text_; }

 private:
  JsonWriter& open(std::string_view name, char bracket);
  JsonWriter& close(char bracket);
  void begin(std::string_view name);
  void quote(std::string_view text);
  void break_line() { text_.append("\n").append(depth_ * 2, ' '); }

  std::string text_;
  std::size_t depth_ = 0;
  bool first_ = true;
};

}  // namespace bench
