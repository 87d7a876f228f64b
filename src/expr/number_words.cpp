#include "expr/number_words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/text.hpp"

namespace expr {

namespace {

constexpr std::array<std::string_view, 20> kSmall{"Zero",    "One",     "Two",       "Three",    "Four",
                                                  "Five",    "Six",     "Seven",     "Eight",    "Nine",
                                                  "Ten",     "Eleven",  "Twelve",    "Thirteen", "Fourteen",
                                                  "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen"};
constexpr std::array<std::string_view, 20> kSmallOrdinals{
    "Zeroth",     "First",     "Second",    "Third",       "Fourth",     "Fifth",     "Sixth",
    "Seventh",    "Eighth",    "Ninth",     "Tenth",       "Eleventh",   "Twelfth",   "Thirteenth",
    "Fourteenth", "Fifteenth", "Sixteenth", "Seventeenth", "Eighteenth", "Nineteenth"};
constexpr std::array<std::string_view, 8> kTens{"Twenty", "Thirty",  "Forty",  "Fifty",
                                                "Sixty",  "Seventy", "Eighty", "Ninety"};
constexpr std::array<std::string_view, 4> kMagnitudes{"Thousand", "Million", "Billion", "Trillion"};

void append_words(std::string& out, double number, bool follows, bool ordinal) {
  const auto rest = [&](double remainder) {
    if (remainder > 0) {
      append_words(out, remainder, true, ordinal);
    } else if (ordinal) {
      out += "th";
    }
  };
  if (number < 20) {
    if (follows) out += " and ";
    out += (ordinal ? kSmallOrdinals : kSmall)[static_cast<std::size_t>(number)];
  } else if (number < 100) {
    if (follows) out += " and ";
    out += kTens[static_cast<std::size_t>(number / 10) - 2];
    if (const double unit = std::fmod(number, 10); unit > 0) {
      out += '-';
      append_words(out, unit, false, ordinal);
    } else if (ordinal) {
      out.back() = 'i';
      out += "eth";
    }
  } else if (number < 1000) {
    if (follows) out += ", ";
    out.append(kSmall[static_cast<std::size_t>(number / 100)]).append(" Hundred");
    rest(std::fmod(number, 100));
  } else {
    const double magnitude =
        std::min(std::floor(std::log10(number) / 3), static_cast<double>(kMagnitudes.size()));
    const double factor = std::pow(10, magnitude * 3);
    const double count = std::floor(number / factor);
    if (follows) out += ", ";
    append_words(out, count, false, false);
    out.append(" ").append(kMagnitudes[static_cast<std::size_t>(magnitude) - 1]);
    rest(number - count * factor);
  }
}

bool same_word(std::string_view word, std::string_view known, std::string_view ending = "") {
  if (word.size() != known.size() + ending.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char expected = i < known.size() ? known[i] : ending[i - known.size()];
    if (base::lower_ascii(word[i]) != base::lower_ascii(expected)) return false;
  }
  return true;
}

/// What a word counts; nothing for others.
std::optional<double> value_of(std::string_view word) {
  for (std::size_t i = 0; i < kSmall.size(); ++i) {
    if (same_word(word, kSmall[i]) || same_word(word, kSmallOrdinals[i])) return static_cast<double>(i);
  }
  for (std::size_t i = 0; i < kTens.size(); ++i) {
    const std::string_view stem = kTens[i].substr(0, kTens[i].size() - 1);
    if (same_word(word, kTens[i]) || same_word(word, stem, "ieth")) return static_cast<double>((i + 2) * 10);
  }
  if (same_word(word, "Hundred") || same_word(word, "Hundredth")) return 100;
  for (std::size_t i = 0; i < kMagnitudes.size(); ++i) {
    if (same_word(word, kMagnitudes[i]) || same_word(word, kMagnitudes[i], "th")) {
      return std::pow(1000, static_cast<double>(i + 1));
    }
  }
  return std::nullopt;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::size_t letters_at(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && is_letter(text[count])) ++count;
  return count;
}

}  // namespace

std::string number_in_words(double number, bool ordinal) {
  std::string out;
  append_words(out, number, false, ordinal);
  return out;
}

std::optional<double> number_from_words(std::string_view words) {
  std::vector<double> parts{0};
  while (!words.empty()) {
    const std::size_t length = letters_at(words);
    if (length == 0) {
      words.remove_prefix(1);
      continue;
    }
    const std::string_view word = words.substr(0, length);
    words.remove_prefix(length);
    if (same_word(word, "and")) continue;
    const auto value = value_of(word);
    if (!value) return std::nullopt;
    if (*value >= 100) {
      parts.back() *= *value;
    } else if (parts.back() >= 1000) {
      parts.push_back(*value);
    } else {
      parts.back() += *value;
    }
  }
  double total = 0;
  for (const double part : parts) total += part;
  return total;
}

std::size_t extent_of_words(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = letters_at(text.substr(at));
    if (length == 0) {
      if (text[at] != ' ' && text[at] != '-' && text[at] != ',') break;
      ++at;
      continue;
    }
    const std::string_view word = text.substr(at, length);
    if (!same_word(word, "and") && !value_of(word)) break;
    at += length;
    end = at;
  }
  return end;
}

}  // namespace expr
