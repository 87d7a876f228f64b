#include "crypto/standard_webhooks.hpp"

#include <charconv>

#include "crypto/encoding.hpp"

namespace crypto {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kSignaturesMax = 16;

}  // namespace

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

Result<void> verify_webhook(const std::vector<WebhookSecret>& secrets, const WebhookHeaders& headers,
                            std::string_view body, base::Time now, std::chrono::seconds tolerance) {
  if (headers.id.empty() || headers.timestamp.empty() || headers.signature.empty()) {
    return fail(Code::unauthenticated, "webhook-id, webhook-timestamp or webhook-signature is missing");
  }
  std::int64_t seconds = 0;
  const char* end = headers.timestamp.data() + headers.timestamp.size();
  if (const auto [stop, error] = std::from_chars(headers.timestamp.data(), end, seconds);
      error != std::errc{} || stop != end) {
    return fail(Code::unauthenticated, "webhook-timestamp is not a number of seconds");
  }
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count() - seconds;
  if (age > tolerance.count() || age < -tolerance.count()) {
    return fail(Code::unauthenticated,
                "webhook-timestamp is " + std::to_string(age) + " s old; check the clocks");
  }
  std::vector<std::string> expected;
  for (const WebhookSecret& secret : secrets)
    expected.push_back(secret.sign(headers.id, headers.timestamp, body));
  std::string_view rest = headers.signature;
  bool fits = false;
  for (std::size_t i = 0; i < kSignaturesMax && !rest.empty(); ++i) {
    const std::size_t blank = std::min(rest.find(' '), rest.size());
    for (const std::string& wanted : expected) fits |= equal_in_constant_time(rest.substr(0, blank), wanted);
    rest.remove_prefix(std::min(blank + 1, rest.size()));
  }
  if (!fits) return fail(Code::unauthenticated, "no signature fits: wrong secret, or the body was changed");
  return {};
}

}  // namespace crypto
