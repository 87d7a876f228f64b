// Numbers by a picture such as "#,##0.00": $formatNumber.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "expr/picture.hpp"

namespace expr {

/// The signs of a picture (XPath and XQuery Functions 3.1, 4.7.2, "decimal format").
struct DecimalFormat {
  char32_t decimal_separator = U'.';
  char32_t grouping_separator = U',';
  char32_t exponent_separator = U'e';
  char32_t zero = U'0';
  char32_t digit = U'#';
  char32_t pattern_separator = U';';
  Characters minus_sign = U"-";
  Characters percent = U"%";
  Characters per_mille = U"‰";
  Characters infinity = U"Infinity";
  Characters nan = U"NaN";

  /// By the name of the property; others have no meaning and are passed over.
  void set(std::string_view property, std::string_view value);
};

/// Error: D3080 to D3093, where the picture is none.
std::expected<std::string, PictureError> format_by_picture(double number, std::string_view picture,
                                                           const DecimalFormat& format);

}  // namespace expr
