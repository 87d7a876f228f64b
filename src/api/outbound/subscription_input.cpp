#include "api/outbound/subscription_input.hpp"

#include "api/outbound/auth_input.hpp"
#include "api/outbound/delivery_json.hpp"
#include "api/outbound/header_input.hpp"
#include "outbound/send/payload.hpp"

namespace api {

namespace {

using outbound::Subscription;

void read_state(Input& input, Members& members, Subscription& subscription) {
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

void check_url(Call& call, Input& input, const Subscription& subscription) {
  if (!input.has("url") || subscription.url.empty()) return;
  const auto target = http::check_target(subscription.url, call.services.guard);
  if (target) return;
  const std::string& reason = target.error().reason;
  input.error("url", reason.empty() ? "INVALID" : reason, target.error().message);
}

void check_content_type(Input& input, const Subscription& subscription) {
  const bool form = outbound::is_form_type(subscription.content_type);
  if (input.has("content_type") && !form && !outbound::is_json_type(subscription.content_type)) {
    input.error("content_type", "INVALID",
                "application/json, application/<vendor>+json or application/x-www-form-urlencoded");
  }
  const bool cloud_event = subscription.payload_format == outbound::PayloadFormat::cloudevents ||
                           subscription.payload_format == outbound::PayloadFormat::cloudevents_binary;
  if (cloud_event && form)
    input.error("content_type", "INVALID", "a CloudEvent's data is sent as JSON, not as a form");
}

}  // namespace

void read_subscription(Call& call, Input& input, Reading reading, Subscription& subscription) {
  Subscription defaults;
  defaults.timeout = call.services.webhook_timeout;
  defaults.max_retries = call.services.webhook_max_retries;
  outbound::subscriptions().read(input, reading, defaults, subscription);
  Members members(input, reading);
  check_url(call, input, subscription);
  read_headers(input, members, subscription);
  read_signing(input, members, subscription);
  read_certificates(call, input, members, subscription);
  read_auth(call, input, members, subscription);
  read_state(input, members, subscription);
  check_content_type(input, subscription);
  check_headers_differ(input, subscription);
}

std::string subscription_json(const Subscription& s, const outbound::SubscriptionStats& stats, base::Time now,
                              std::string_view secret_key, std::string_view broken) {
  std::string body;
  format::JsonWriter json(body);
  json.begin_object();
  outbound::subscriptions().write(json, s);
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
  json.end_array().key("broken");
  if (!s.broken.empty()) broken = s.broken;
  broken.empty() ? json.null() : json.value(broken);
  json.key("total_sent").value(stats.sent).key("total_delivered").value(stats.delivered);
  json.key("total_failed").value(stats.failed).key("last_triggered_at").value(stats.last_triggered);
  json.key("last_success_at").value(stats.last_success).key("last_failure_at").value(stats.last_failure);
  json.key("consecutive_failures").value(stats.consecutive_failures).key("circuit");
  write_circuit(json, stats.circuit, now);
  json.end_object();
  return body;
}

}  // namespace api
