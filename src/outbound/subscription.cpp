#include "outbound/subscription.hpp"

#include <array>

namespace outbound {

namespace {

constexpr std::array<std::string_view, 4> kAuthTypes = {"NONE", "BASIC", "API_KEY", "HMAC"};
constexpr std::array<std::string_view, 2> kFormats = {"STANDARD", "ENTITY"};
constexpr std::array<std::string_view, 3> kStatuses = {"ACTIVE", "PAUSED", "FAILED"};

template <class Enum, std::size_t n>
std::optional<Enum> parse(const std::array<std::string_view, n>& names, std::string_view text) {
  const auto found = std::ranges::find(names, text);
  return found == names.end() ? std::nullopt : std::optional(static_cast<Enum>(found - names.begin()));
}

}  // namespace

std::string_view name(AuthType type) { return kAuthTypes[static_cast<std::size_t>(type)]; }
std::string_view name(PayloadFormat format) { return kFormats[static_cast<std::size_t>(format)]; }
std::string_view name(SubscriptionStatus status) { return kStatuses[static_cast<std::size_t>(status)]; }
std::optional<AuthType> parse_auth_type(std::string_view text) { return parse<AuthType>(kAuthTypes, text); }
std::optional<PayloadFormat> parse_payload_format(std::string_view text) {
  return parse<PayloadFormat>(kFormats, text);
}

Subscription Subscription::copy() const {
  Subscription twin;
  twin.id = id;
  twin.tenant = tenant;
  twin.name = name;
  twin.description = description;
  twin.url = url;
  twin.event_types = event_types;
  twin.auth_type = auth_type;
  twin.auth_config = auth_config.clone();
  twin.content_type = content_type;
  twin.headers = headers;
  twin.payload_format = payload_format;
  twin.timeout = timeout;
  twin.retry_enabled = retry_enabled;
  twin.max_retries = max_retries;
  twin.retry_intervals = retry_intervals;
  twin.status = status;
  twin.is_enabled = is_enabled;
  twin.disabled_reason = disabled_reason;
  twin.disabled = disabled;
  twin.version = version;
  twin.created_by = created_by;
  twin.created = created;
  twin.updated = updated;
  for (const SigningSecret& secret : secrets) {
    twin.secrets.push_back(
        {secret.id, secret.text.clone(), secret.fingerprint, secret.valid_until, secret.created});
  }
  return twin;
}

}  // namespace outbound
