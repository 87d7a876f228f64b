// How the deliveries of one subscription are signed: its scheme, with the keys set up.
#pragma once

#include <variant>
#include <vector>

#include "crypto/sender_signatures.hpp"
#include "crypto/standard_webhooks.hpp"
#include "outbound/subscription/subscription.hpp"

namespace outbound {

/// Each secret that is valid when a delivery goes out signs it, so that receivers can change theirs at any
/// time of an overlap. GITHUB and HMAC_HEADER have room for one signature: the newest secret's. Under
/// STANDARD and STANDARD_V1A every secret signs in the way of its own kind. Immutable, thread-safe.
class Signer {
 public:
  /// Error: invalid, when the newest secret or signing_config does not fit the scheme.
  static base::Result<Signer> make(const Subscription& subscription);

  struct Message {
    std::string_view id;         ///< the event's
    std::string_view timestamp;  ///< of the attempt, in seconds
    std::string_view type;
    std::string_view body;
    base::Time now{};  ///< which secrets are valid
  };
  /// Appends the scheme's header lines. None without a valid secret.
  void sign(const Message& message, std::vector<std::string>& lines) const;

 private:
  struct Key {
    std::variant<crypto::WebhookSecret, crypto::WebhookPrivateKey, crypto::HmacKey> key;
    std::optional<base::Time> valid_until;
    bool valid(base::Time now) const { return !valid_until || now < *valid_until; }
  };
  static base::Result<Key> make_key(const Signer& signer, const SigningSecret& secret);
  void sign_standard(const Message& message, std::vector<std::string>& lines) const;
  void sign_stripe(const Message& message, std::vector<std::string>& lines) const;
  void sign_header(const crypto::HmacKey& key, const Message& message, std::vector<std::string>& lines) const;

  SigningScheme scheme_ = SigningScheme::standard;
  std::vector<Key> keys_;  // newest first
  crypto::HmacHeader header_;
  std::string timestamp_header_;  // beside header_; empty for none
  std::string id_header_;
};

/// The text of a new secret: "whsk_…" for STANDARD_V1A, "whsec_…" for the others.
base::Secret generate_secret(SigningScheme scheme);

/// Whether a text can be the scheme's newest secret. Error: invalid, without the text.
base::Result<void> check_secret(SigningScheme scheme, std::string_view text);

/// Whether a secret from before can go on signing beside a newer one.
bool can_go_on_signing(SigningScheme scheme, std::string_view text);

/// Names of headers, in lower case, that signing and payload of the subscription set by themselves, beside
/// those that no subscription may set. A name that ends in '*' stands for all that begin so.
std::vector<std::string> headers_of_its_own(const Subscription& subscription);

}  // namespace outbound
