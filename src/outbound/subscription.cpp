#include "outbound/subscription.hpp"

#include <array>

namespace outbound {

namespace {

constexpr std::array<std::string_view, 5> kAuthTypes = {"NONE", "BASIC", "API_KEY", "HMAC", "OAUTH2"};
constexpr std::array<std::string_view, 5> kFormats = {"STANDARD", "ENTITY", "RAW", "CLOUDEVENTS",
                                                      "CLOUDEVENTS_BINARY"};
constexpr std::array<std::string_view, 5> kSchemes = {"STANDARD", "STANDARD_V1A", "GITHUB", "STRIPE",
                                                      "HMAC_HEADER"};
constexpr std::array<std::string_view, 2> kOrderings = {"NONE", "PER_KEY"};
constexpr std::array<std::string_view, 4> kStatuses = {"ACTIVE", "PAUSED", "FAILED", "DELETING"};

template <class Enum, std::size_t n>
std::optional<Enum> parse(const std::array<std::string_view, n>& names, std::string_view text) {
  const auto found = std::ranges::find(names, text);
  return found == names.end() ? std::nullopt : std::optional(static_cast<Enum>(found - names.begin()));
}

}  // namespace

std::string_view name(AuthType type) { return kAuthTypes[static_cast<std::size_t>(type)]; }
std::string_view name(PayloadFormat format) { return kFormats[static_cast<std::size_t>(format)]; }
std::string_view name(SigningScheme scheme) { return kSchemes[static_cast<std::size_t>(scheme)]; }
std::string_view name(Ordering ordering) { return kOrderings[static_cast<std::size_t>(ordering)]; }
std::string_view name(SubscriptionStatus status) { return kStatuses[static_cast<std::size_t>(status)]; }
std::optional<AuthType> parse_auth_type(std::string_view text) { return parse<AuthType>(kAuthTypes, text); }
std::optional<PayloadFormat> parse_payload_format(std::string_view text) {
  return parse<PayloadFormat>(kFormats, text);
}
std::optional<SigningScheme> parse_signing_scheme(std::string_view text) {
  return parse<SigningScheme>(kSchemes, text);
}
std::optional<Ordering> parse_ordering(std::string_view text) { return parse<Ordering>(kOrderings, text); }
std::optional<SubscriptionStatus> parse_subscription_status(std::string_view text) {
  return parse<SubscriptionStatus>(kStatuses, text);
}

namespace {

constexpr std::size_t kVersionByte = 6;
constexpr std::uint8_t kOrdinaryVersion = 0x70;  // of all ids of ours
constexpr std::uint8_t kDetourVersion = 0x80;

base::Uuid with_version(base::Uuid id, std::uint8_t version) {
  id.bytes[kVersionByte] = static_cast<std::uint8_t>((id.bytes[kVersionByte] & 0x0F) | version);
  return id;
}

}  // namespace

queue::LaneId detour_lane(SubscriptionId id) { return queue::LaneId{with_version(id.uuid, kDetourVersion)}; }

bool is_detour(queue::LaneId lane) { return (lane.uuid.bytes[kVersionByte] & 0xF0) == kDetourVersion; }

SubscriptionId subscription_of(queue::LaneId lane) {
  return SubscriptionId{is_detour(lane) ? with_version(lane.uuid, kOrdinaryVersion) : lane.uuid};
}

queue::LanePolicy Subscription::lane_policy() const {
  queue::LanePolicy policy{.ordered = ordering == Ordering::per_key, .circuit_no = circuit_no};
  if (max_in_flight) policy.in_flight_max = static_cast<std::size_t>(*max_in_flight);
  if (rate_limit) policy.rate = {static_cast<std::size_t>(rate_limit->requests), rate_limit->window};
  return policy;
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
  twin.secret_headers = secret_headers;
  twin.payload_format = payload_format;
  twin.filter = filter;
  twin.signing_scheme = signing_scheme;
  twin.signing_config = signing_config;
  twin.ordering = ordering;
  twin.max_in_flight = max_in_flight;
  twin.rate_limit = rate_limit;
  twin.client_certificate = client_certificate.clone();
  twin.ca_certificate = ca_certificate;
  twin.timeout = timeout;
  twin.retry_enabled = retry_enabled;
  twin.max_retries = max_retries;
  twin.retry_intervals = retry_intervals;
  twin.status = status;
  twin.is_enabled = is_enabled;
  twin.disabled_reason = disabled_reason;
  twin.disabled = disabled;
  twin.circuit_no = circuit_no;
  twin.version = version;
  twin.created_by = created_by;
  twin.created = created;
  twin.updated = updated;
  for (const SigningSecret& secret : secrets) twin.secrets.push_back(secret.copy());
  twin.broken = broken;
  twin.secrets_closed = secrets_closed;
  return twin;
}

}  // namespace outbound
