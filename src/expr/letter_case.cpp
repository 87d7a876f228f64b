#include "expr/letter_case.hpp"

#include <algorithm>

#include "expr/code_points.hpp"
#include "expr/letter_case_table.hpp"

namespace expr {

namespace {

std::uint32_t mapped(std::span<const CaseRange> table, std::uint32_t code_point) {
  const auto found = std::ranges::upper_bound(table, code_point, {}, &CaseRange::first);
  if (found == table.begin()) return code_point;
  const CaseRange& range = *(found - 1);
  if (code_point > range.last || (code_point - range.first) % range.step != 0) return code_point;
  return static_cast<std::uint32_t>(static_cast<std::int32_t>(code_point) + range.delta);
}

bool has_case(std::uint32_t code_point) {
  return mapped(kToLower, code_point) != code_point || mapped(kToUpper, code_point) != code_point ||
         code_point == 0xDF;
}

/// Whether a sigma that stands behind `before` ends a word: a letter stands before it, and none follows.
bool is_final(std::string_view before, std::string_view after) {
  while (!before.empty() && (static_cast<std::uint8_t>(before.back()) & 0xC0) == 0x80)
    before.remove_suffix(1);
  return !before.empty() && (after.empty() || !has_case(code_point_at(after)));
}

constexpr std::uint32_t kSigma = 0x3A3;
constexpr std::uint32_t kFinalSigma = 0x3C2;

}  // namespace

void to_upper(std::string_view text, TextBuilder& out) {
  while (!text.empty()) {
    const auto first = static_cast<std::uint8_t>(text.front());
    const std::size_t length = character_bytes(text);
    if (first < 0x80) {
      out.append(first >= 'a' && first <= 'z' ? static_cast<char>(first - 32) : static_cast<char>(first));
    } else {
      const std::uint32_t code_point = code_point_at(text);
      const auto special = std::ranges::lower_bound(kSpecialUpper, code_point, {}, &SpecialCase::from);
      if (special != std::end(kSpecialUpper) && special->from == code_point) {
        out.append(special->to);
      } else if (const std::uint32_t upper = mapped(kToUpper, code_point); upper != code_point) {
        out.append_code_point(upper);
      } else {
        out.append(text.substr(0, length));
      }
    }
    text.remove_prefix(length);
  }
}

void to_lower(std::string_view text, TextBuilder& out) {
  std::size_t letter = 0;  // where the last character before this one begins
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const auto first = static_cast<std::uint8_t>(rest.front());
    const std::size_t length = character_bytes(rest);
    if (first < 0x80) {
      out.append(first >= 'A' && first <= 'Z' ? static_cast<char>(first + 32) : static_cast<char>(first));
    } else {
      const std::uint32_t code_point = code_point_at(rest);
      const std::uint32_t lower = mapped(kToLower, code_point);
      if (code_point == kSigma && at > 0 && has_case(code_point_at(text.substr(letter))) &&
          is_final(text.substr(0, at), rest.substr(length))) {
        out.append_code_point(kFinalSigma);
      } else if (code_point == 0x130) {
        out.append("i\u0307");
      } else if (lower != code_point) {
        out.append_code_point(lower);
      } else {
        out.append(rest.substr(0, length));
      }
    }
    letter = at;
    at += length;
  }
}

}  // namespace expr
