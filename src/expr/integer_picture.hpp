// Integers in digits, letters, Roman numerals and words, by a picture: $formatInteger, $parseInteger, dates.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expr/picture.hpp"

namespace expr {

/// A picture of fn:format-integer (XPath and XQuery Functions 3.1, 4.6.1): "1", "#,##0", "a", "I", "Ww;o".
class IntegerPicture {
 public:
  enum class Kind { decimal, letters, roman, words };
  enum class Letters { lower, upper, title };

  /// Error: D3130, D3131.
  static std::expected<IntegerPicture, PictureError> parse(std::string_view picture);

  /// Of a whole number.
  std::string format(double number) const;
  /// The number that a text of this picture stands for; nothing where it is none.
  std::optional<double> read(std::string_view text) const;
  /// How many bytes of a text this picture could have written, at most; 0 where none. width: exactly so many
  /// digits.
  std::size_t extent(std::string_view text, std::size_t width = 0) const;

  Kind kind = Kind::decimal;
  Letters letters = Letters::lower;
  bool ordinal = false;
  char32_t zero = U'0';
  std::size_t mandatory_digits = 0;
  std::size_t optional_digits = 0;
  bool has_separators() const { return !separators_.empty(); }
  bool is_regular() const { return regular_ > 0; }

 private:
  struct Separator {
    std::size_t position;  ///< digits to the right of it
    char32_t character;
  };

  std::string format_decimal(double number) const;

  std::vector<Separator> separators_;  ///< from the right
  std::size_t regular_ = 0;
};

}  // namespace expr
