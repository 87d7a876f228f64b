// Numbers as JSONata writes them, which is as JavaScript does.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace expr {

/// Room for any number's text.
using NumberText = std::array<char, 32>;

/// The shortest text that reads back as the same double: without exponent from 1e-6 up to 1e21 (ECMA-262,
/// Number::toString). Requires a finite number. The text lies in the room.
std::string_view write_number(NumberText& room, double number);

/// Rounded to 15 significant digits, as $string and & show numbers, so that 0.1 + 0.2 is "0.3".
double to_15_digits(double number);

/// A text that is a number by JSONata's $number: JSON's grammar, though a leading zero is no fault, or
/// hexadecimal (0x), octal (0o), binary (0b). Nothing for other texts and for what is not finite.
std::optional<double> read_number(std::string_view text);

/// Half to even at the digit `places` behind the point (before it where negative), decided on the decimal
/// text, so that 4.525 is halfway (JSONata, $round).
double round_half_even(double number, int places);

}  // namespace expr
