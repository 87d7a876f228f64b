#include "expr/picture.hpp"

#include <algorithm>
#include <numeric>

namespace expr {

namespace {

/// The zeros of Unicode's decimal digits (general category Nd).
constexpr char32_t kZeros[] = {0x30,   0x660,  0x6F0,  0x7C0,  0x966,  0x9E6,  0xA66,  0xAE6,  0xB66,  0xBE6,
                               0xC66,  0xCE6,  0xD66,  0xDE6,  0xE50,  0xED0,  0xF20,  0x1040, 0x1090, 0x17E0,
                               0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620,
                               0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10};

}  // namespace

std::optional<char32_t> zero_of(char32_t digit) {
  const auto* const above = std::ranges::upper_bound(kZeros, digit);
  if (above == std::begin(kZeros)) return std::nullopt;
  const char32_t zero = *(above - 1);
  return digit <= zero + 9 ? std::optional(zero) : std::nullopt;
}

std::size_t regular_distance(const std::vector<std::size_t>& positions) {
  if (positions.empty()) return 0;
  std::size_t distance = 0;
  for (const std::size_t position : positions) distance = std::gcd(distance, position);
  for (std::size_t i = 1; i <= positions.size(); ++i) {
    if (std::ranges::find(positions, i * distance) == positions.end()) return 0;
  }
  return distance;
}

}  // namespace expr
