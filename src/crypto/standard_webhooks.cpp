#include "crypto/standard_webhooks.hpp"

#include <algorithm>
#include <charconv>

#include "crypto/encoding.hpp"

namespace crypto {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::string_view kPrefix = "whsec_";
constexpr std::string_view kPrivatePrefix = "whsk_";
constexpr std::string_view kPublicPrefix = "whpk_";
constexpr std::size_t kSignaturesMax = 16;

std::string signed_content(std::string_view id, std::string_view timestamp, std::string_view body) {
  std::string content;
  content.reserve(id.size() + timestamp.size() + body.size() + 2);
  content.append(id).append(".").append(timestamp).append(".").append(body);
  return content;
}

/// fits is asked for each of the signatures.
template <class Fits>
Result<void> verify(const WebhookHeaders& headers, base::Time now, std::chrono::seconds tolerance,
                    const Fits& fits) {
  if (headers.id.empty() || headers.timestamp.empty() || headers.signature.empty()) {
    return fail(Code::unauthenticated, "webhook-id, webhook-timestamp or webhook-signature is missing");
  }
  XD_DO(check_timestamp("webhook-timestamp", headers.timestamp, now, tolerance));
  std::string_view rest = headers.signature;
  bool any = false;
  for (std::size_t i = 0; i < kSignaturesMax && !rest.empty(); ++i) {
    const std::size_t blank = std::min(rest.find(' '), rest.size());
    any |= fits(rest.substr(0, blank));
    rest.remove_prefix(std::min(blank + 1, rest.size()));
  }
  if (!any) return fail(Code::unauthenticated, "no signature fits: wrong secret, or the body was changed");
  return {};
}

}  // namespace

Result<void> check_timestamp(std::string_view name, std::string_view text, base::Time now,
                             std::chrono::seconds tolerance) {
  std::int64_t seconds = 0;
  const char* end = text.data() + text.size();
  if (const auto [stop, error] = std::from_chars(text.data(), end, seconds);
      error != std::errc{} || stop != end) {
    return fail(Code::unauthenticated, std::string(name) + " is not a number of seconds");
  }
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count() - seconds;
  if (age > tolerance.count() || age < -tolerance.count()) {
    return fail(Code::unauthenticated,
                std::string(name) + " is " + std::to_string(age) + " s old; check the clocks");
  }
  return {};
}

Result<WebhookSecret> WebhookSecret::parse(std::string_view text) {
  const auto refuse = [] {
    return fail(Code::invalid,
                "a signing secret is whsec_ followed by the base64 of 24 to 64 random bytes; "
                "leave it out to have one made");
  };
  if (!text.starts_with(kPrefix)) return refuse();
  auto key = from_base64(text.substr(kPrefix.size()));
  if (!key || key->size() < 24 || key->size() > 64) return refuse();
  const base::Secret wiped(std::move(*key));
  return WebhookSecret(HmacKey(Hash::sha256, wiped.reveal()));
}

base::Secret WebhookSecret::generate() {
  return base::Secret(std::string(kPrefix) + to_base64(random_bytes(32)));
}

std::string WebhookSecret::sign(std::string_view id, std::string_view timestamp,
                                std::string_view body) const {
  return "v1," + to_base64(key_.sign({id, ".", timestamp, ".", body}));
}

Result<WebhookPrivateKey> WebhookPrivateKey::parse(std::string_view text) {
  const auto refuse = [] {
    return fail(
        Code::invalid,
        "a signing key of STANDARD_V1A is whsk_ followed by the base64 of an Ed25519 seed (32 bytes), "
        "or of the seed and its public key (64 bytes); leave it out to have one made");
  };
  if (!text.starts_with(kPrivatePrefix)) return refuse();
  auto decoded = from_base64(text.substr(kPrivatePrefix.size()));
  if (!decoded) return refuse();
  const base::Secret bytes(std::move(*decoded));
  auto key = Ed25519Key::from_seed(bytes.reveal().substr(0, kEd25519KeyBytes));
  if (!key) return refuse();
  const std::string_view rest = bytes.reveal().substr(kEd25519KeyBytes);
  if (!rest.empty() && rest != key->public_key()) return refuse();
  return WebhookPrivateKey(std::move(*key));
}

base::Secret WebhookPrivateKey::generate() {
  const base::Secret seed(random_bytes(kEd25519KeyBytes));
  const base::Secret both(std::string(seed.reveal()) + Ed25519Key::from_seed(seed.reveal())->public_key());
  return base::Secret(std::string(kPrivatePrefix) + to_base64(both.reveal()));
}

std::string WebhookPrivateKey::sign(std::string_view id, std::string_view timestamp,
                                    std::string_view body) const {
  return "v1a," + to_base64(key_.sign(signed_content(id, timestamp, body)));
}

std::string WebhookPrivateKey::public_text() const {
  return std::string(kPublicPrefix) + to_base64(key_.public_key());
}

Result<WebhookPublicKey> WebhookPublicKey::parse(std::string_view text) {
  auto bytes =
      text.starts_with(kPublicPrefix) ? from_base64(text.substr(kPublicPrefix.size())) : std::nullopt;
  if (!bytes || bytes->size() != kEd25519KeyBytes)
    return fail(Code::invalid, "a public key is whpk_ followed by the base64 of 32 bytes");
  return WebhookPublicKey(std::move(*bytes));
}

bool WebhookPublicKey::fits(std::string_view signature, std::string_view message) const {
  if (!signature.starts_with("v1a,")) return false;
  const auto bytes = from_base64(signature.substr(4));
  return bytes && verify_ed25519(bytes_, message, *bytes);
}

Result<void> verify_webhook(const std::vector<WebhookSecret>& secrets, const WebhookHeaders& headers,
                            std::string_view body, base::Time now, std::chrono::seconds tolerance) {
  std::vector<std::string> expected;
  for (const WebhookSecret& secret : secrets)
    expected.push_back(secret.sign(headers.id, headers.timestamp, body));
  return verify(headers, now, tolerance, [&](std::string_view signature) {
    bool fits = false;
    for (const std::string& wanted : expected) fits |= equal_in_constant_time(signature, wanted);
    return fits;
  });
}

Result<void> verify_webhook(const std::vector<WebhookPublicKey>& keys, const WebhookHeaders& headers,
                            std::string_view body, base::Time now, std::chrono::seconds tolerance) {
  const std::string message = signed_content(headers.id, headers.timestamp, body);
  return verify(headers, now, tolerance, [&](std::string_view signature) {
    return std::ranges::any_of(keys,
                               [&](const WebhookPublicKey& key) { return key.fits(signature, message); });
  });
}

}  // namespace crypto
