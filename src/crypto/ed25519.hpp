// Ed25519 (RFC 8032): signing with a private key, verifying with its public one (OpenSSL 3).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace crypto {

inline constexpr std::size_t kEd25519KeyBytes = 32;  ///< of the seed, and of the public key

/// A private key, ready to sign with. Immutable, thread-safe.
class Ed25519Key {
 public:
  /// The seed of RFC 8032 §5.1.5; nothing when it has not 32 bytes.
  static std::optional<Ed25519Key> from_seed(std::string_view seed);

  /// The raw signature, 64 bytes.
  std::string sign(std::string_view message) const;
  /// 32 bytes.
  std::string public_key() const;

 private:
  struct Free {
    void operator()(void* key) const;
  };
  explicit Ed25519Key(void* key) : key_(key) {}

  std::unique_ptr<void, Free> key_;  // EVP_PKEY, kept behind the wall of the .cpp
};

/// Whether a public key cannot be trusted: a point of small order, with which one signature fits many texts,
/// or one that is not written in its one way (RFC 8032 §5.1.3).
bool is_weak_ed25519(std::string_view public_key);

/// False also where the key or the signature has another length or is none, and where the key is weak.
bool verify_ed25519(std::string_view public_key, std::string_view message, std::string_view signature);

}  // namespace crypto
