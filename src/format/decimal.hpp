// Numbers as JSON writes them, compared by what they mean: exactly, however long they are.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace format {

/// A number by JSON's grammar, taken apart; refers to its text. Exponents saturate at ±10^17, so comparing is
/// exact where the exponent of one of the two is smaller than that.
class Decimal {
 public:
  explicit Decimal(std::string_view text);

  /// -1.0 < 0 == -0 < 1 == 1.0 == 10e-1.
  std::strong_ordering compare(const Decimal& other) const;
  /// The power of ten of its first digit other than 0; 0 for zero.
  std::int64_t exponent() const { return exponent_; }

 private:
  bool is_zero() const { return whole_.empty() && fraction_.empty(); }
  std::size_t digits() const { return whole_.size() + fraction_.size(); }
  char digit(std::size_t i) const;
  std::strong_ordering compare_magnitude(const Decimal& other) const;

  bool negative_ = false;
  std::string_view whole_{};     ///< digits before the point, without leading zeros
  std::string_view fraction_{};  ///< digits behind it, without leading zeros where whole is empty
  std::int64_t exponent_ = 0;
};

}  // namespace format
