#include "format/decimal.hpp"

#include <algorithm>
#include <charconv>

namespace format {

namespace {

constexpr std::int64_t kExponentMax = 100'000'000'000'000'000;

std::int64_t read_exponent(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t exponent = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (read.ec == std::errc::result_out_of_range) return text.starts_with('-') ? -kExponentMax : kExponentMax;
  return std::clamp(exponent, -kExponentMax, kExponentMax);
}

std::string_view without_leading_zeros(std::string_view digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

}  // namespace

Decimal::Decimal(std::string_view text) {
  negative_ = text.starts_with('-');
  if (negative_) text.remove_prefix(1);
  const std::size_t mark = std::min(text.find_first_of("eE"), text.size());
  const std::string_view mantissa = text.substr(0, mark);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  whole_ = without_leading_zeros(mantissa.substr(0, point));
  fraction_ = mantissa.substr(std::min(point + 1, mantissa.size()));
  std::int64_t exponent = static_cast<std::int64_t>(whole_.size()) - 1;
  if (whole_.empty()) {
    const std::size_t written = fraction_.size();
    fraction_ = without_leading_zeros(fraction_);
    exponent -= static_cast<std::int64_t>(written - fraction_.size());
  }
  if (is_zero()) {
    negative_ = false;
    return;
  }
  exponent_ = exponent + (mark < text.size() ? read_exponent(text.substr(mark + 1)) : 0);
}

std::strong_ordering Decimal::compare(const Decimal& other) const {
  if (negative_ != other.negative_)
    return negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  return negative_ ? other.compare_magnitude(*this) : compare_magnitude(other);
}

std::strong_ordering Decimal::compare_magnitude(const Decimal& other) const {
  if (is_zero() || other.is_zero()) return other.is_zero() <=> is_zero();
  if (exponent_ != other.exponent_) return exponent_ <=> other.exponent_;
  const std::size_t most = std::max(digits(), other.digits());
  for (std::size_t i = 0; i < most; ++i) {
    if (digit(i) != other.digit(i)) return digit(i) <=> other.digit(i);
  }
  return std::strong_ordering::equal;
}

char Decimal::digit(std::size_t i) const {
  if (i < whole_.size()) return whole_[i];
  i -= whole_.size();
  return i < fraction_.size() ? fraction_[i] : '0';
}

}  // namespace format
