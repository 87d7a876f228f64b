// Hashes, keyed hashes, comparisons and random bytes (OpenSSL 3).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace crypto {

enum class Hash : std::uint8_t { sha1, sha256, sha512 };

/// The raw digest: 20, 32 or 64 bytes.
std::string digest(Hash hash, std::string_view data);

/// The checksum of zlib and PNG (reflected polynomial 0xEDB88320): for what others define by it, no
/// protection.
std::uint32_t crc32(std::string_view data);

/// A key ready to sign with; set up once, used often. Not thread-safe.
class HmacKey {
 public:
  HmacKey(Hash hash, std::string_view key);
  ~HmacKey();
  HmacKey(HmacKey&&) noexcept;
  HmacKey& operator=(HmacKey&&) noexcept;

  /// The raw MAC over the pieces one after the other.
  std::string sign(std::initializer_list<std::string_view> pieces) const {
    return sign(std::span(pieces.begin(), pieces.size()));
  }
  std::string sign(std::span<const std::string_view> pieces) const;

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;  // EVP_MAC_CTX, kept behind the wall of the .cpp
};

/// HMAC in one call, for what is not hot.
std::string hmac(Hash hash, std::string_view key, std::string_view data);

/// Takes time by the length only, not by where the difference is.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// From the kernel's generator through OpenSSL; never fails quietly (aborts).
std::string random_bytes(std::size_t count);

}  // namespace crypto
