// The one loop in which JSON spends its time: over the characters of a string that stand for themselves.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace format {

/// The first of the bytes that is not plain: a quote, a backslash, a control character (below U+0020), a byte
/// that is not ASCII; end where all are plain.
inline const char* skip_plain(const char* at, const char* end) {
  // Eight bytes at a time. A subtraction borrows from the byte above the one it is meant for, so a flag may
  // be wrong above the lowest that is set, but that one is right.
  static_assert(std::endian::native == std::endian::little, "the lowest byte of a block must be its first");
  constexpr std::uint64_t kEach = 0x0101010101010101;
  constexpr std::uint64_t kFlags = 0x80 * kEach;
  for (; end - at >= 8; at += 8) {
    std::uint64_t block;
    std::memcpy(&block, at, sizeof block);
    const std::uint64_t quote = block ^ (kEach * '"');
    const std::uint64_t backslash = block ^ (kEach * '\\');
    // Bytes over 0x7F are flagged by block itself, so that none of the three needs to mask them out.
    const std::uint64_t special =
        ((block - kEach * 0x20) | (quote - kEach) | (backslash - kEach) | block) & kFlags;
    if (special != 0) return at + std::countr_zero(special) / 8;
  }
  for (; at != end; ++at) {
    const auto byte = static_cast<std::uint8_t>(*at);
    if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') break;
  }
  return at;
}

}  // namespace format
