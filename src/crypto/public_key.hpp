// Signatures by key pairs: RSA, ECDSA on P-256 and Ed25519 (OpenSSL 3).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace crypto {

enum class PublicAlgorithm : std::uint8_t {
  ed25519,
  ecdsa_sha256,  ///< signature in DER
  es256,         ///< the same with the signature as in tokens: r and s, 32 bytes each (RFC 7518 §3.4)
  rsa_sha1,      ///< PKCS #1 v1.5
  rsa_sha256
};

/// What a sender's signatures are verified with. Immutable, thread-safe. Keys with which anything would pass
/// (Ed25519 of small order, RSA with an exponent that is even or 1) are none: invalid.
class PublicKey {
 public:
  /// PEM: a public key, or a certificate, whose key it is. Error: invalid.
  static base::Result<PublicKey> from_pem(std::string_view pem);
  /// SubjectPublicKeyInfo in DER. Error: invalid.
  static base::Result<PublicKey> from_spki(std::string_view der);
  /// The 32 bytes of RFC 8032. Error: invalid.
  static base::Result<PublicKey> from_ed25519(std::string_view bytes);
  /// PEM: the key of a certificate that counts at that time. Whoever issued it is not looked at: where it
  /// came from says whose it is. Error: invalid.
  static base::Result<PublicKey> from_certificate(std::string_view pem, base::Time now);
  /// The numbers of a key in JSON (RFC 7518 §6): a point on P-256, 32 bytes each; modulus and exponent.
  /// Error: invalid.
  static base::Result<PublicKey> from_p256(std::string_view x, std::string_view y);
  static base::Result<PublicKey> from_rsa(std::string_view n, std::string_view e);

  /// Whether the key is of the algorithm's kind, and long enough to be trusted (RSA from 2048 bits on).
  bool suits(PublicAlgorithm algorithm) const;

  /// False also where the key does not suit the algorithm, or the signature is none.
  bool fits(PublicAlgorithm algorithm, std::string_view message, std::string_view signature) const;

 private:
  struct Free {
    void operator()(void* key) const;
  };
  explicit PublicKey(void* key) : key_(key) {}
  /// Takes the key; none_said: what is told where there is none.
  static base::Result<PublicKey> trusted(void* key, const char* none_said);

  std::unique_ptr<void, Free> key_;  // EVP_PKEY, kept behind the wall of the .cpp
};

/// What signs for PublicKey. Immutable, thread-safe.
class PrivateKey {
 public:
  /// PKCS #8 or a traditional form, in PEM, without a password. Error: invalid; the message never holds the
  /// key.
  static base::Result<PrivateKey> from_pem(std::string_view pem);

  /// Error: invalid, where the key is of another kind.
  base::Result<std::string> sign(PublicAlgorithm algorithm, std::string_view message) const;
  /// SubjectPublicKeyInfo in DER.
  std::string public_spki() const;

 private:
  struct Free {
    void operator()(void* key) const;
  };
  explicit PrivateKey(void* key) : key_(key) {}

  std::unique_ptr<void, Free> key_;
};

}  // namespace crypto
