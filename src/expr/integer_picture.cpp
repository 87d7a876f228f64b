#include "expr/integer_picture.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "expr/number_words.hpp"

namespace expr {

namespace {

struct Numeral {
  double value;
  std::string_view text;
};
constexpr Numeral kNumerals[] = {{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"},
                                 {90, "xc"},  {50, "l"},   {40, "xl"}, {10, "x"},   {9, "ix"},
                                 {5, "v"},    {4, "iv"},   {1, "i"}};
/// Larger numbers have no Roman numeral that anybody would read.
constexpr double kRomanMax = 1e6;

char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

std::string in_letters(double number) {
  std::string out;
  for (; number >= 1; number = std::floor((number - 1) / 26)) {
    out.push_back(static_cast<char>('a' + static_cast<int>(std::fmod(number - 1, 26))));
  }
  std::ranges::reverse(out);
  return out;
}

std::string in_roman(double number) {
  std::string out;
  if (number > kRomanMax) return out;
  for (const Numeral& numeral : kNumerals) {
    for (; number >= numeral.value; number -= numeral.value) out += numeral.text;
  }
  return out;
}

std::optional<double> from_roman(std::string_view text) {
  double number = 0;
  double largest = 0;
  for (std::size_t i = text.size(); i > 0; --i) {
    const char letter = base::lower_ascii(text[i - 1]);
    const auto* const numeral = std::ranges::find_if(
        kNumerals, [letter](const Numeral& each) { return each.text == std::string_view(&letter, 1); });
    if (numeral == std::end(kNumerals)) return std::nullopt;
    number += numeral->value < largest ? -numeral->value : numeral->value;
    largest = std::max(largest, numeral->value);
  }
  return number;
}

std::string_view ordinal_suffix(const std::string& digits) {
  const char last = digits.empty() ? '0' : digits.back();
  const bool teen = digits.size() > 1 && digits[digits.size() - 2] == '1';
  if (teen || last < '1' || last > '3') return "th";
  return last == '1' ? "st" : last == '2' ? "nd" : "rd";
}

bool is_suffix(std::string_view text) {
  return text.starts_with("st") || text.starts_with("nd") || text.starts_with("rd") || text.starts_with("th");
}

}  // namespace

std::expected<IntegerPicture, PictureError> IntegerPicture::parse(std::string_view picture) {
  IntegerPicture made;
  std::string_view primary = picture;
  if (const std::size_t mark = picture.rfind(';'); mark != std::string_view::npos) {
    primary = picture.substr(0, mark);
    made.ordinal = picture.substr(mark + 1).starts_with('o');
  }
  made.letters = primary == "A" || primary == "I" || primary == "W" ? Letters::upper : Letters::lower;
  if (primary == "a" || primary == "A") {
    made.kind = Kind::letters;
  } else if (primary == "i" || primary == "I") {
    made.kind = Kind::roman;
  } else if (primary == "w" || primary == "W" || primary == "Ww") {
    made.kind = Kind::words;
    if (primary == "Ww") made.letters = Letters::title;
  } else {
    const Characters characters = to_characters(primary);
    std::size_t digits = 0;
    std::vector<std::size_t> positions;
    for (std::size_t i = characters.size(); i > 0; --i) {
      const char32_t c = characters[i - 1];
      if (const auto zero = zero_of(c)) {
        if (made.mandatory_digits > 0 && made.zero != *zero)
          return std::unexpected(PictureError{Code::D3131});
        made.zero = *zero;
        ++made.mandatory_digits;
        ++digits;
      } else if (c == U'#') {
        ++made.optional_digits;
        ++digits;
      } else {
        made.separators_.push_back({digits, c});
        positions.push_back(digits);
      }
    }
    if (made.mandatory_digits == 0) return std::unexpected(PictureError{Code::D3130, std::string(primary)});
    const bool same = std::ranges::all_of(made.separators_, [&made](const Separator& each) {
      return each.character == made.separators_.front().character;
    });
    made.regular_ = same ? regular_distance(positions) : 0;
  }
  return made;
}

std::string IntegerPicture::format(double number) const {
  const bool negative = number < 0;
  number = std::fabs(number);
  std::string out;
  switch (kind) {
    case Kind::letters: out = in_letters(number); break;
    case Kind::roman: out = in_roman(number); break;
    case Kind::words: out = number_in_words(number, ordinal); break;
    case Kind::decimal: out = format_decimal(number); break;
  }
  if (kind != Kind::decimal && letters != Letters::title) {
    for (char& c : out) c = letters == Letters::upper ? to_upper(c) : base::lower_ascii(c);
  }
  if (negative) out.insert(0, "-");
  return out;
}

std::string IntegerPicture::format_decimal(double number) const {
  char digits[400];
  const auto written = std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed, 0);
  std::string plain(digits, written.ptr);
  if (plain.size() < mandatory_digits) plain.insert(0, mandatory_digits - plain.size(), '0');
  const std::string_view suffix = ordinal ? ordinal_suffix(plain) : "";
  Characters out;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const std::size_t to_the_right = plain.size() - i;
    if (i > 0 && regular_ > 0 && to_the_right % regular_ == 0) out.push_back(separators_.front().character);
    if (i > 0 && regular_ == 0) {
      for (const Separator& each : separators_) {
        if (each.position == to_the_right) out.push_back(each.character);
      }
    }
    out.push_back(zero + static_cast<char32_t>(plain[i] - '0'));
  }
  return to_utf8(out).append(suffix);
}

std::optional<double> IntegerPicture::read(std::string_view text) const {
  switch (kind) {
    case Kind::letters: {
      double number = 0;
      for (const char c : text) {
        const char lower = base::lower_ascii(c);
        if (lower < 'a' || lower > 'z') return std::nullopt;
        number = number * 26 + (lower - 'a' + 1);
      }
      return number;
    }
    case Kind::roman: return from_roman(text);
    case Kind::words: return number_from_words(text);
    case Kind::decimal: break;
  }
  if (ordinal && text.size() >= 2) text.remove_suffix(2);
  double number = 0;
  bool any = false;
  for (const char32_t c : to_characters(text)) {
    if (c >= zero && c <= zero + 9) {
      number = number * 10 + static_cast<double>(c - zero);
      any = true;
      continue;
    }
    const bool separator =
        std::ranges::any_of(separators_, [c](const Separator& each) { return each.character == c; });
    if (!separator) return std::nullopt;
  }
  return any ? std::optional(number) : std::nullopt;
}

std::size_t IntegerPicture::extent(std::string_view text, std::size_t width) const {
  if (kind == Kind::words) return extent_of_words(text);
  std::size_t at = 0;
  if (kind == Kind::decimal) {
    std::size_t digits = 0;
    while (at < text.size() && (width == 0 || digits < width)) {
      const char32_t c = code_point_at(text.substr(at));
      if (c < zero || c > zero + 9) {
        const bool separator =
            std::ranges::any_of(separators_, [c](const Separator& each) { return each.character == c; });
        if (!separator || digits == 0) break;
      } else {
        ++digits;
      }
      at += character_bytes(text.substr(at));
    }
    if (digits == 0 || digits < width) return 0;
    if (ordinal) at = is_suffix(text.substr(at)) ? at + 2 : 0;
    return at;
  }
  const std::string_view allowed =
      kind == Kind::roman
          ? (letters == Letters::upper ? "MDCLXVI" : "mdclxvi")
          : (letters == Letters::upper ? "ABCDEFGHIJKLMNOPQRSTUVWXYZ" : "abcdefghijklmnopqrstuvwxyz");
  while (at < text.size() && allowed.contains(text[at])) ++at;
  return at;
}

}  // namespace expr
