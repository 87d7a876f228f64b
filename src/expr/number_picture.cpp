#include "expr/number_picture.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "expr/number.hpp"

namespace expr {

namespace {

constexpr std::size_t kNone = Characters::npos;

/// One half of a picture, taken apart.
struct SubPicture {
  Characters text;
  Characters prefix;
  Characters suffix;
  Characters active;
  Characters mantissa;
  Characters exponent;
  bool has_exponent = false;
  Characters integer;
  Characters fraction;
};

/// What a sub-picture asks for (4.7.4, "analyzing the picture string").
struct Layout {
  std::vector<std::size_t> integer_groups;
  std::size_t regular_groups = 0;
  std::vector<std::size_t> fraction_groups;
  std::size_t integer_min = 0;
  std::size_t scaling = 0;
  std::size_t fraction_min = 0;
  std::size_t fraction_max = 0;
  std::size_t exponent_min = 0;
};

class Analysis {
 public:
  explicit Analysis(const DecimalFormat& format) : format_(format) {}

  SubPicture split(const Characters& text) const {
    SubPicture sub{.text = text};
    const auto is_core = [this](char32_t c) { return is_active(c) && c != format_.exponent_separator; };
    const auto begin = std::ranges::find_if(text, is_core);
    if (begin == text.end()) {
      sub.prefix = text;
      return sub;
    }
    const auto end = std::find_if(text.rbegin(), text.rend(), is_core).base();
    sub.prefix.assign(text.begin(), begin);
    sub.suffix.assign(end, text.end());
    sub.active.assign(begin, end);
    const std::size_t mark = sub.active.find(format_.exponent_separator);
    sub.has_exponent = mark != kNone;
    sub.mantissa = sub.active.substr(0, mark);
    if (sub.has_exponent) sub.exponent = sub.active.substr(mark + 1);
    const std::size_t point = sub.mantissa.find(format_.decimal_separator);
    sub.integer = sub.mantissa.substr(0, point);
    if (point != kNone) sub.fraction = sub.mantissa.substr(point + 1);
    return sub;
  }

  /// The rules of 4.7.3 that a picture must keep, in the order in which the reference looks at them.
  std::optional<Code> fault(const SubPicture& sub) const {
    const Characters& text = sub.text;
    const auto twice = [&text](const Characters& sign) {
      const std::size_t first = text.find(sign);
      return first != kNone && text.find(sign, first + 1) != kNone;
    };
    const Characters point(1, format_.decimal_separator);
    const char32_t group = format_.grouping_separator;
    if (twice(point)) return Code::D3081;
    if (twice(format_.percent)) return Code::D3082;
    if (twice(format_.per_mille)) return Code::D3083;
    if (text.contains(format_.percent) && text.contains(format_.per_mille)) return Code::D3084;
    if (!std::ranges::any_of(sub.mantissa, [this](char32_t c) { return is_digit(c) || c == format_.digit; }))
      return Code::D3085;
    if (!std::ranges::all_of(sub.active, [this](char32_t c) { return is_active(c); })) return Code::D3086;
    if (const std::size_t at = text.find(point); at != kNone) {
      if ((at > 0 && text[at - 1] == group) || (at + 1 < text.size() && text[at + 1] == group))
        return Code::D3087;
    } else if (!sub.integer.empty() && sub.integer.back() == group) {
      return Code::D3088;
    }
    if (text.contains(Characters(2, group))) return Code::D3089;
    const std::size_t optional = sub.integer.find(format_.digit);
    if (optional != kNone) {
      const auto before = std::ranges::find_if(sub.integer, [this](char32_t c) { return is_digit(c); });
      const std::size_t last_optional = sub.integer.rfind(format_.digit);
      if (static_cast<std::size_t>(before - sub.integer.begin()) < last_optional) return Code::D3090;
    }
    if (const std::size_t first_optional = sub.fraction.find(format_.digit); first_optional != kNone) {
      if (std::any_of(sub.fraction.begin() + static_cast<std::ptrdiff_t>(first_optional), sub.fraction.end(),
                      [this](char32_t c) { return is_digit(c); })) {
        return Code::D3091;
      }
    }
    if (sub.has_exponent && !sub.exponent.empty() &&
        (text.contains(format_.percent) || text.contains(format_.per_mille))) {
      return Code::D3092;
    }
    if (sub.has_exponent && (sub.exponent.empty() || !std::ranges::all_of(sub.exponent, [this](char32_t c) {
                               return is_digit(c);
                             }))) {
      return Code::D3093;
    }
    return std::nullopt;
  }

  Layout layout(const SubPicture& sub) const {
    Layout made;
    const auto digits = [this](const Characters& part, bool with_optional) {
      return static_cast<std::size_t>(std::ranges::count_if(
          part, [&](char32_t c) { return is_digit(c) || (with_optional && c == format_.digit); }));
    };
    for (std::size_t i = 0; i < sub.integer.size(); ++i) {
      if (sub.integer[i] == format_.grouping_separator) {
        made.integer_groups.push_back(digits(sub.integer.substr(i + 1), true));
      }
    }
    for (std::size_t i = 0; i < sub.fraction.size(); ++i) {
      if (sub.fraction[i] == format_.grouping_separator) {
        made.fraction_groups.push_back(digits(sub.fraction.substr(0, i), true));
      }
    }
    made.regular_groups = regular_distance(made.integer_groups);
    made.integer_min = made.scaling = digits(sub.integer, false);
    made.fraction_min = digits(sub.fraction, false);
    made.fraction_max = digits(sub.fraction, true);
    if (made.integer_min == 0 && made.fraction_max == 0) {
      if (sub.has_exponent) {
        made.fraction_min = made.fraction_max = 1;
      } else {
        made.integer_min = 1;
      }
    }
    if (sub.has_exponent && made.integer_min == 0 && sub.integer.contains(format_.digit))
      made.integer_min = 1;
    if (made.integer_min == 0 && made.fraction_min == 0) made.fraction_min = 1;
    made.exponent_min = sub.exponent.size();
    return made;
  }

 private:
  bool is_digit(char32_t c) const { return c >= format_.zero && c <= format_.zero + 9; }
  bool is_active(char32_t c) const {
    return is_digit(c) || c == format_.decimal_separator || c == format_.exponent_separator ||
           c == format_.grouping_separator || c == format_.digit || c == format_.pattern_separator;
  }

  const DecimalFormat& format_;
};

/// |number| with so many places, in digits of '0' to '9'.
std::string fixed(double number, std::size_t places) {
  char digits[512];
  const auto written =
      std::to_chars(digits, digits + sizeof digits, std::fabs(number), std::chars_format::fixed,
                    static_cast<int>(std::min<std::size_t>(places, 100)));
  return {digits, written.ptr};
}

/// 4.7.5, "formatting the number".
Characters format_digits(double mantissa, const Layout& layout, const DecimalFormat& format) {
  const std::string text =
      fixed(round_half_even(mantissa, static_cast<int>(layout.fraction_max)), layout.fraction_max);
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string integer = text.substr(0, point);
  std::string fraction = point < text.size() ? text.substr(point + 1) : "";
  integer.erase(0, std::min(integer.find_first_not_of('0'), integer.size()));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (integer.size() < layout.integer_min) integer.insert(0, layout.integer_min - integer.size(), '0');
  if (fraction.size() < layout.fraction_min) fraction.append(layout.fraction_min - fraction.size(), '0');
  const auto digit = [&format](char c) { return format.zero + static_cast<char32_t>(c - '0'); };
  Characters out;
  for (std::size_t i = 0; i < integer.size(); ++i) {
    const std::size_t to_the_right = integer.size() - i;
    const bool group = layout.regular_groups > 0 ? to_the_right % layout.regular_groups == 0
                                                 : std::ranges::find(layout.integer_groups, to_the_right) !=
                                                       layout.integer_groups.end();
    if (group && i > 0) out.push_back(format.grouping_separator);
    out.push_back(digit(integer[i]));
  }
  if (fraction.empty()) return out;
  out.push_back(format.decimal_separator);
  for (std::size_t i = 0; i < fraction.size(); ++i) {
    const bool group = std::ranges::find(layout.fraction_groups, i) != layout.fraction_groups.end();
    if (group && i > 0) out.push_back(format.grouping_separator);
    out.push_back(digit(fraction[i]));
  }
  return out;
}

}  // namespace

void DecimalFormat::set(std::string_view property, std::string_view value) {
  const Characters text = to_characters(value);
  if (text.empty()) return;
  if (property == "decimal-separator") decimal_separator = text.front();
  if (property == "grouping-separator") grouping_separator = text.front();
  if (property == "exponent-separator") exponent_separator = text.front();
  if (property == "zero-digit") zero = text.front();
  if (property == "digit") digit = text.front();
  if (property == "pattern-separator") pattern_separator = text.front();
  if (property == "minus-sign") minus_sign = text;
  if (property == "percent") percent = text;
  if (property == "per-mille") per_mille = text;
  if (property == "infinity") infinity = text;
  if (property == "NaN") nan = text;
}

std::expected<std::string, PictureError> format_by_picture(double number, std::string_view picture,
                                                           const DecimalFormat& format) {
  const Analysis analysis(format);
  const Characters whole = to_characters(picture);
  std::vector<SubPicture> subs;
  for (std::size_t begin = 0; begin <= whole.size();) {
    const std::size_t end = std::min(whole.find(format.pattern_separator, begin), whole.size());
    subs.push_back(analysis.split(whole.substr(begin, end - begin)));
    begin = end + 1;
  }
  if (subs.size() > 2) return std::unexpected(PictureError{Code::D3080});
  for (const SubPicture& sub : subs) {
    if (const auto code = analysis.fault(sub)) return std::unexpected(PictureError{*code});
  }
  if (subs.size() == 1) {
    subs.push_back(subs.front());
    subs.back().prefix.insert(0, format.minus_sign);
  }
  const SubPicture& sub = subs[number >= 0 || std::isnan(number) ? 0 : 1];
  const Layout layout = analysis.layout(sub);
  double mantissa = number;
  if (sub.text.contains(format.percent)) mantissa *= 100;
  if (sub.text.contains(format.per_mille)) mantissa *= 1000;
  if (!std::isfinite(mantissa)) {
    return to_utf8(std::isnan(mantissa) ? format.nan : sub.prefix + format.infinity + sub.suffix);
  }
  int exponent = 0;
  if (layout.exponent_min > 0 && mantissa != 0) {
    const double most = std::pow(10, static_cast<double>(layout.scaling));
    const double least = std::pow(10, static_cast<double>(layout.scaling) - 1);
    for (; std::fabs(mantissa) < least; --exponent) mantissa *= 10;
    for (; std::fabs(mantissa) > most; ++exponent) mantissa /= 10;
  }
  Characters out = sub.prefix + format_digits(mantissa, layout, format);
  if (layout.exponent_min > 0) {
    out.push_back(format.exponent_separator);
    if (exponent < 0) out += format.minus_sign;
    std::string digits = std::to_string(std::abs(exponent));
    if (digits.size() < layout.exponent_min) digits.insert(0, layout.exponent_min - digits.size(), '0');
    for (const char c : digits) out.push_back(format.zero + static_cast<char32_t>(c - '0'));
  }
  return to_utf8(out + sub.suffix);
}

}  // namespace expr
