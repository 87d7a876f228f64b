// Signing and verifying by the Standard Webhooks specification: v1 (HMAC) and v1a (Ed25519).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/digest.hpp"
#include "crypto/ed25519.hpp"

namespace crypto {

/// One signing secret, decoded and ready.
class WebhookSecret {
 public:
  /// "whsec_" + base64 of 24 to 64 bytes. Error: invalid; the message never holds the secret.
  static base::Result<WebhookSecret> parse(std::string_view text);
  /// The text of a new secret of 32 random bytes.
  static base::Secret generate();

  /// "v1," + base64(HMAC-SHA256(key, id "." timestamp "." body)); timestamp in seconds, as it is sent.
  std::string sign(std::string_view id, std::string_view timestamp, std::string_view body) const;

 private:
  explicit WebhookSecret(HmacKey key) : key_(std::move(key)) {}

  HmacKey key_;
};

/// The private key of scheme v1a, decoded and ready. Receivers have its public key alone.
class WebhookPrivateKey {
 public:
  /// "whsk_" + base64 of the seed (32 bytes), or of the seed and the public key (64). Error: invalid; the
  /// message never holds the key.
  static base::Result<WebhookPrivateKey> parse(std::string_view text);
  /// The text of a new key, in its long form.
  static base::Secret generate();

  /// "v1a," + base64(Ed25519(key, id "." timestamp "." body)); timestamp in seconds, as it is sent.
  std::string sign(std::string_view id, std::string_view timestamp, std::string_view body) const;
  /// "whpk_…": what receivers verify with; no secret.
  std::string public_text() const;

 private:
  explicit WebhookPrivateKey(Ed25519Key key) : key_(std::move(key)) {}

  Ed25519Key key_;
};

class WebhookPublicKey {
 public:
  /// "whpk_" + base64 of 32 bytes. Error: invalid.
  static base::Result<WebhookPublicKey> parse(std::string_view text);

  /// Whether this is a "v1a,…" of the message.
  bool fits(std::string_view signature, std::string_view message) const;

 private:
  explicit WebhookPublicKey(std::string bytes) : bytes_(std::move(bytes)) {}

  std::string bytes_;
};

/// What a receiver checks. headers as received; several signatures are separated by blanks, any may fit any
/// secret.
struct WebhookHeaders {
  std::string_view id;
  std::string_view timestamp;
  std::string_view signature;
};

/// Error: unauthenticated, saying what does not fit (missing header, stale, no signature fits). At most 16
/// signatures are looked at. tolerance holds in both directions (the specification's libraries use 5
/// minutes).
base::Result<void> verify_webhook(const std::vector<WebhookSecret>& secrets, const WebhookHeaders& headers,
                                  std::string_view body, base::Time now,
                                  std::chrono::seconds tolerance = std::chrono::seconds{300});
/// The same for v1a.
base::Result<void> verify_webhook(const std::vector<WebhookPublicKey>& keys, const WebhookHeaders& headers,
                                  std::string_view body, base::Time now,
                                  std::chrono::seconds tolerance = std::chrono::seconds{300});

/// Whether a timestamp in seconds is of now, in both directions; name is what the error calls it. Error:
/// unauthenticated.
base::Result<void> check_timestamp(std::string_view name, std::string_view text, base::Time now,
                                   std::chrono::seconds tolerance);

}  // namespace crypto
