#include "api/subscription_input.hpp"

#include "api/auth_input.hpp"
#include "api/header_input.hpp"
#include "api/resource_json.hpp"
#include "event/pattern.hpp"
#include "outbound/payload.hpp"

namespace api {

namespace {

using base::Code;
using outbound::Subscription;
using std::chrono::seconds;

constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kDescriptionBytesMax = 2000;
constexpr std::int64_t kRetriesMax = 20;
constexpr std::int64_t kIntervalMax = 7 * 86'400;
constexpr std::int64_t kRateRequestsMax = 1'000'000;
constexpr std::int64_t kRateWindowMax = 86'400;

void read_intervals(Input& input, Subscription& subscription) {
  subscription.retry_intervals.assign(std::begin(queue::kRetryIntervals), std::end(queue::kRetryIntervals));
  const format::Value* intervals = input.any("retry_intervals");
  if (intervals == nullptr) return;
  subscription.retry_intervals.clear();
  if (!intervals->is_array() || intervals->elements().empty() || intervals->elements().size() > kRetriesMax) {
    return input.error("retry_intervals", "INVALID", "this must be an array of 1 to 20 numbers of seconds");
  }
  for (std::size_t i = 0; i < intervals->elements().size(); ++i) {
    const format::Value& element = intervals->elements()[i];
    const auto interval = element.is_number() ? element.integer() : std::nullopt;
    if (!interval || *interval < 1 || *interval > kIntervalMax) {
      input.error_at("retry_intervals/" + std::to_string(i), "OUT_OF_RANGE", "from 1 to 604800 seconds");
      continue;
    }
    subscription.retry_intervals.emplace_back(*interval);
  }
}

void read_pace(Input& input, Members& members, Subscription& subscription) {
  if (members.touches("ordering")) {
    const auto ordering = outbound::parse_ordering(input.text("ordering", 20).value_or("NONE"));
    if (!ordering) input.error("ordering", "INVALID", "NONE or PER_KEY");
    subscription.ordering = ordering.value_or(outbound::Ordering::none);
  }
  if (members.touches("max_in_flight")) {
    const auto most =
        input.integer("max_in_flight", 1, static_cast<std::int64_t>(base::limits::kLaneWindowMax));
    subscription.max_in_flight = most ? std::optional(static_cast<int>(*most)) : std::nullopt;
  }
  if (members.touches("rate_limit")) {
    subscription.rate_limit.reset();
    if (const format::Value* limit = input.any("rate_limit")) {
      Input inner(*limit, "#/rate_limit");
      const auto requests = inner.integer("requests", 1, kRateRequestsMax);
      const auto window = inner.integer("window_seconds", 1, kRateWindowMax);
      if (!requests) inner.error("requests", "REQUIRED", "from 1 to 1000000 attempts");
      if (auto checked = inner.finish(); !checked) input.take_errors(checked.error());
      subscription.rate_limit = {static_cast<int>(requests.value_or(1)), seconds{window.value_or(1)}};
    }
  }
}

void read_state(Input& input, Members& members, Subscription& subscription) {
  if (members.touches("is_enabled")) subscription.is_enabled = input.boolean("is_enabled").value_or(true);
  if (members.touches("status")) {
    const std::string status = input.text("status", 20).value_or("ACTIVE");
    if (status != "ACTIVE" && status != "PAUSED") {
      // A client that sends back what it read may say FAILED of one that is.
      if (status == "FAILED" && subscription.status == outbound::SubscriptionStatus::failed) return;
      input.error("status", "INVALID", "ACTIVE or PAUSED; FAILED is set by Crossdock");
    }
    subscription.status =
        status == "PAUSED" ? outbound::SubscriptionStatus::paused : outbound::SubscriptionStatus::active;
  }
  if (subscription.delivers()) {
    subscription.disabled_reason.reset();
    subscription.disabled.reset();
  }
}

void check_form(Input& input, const Subscription& subscription) {
  const bool cloud_event = subscription.payload_format == outbound::PayloadFormat::cloudevents ||
                           subscription.payload_format == outbound::PayloadFormat::cloudevents_binary;
  if (cloud_event && outbound::is_form_type(subscription.content_type))
    input.error("content_type", "INVALID", "a CloudEvent's data is sent as JSON, not as a form");
}

}  // namespace

void read_event_types(Input& input, Subscription& subscription) {
  subscription.event_types.clear();
  const format::Value* types = input.any("event_types");
  if (types == nullptr || !types->is_array() || types->elements().empty() ||
      types->elements().size() > base::limits::kEventPatternsMax) {
    return input.error("event_types", "REQUIRED",
                       "this must be an array of 1 to 200 patterns, such as [\"order.*\"]");
  }
  for (std::size_t i = 0; i < types->elements().size(); ++i) {
    const format::Value& type = types->elements()[i];
    const auto shaped = type.is_string()
                            ? event::check_pattern(type.text())
                            : base::Result<void>(base::fail(Code::invalid, "this must be a string"));
    if (!shaped) input.error_at("event_types/" + std::to_string(i), "INVALID", shaped.error().message);
    subscription.event_types.emplace_back(type.text());
  }
}

void read_filter(Input& input, Subscription& subscription) {
  subscription.filter.clear();
  const format::Value* filter = input.any("filter");
  if (filter == nullptr) return;
  if (auto compiled = outbound::Filter::compile(*filter); !compiled) input.take_errors(compiled.error());
  subscription.filter = std::string(filter->raw());
}

void read_subscription(Call& call, Input& input, Reading reading, Subscription& subscription) {
  Members members(input, reading);
  if (members.touches("name")) subscription.name = input.required_text("name", kNameBytesMax).value_or("");
  if (members.touches("description"))
    subscription.description = input.text("description", kDescriptionBytesMax);
  if (members.touches("url")) {
    subscription.url = input.required_text("url", base::limits::kUrlBytesMax).value_or("");
    if (!subscription.url.empty()) {
      if (auto target = http::check_target(subscription.url, call.services.guard); !target) {
        const base::Error& error = target.error();
        input.error("url", error.reason.empty() ? "INVALID" : error.reason, error.message);
      }
    }
  }
  if (members.touches("event_types")) read_event_types(input, subscription);
  if (members.touches("content_type")) {
    subscription.content_type = input.text("content_type", 100).value_or("application/json");
    if (!outbound::is_json_type(subscription.content_type) &&
        !outbound::is_form_type(subscription.content_type)) {
      input.error("content_type", "INVALID",
                  "application/json, application/<vendor>+json or application/x-www-form-urlencoded");
    }
  }
  read_headers(input, members, subscription);
  if (input.has("transform_template")) {
    input.error("transform_template", "INVALID",
                "payloads cannot be transformed in this version; leave it null");
  }
  if (members.touches("payload_format")) {
    const auto format = outbound::parse_payload_format(input.text("payload_format", 20).value_or("STANDARD"));
    if (!format) {
      input.error("payload_format", "INVALID", "STANDARD, ENTITY, RAW, CLOUDEVENTS or CLOUDEVENTS_BINARY");
    }
    subscription.payload_format = format.value_or(outbound::PayloadFormat::standard);
  }
  if (members.touches("timeout_seconds")) {
    const auto timeout_max = seconds(base::limits::kRequestTimeoutMax).count();
    subscription.timeout = seconds{input.integer("timeout_seconds", 1, timeout_max)
                                       .value_or(seconds(call.services.webhook_timeout).count())};
  }
  if (members.touches("retry_enabled"))
    subscription.retry_enabled = input.boolean("retry_enabled").value_or(true);
  if (members.touches("max_retries")) {
    subscription.max_retries = static_cast<int>(
        input.integer("max_retries", 0, kRetriesMax).value_or(call.services.webhook_max_retries));
  }
  if (members.touches("retry_intervals")) read_intervals(input, subscription);
  if (members.touches("filter")) read_filter(input, subscription);
  read_pace(input, members, subscription);
  read_signing(input, members, subscription);
  read_certificates(call, input, members, subscription);
  read_auth(call, input, members, subscription);
  read_state(input, members, subscription);
  check_form(input, subscription);
  check_headers_differ(input, subscription);
}

std::string subscription_json(const Subscription& s, const outbound::SubscriptionStats& stats, base::Time now,
                              std::string_view secret_key, std::string_view broken) {
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("id").value(s.id).key("tenant_id").value(s.tenant).key("name").value(s.name);
  json.key("description").value(s.description).key("url").value(s.url).key("event_types").begin_array();
  for (const std::string& type : s.event_types) json.value(type);
  json.end_array().key("auth_type").value(outbound::name(s.auth_type)).key("auth_config");
  s.auth_config.empty() ? json.null() : json.begin_object().key("set").value(true).end_object();
  if (!secret_key.empty()) json.key("secret_key").value(secret_key);
  json.key("signing_secrets").begin_array();
  for (const outbound::SigningSecret& secret : s.secrets) {
    if (!secret.active(now)) continue;
    json.begin_object().key("fingerprint").value(secret.fingerprint).key("created_at").value(secret.created);
    json.key("valid_until").value(secret.valid_until).key("public_key");
    const auto key = crypto::WebhookPrivateKey::parse(secret.text.reveal());
    key ? json.value(key->public_text()) : json.null();
    json.end_object();
  }
  json.end_array().key("content_type").value(s.content_type);
  write_headers(json, s);
  json.key("transform_template").null();
  json.key("payload_format").value(outbound::name(s.payload_format));
  json.key("filter");
  s.filter.empty() ? json.null() : json.raw(s.filter);
  json.key("signing_scheme").value(outbound::name(s.signing_scheme)).key("signing_config");
  s.signing_config.empty() ? json.null() : json.raw(s.signing_config);
  json.key("ordering").value(outbound::name(s.ordering)).key("max_in_flight").value(s.max_in_flight);
  json.key("rate_limit");
  if (s.rate_limit) {
    json.begin_object().key("requests").value(s.rate_limit->requests);
    json.key("window_seconds").value(s.rate_limit->window.count()).end_object();
  } else {
    json.null();
  }
  json.key("client_certificate");
  s.client_certificate.empty() ? json.null() : json.begin_object().key("set").value(true).end_object();
  json.key("ca_certificate");
  s.ca_certificate.empty() ? json.null() : json.value(s.ca_certificate);
  json.key("timeout_seconds").value(s.timeout.count()).key("retry_enabled").value(s.retry_enabled);
  json.key("max_retries").value(s.max_retries).key("retry_intervals").begin_array();
  for (const seconds interval : s.retry_intervals) json.value(interval.count());
  json.end_array().key("status").value(outbound::name(s.status)).key("is_enabled").value(s.is_enabled);
  json.key("disabled_reason").value(s.disabled_reason).key("disabled_at").value(s.disabled);
  if (!s.broken.empty()) broken = s.broken;
  json.key("broken");
  broken.empty() ? json.null() : json.value(broken);
  json.key("total_sent").value(stats.sent).key("total_delivered").value(stats.delivered);
  json.key("total_failed").value(stats.failed).key("last_triggered_at").value(stats.last_triggered);
  json.key("last_success_at").value(stats.last_success).key("last_failure_at").value(stats.last_failure);
  json.key("consecutive_failures").value(stats.consecutive_failures).key("circuit");
  write_circuit(json, stats.circuit, now);
  json.key("created_at").value(s.created).key("updated_at").value(s.updated);
  json.key("created_by");
  s.created_by ? json.value(*s.created_by) : json.null();
  json.end_object();
  return body;
}

}  // namespace api
