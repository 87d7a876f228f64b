// Hashes, keyed hashes, comparisons and random bytes (OpenSSL 3).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace crypto {

enum class Hash : std::uint8_t { sha1, sha256, sha512 };

/// The raw digest: 20, 32 or 64 bytes.
std::string digest(Hash hash, std::string_view data);

/// The checksum of zlib and PNG (reflected polynomial 0xEDB88320): for what others define by it, no
/// protection.
std::uint32_t crc32(std::string_view data);

/// A key to sign with. Immutable, thread-safe. It is the bytes alone: of thousands of keys each is used
/// seldom, and a context of OpenSSL for each would be in no cache of the processor when it is needed.
class HmacKey {
 public:
  HmacKey(Hash hash, std::string_view key) : hash_(hash), key_(std::string(key)) {}

  /// The raw MAC over the pieces one after the other.
  std::string sign(std::initializer_list<std::string_view> pieces) const {
    return sign(std::span(pieces.begin(), pieces.size()));
  }
  std::string sign(std::span<const std::string_view> pieces) const;

 private:
  Hash hash_;
  base::Secret key_;
};

/// HMAC in one call, for what is not hot.
std::string hmac(Hash hash, std::string_view key, std::string_view data);

/// Takes time by the length only, not by where the difference is.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// From the kernel's generator through OpenSSL; never fails quietly (aborts).
std::string random_bytes(std::size_t count);

}  // namespace crypto
