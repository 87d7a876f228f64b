// Signing and verifying by the Standard Webhooks specification, symmetric scheme v1.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/digest.hpp"

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

}  // namespace crypto
