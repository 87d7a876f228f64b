// Texts as rows of characters. JSONata's $length, $substring and $pad count Unicode code points, not UTF-16
// units, so that no character is ever cut in two.
#pragma once

#include <cstdint>
#include <string_view>

#include "format/utf8.hpp"

namespace expr {

/// Bytes of the character that a text begins with; a byte that belongs to none counts as one.
inline std::size_t character_bytes(std::string_view text) {
  // Three bytes of half a surrogate pair can come from \u escapes; they are one unit.
  if (text.size() >= 3 && static_cast<std::uint8_t>(text[0]) == 0xED) return 3;
  const std::size_t length = format::utf8_length(text.data(), text.data() + text.size());
  return length == 0 ? 1 : length;
}

inline std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<std::uint8_t>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

/// Where the n-th character begins, in bytes; the end where there are fewer.
inline std::size_t offset_of_character(std::string_view text, std::size_t n) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<std::uint8_t>(text[at]) & 0xC0) == 0x80) continue;
    if (n-- == 0) return at;
  }
  return at;
}

/// The code point that a text begins with. Requires one.
inline std::uint32_t code_point_at(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<std::uint8_t>(text[i]));
  };
  switch (character_bytes(text)) {
    case 2: return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
    case 3: return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    case 4: return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    default: return byte(0);
  }
}

}  // namespace expr
