// Whole numbers in English words, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace expr {

/// "One Hundred and Twenty-Third": in title case. Requires a number that is not negative.
std::string number_in_words(double number, bool ordinal);
/// Nothing where a word is no number's. Any case.
std::optional<double> number_from_words(std::string_view words);
/// How many bytes of a text are words of numbers and what stands between them.
std::size_t extent_of_words(std::string_view text);

}  // namespace expr
