// UTF-8 as the standard has it (RFC 3629): which bytes are a character, and the bytes of a character.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace format {

/// Bytes of the well-formed character at `at` (1 to 4); 0 where none stands there: overlong forms,
/// surrogates, values over U+10FFFF and truncated sequences are none. Requires at < end.
inline std::size_t utf8_length(const char* at, const char* end) {
  const auto byte = [at](std::size_t i) { return static_cast<std::uint8_t>(at[i]); };
  const auto has = [&](std::size_t i, std::uint8_t low = 0x80, std::uint8_t high = 0xBF) {
    return i < static_cast<std::size_t>(end - at) && byte(i) >= low && byte(i) <= high;
  };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return has(1) ? 2 : 0;
  if (lead < 0xF0) {
    const std::uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;   // below: overlong
    const std::uint8_t high = lead == 0xED ? 0x9F : 0xBF;  // above: surrogates
    return has(1, low, high) && has(2) ? 3 : 0;
  }
  if (lead > 0xF4) return 0;
  const std::uint8_t low = lead == 0xF0 ? 0x90 : 0x80;   // below: overlong
  const std::uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;  // above: over U+10FFFF
  return has(1, low, high) && has(2) && has(3) ? 4 : 0;
}

/// Writes a code point (not a surrogate, at most U+10FFFF) to out, which has room for 4 bytes; returns what
/// is behind.
inline char* write_utf8(char* out, std::uint32_t code_point) {
  const auto put = [&out](std::uint32_t byte) {
    *out++ = static_cast<char>(static_cast<std::uint8_t>(byte));
  };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
  return out;
}

/// Whether all of a text is well-formed.
inline bool is_utf8(std::string_view text) {
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    // Most of what comes is ASCII: eight bytes at once.
    std::uint64_t eight = 0;
    if (end - at >= 8) std::memcpy(&eight, at, sizeof eight);
    if (end - at >= 8 && (eight & 0x8080808080808080) == 0) {
      at += 8;
      continue;
    }
    const std::size_t length = utf8_length(at, end);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

/// Whether every store can keep it as a text: well-formed, and without zero bytes, of which PostgreSQL has
/// none.
inline bool is_storable(std::string_view text) { return !text.contains('\0') && is_utf8(text); }

/// The text with U+FFFD in the place of each byte that no store can keep in one: for what others wrote, and
/// nobody can send it back to.
inline std::string storable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    const std::size_t length = *at == '\0' ? 0 : utf8_length(at, end);
    length == 0 ? clean.append("\uFFFD") : clean.append(at, length);
    at += length == 0 ? 1 : length;
  }
  return clean;
}

/// How many characters a well-formed text has.
inline std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<std::uint8_t>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

}  // namespace format
