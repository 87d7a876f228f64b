// Signatures of other senders, which receivers know how to check: GitHub's, Stripe's, and any MAC in a
// header.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "crypto/digest.hpp"

namespace crypto {

/// The value of GitHub's X-Hub-Signature-256: "sha256=" + hex(HMAC-SHA256(secret, body)). It can carry one
/// signature only.
std::string sign_github(const HmacKey& key, std::string_view body);
/// Error: unauthenticated.
base::Result<void> verify_github(const HmacKey& key, std::string_view value, std::string_view body);

/// The value of Stripe's Stripe-Signature: "t=<timestamp>" and for each key ",v1=" + hex(HMAC-SHA256(secret,
/// timestamp "." body)). The key is the secret's text whole, "whsec_" included.
std::string sign_stripe(std::span<const HmacKey* const> keys, std::string_view timestamp,
                        std::string_view body);
/// Any signature may fit any key; at most 16 items are looked at. Error: unauthenticated.
base::Result<void> verify_stripe(std::span<const HmacKey* const> keys, std::string_view value,
                                 std::string_view body, base::Time now,
                                 std::chrono::seconds tolerance = std::chrono::seconds{300});

/// What a MAC is made of: a text with {id}, {timestamp} and {body} in it.
class SignedContent {
 public:
  struct Message {
    std::string_view id;
    std::string_view timestamp;  ///< seconds, as it is sent
    std::string_view body;
  };

  /// {body} once, {id} and {timestamp} at most once, no other brace, at most 200 bytes. Error: invalid.
  static base::Result<SignedContent> parse(std::string_view text);

  std::string mac(const HmacKey& key, const Message& message) const;

 private:
  enum class Hole : std::uint8_t { id, timestamp, body };
  struct Piece {
    std::string literal;  // before the hole
    std::optional<Hole> hole;
  };
  std::vector<Piece> pieces_;
};

/// A MAC in a header: its value is prefix + encoding(HMAC(secret, content)).
struct HmacHeader {
  enum class Encoding : std::uint8_t { hex, base64 };

  std::string name{};
  std::string prefix{};
  Hash algorithm = Hash::sha256;
  Encoding encoding = Encoding::hex;
  SignedContent content{};

  /// The key must be of the algorithm.
  std::string value(const HmacKey& key, const SignedContent::Message& message) const;
  /// Error: unauthenticated.
  base::Result<void> verify(const HmacKey& key, std::string_view value,
                            const SignedContent::Message& message) const;
};

}  // namespace crypto
