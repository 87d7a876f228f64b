// The members of a subscription: what callers set and see of it, and what the store keeps.
#include "event/pattern_input.hpp"
#include "outbound/filter/filter.hpp"
#include "outbound/subscription/secret_header.hpp"
#include "outbound/subscription/subscription.hpp"
#include "queue/backoff.hpp"

namespace outbound {

using base::Result;
using base::limits::kRequestTimeoutMax;
using resource::column;
using resource::json_member;
using resource::Member;
using resource::member;
using resource::Said;
using resource::Stored;
using resource::Values;
using std::chrono::seconds;

std::string secret_place(const Subscription& subscription, std::string_view column) {
  return subscription.tenant.str() + "|webhook_subscriptions|" + subscription.id.str() + "|" +
         std::string(column);
}

namespace {

using Texts = resource::Value<std::vector<std::string>>;

constexpr std::int64_t kRetriesMax = 20;
constexpr std::int64_t kIntervalMax = 7 * 86'400;
constexpr std::int64_t kPemCharactersMax = 32 << 10;

/// Stands for a filter that cannot be read: JSON, but no filter.
constexpr const char* kUnreadFilter = "null";
/// Stands, while a row is read, for the value of a header that is a secret: no header has it.
constexpr std::string_view kSealed{"\0", 1};

bool read_types(format::ObjectReader& from, std::string_view name, const Said& said, Subscription& to) {
  return event::read_patterns(from, name, said, to.event_types);
}

bool read_filter(format::ObjectReader& from, std::string_view name, const Said&, Subscription& to) {
  const format::Value* filter = from.any(name);
  if (auto compiled = Filter::compile(*filter); !compiled) from.take_errors(compiled.error());
  to.filter = std::string(filter->raw());
  return true;
}

Result<void> load_filter(const Stored& from, Subscription& to) {
  to.filter.clear();
  if (from.is_null()) return {};
  to.filter = kUnreadFilter;
  XD_DO(resource::stored_json(from));
  to.filter = from.row.string(from.column);
  return {};
}

void write_headers(format::JsonWriter& json, const Subscription& subscription) {
  json.begin_object();
  for (const auto& [name, value] : subscription.headers)
    json.key(name).value(is_secret_header(subscription, name) ? base::kHidden : std::string_view(value));
  json.end_object();
}

void describe_headers(format::JsonWriter& json, const Said& said, bool input) {
  resource::begin_schema(json, "object", input, {});
  if (input) json.key("maxProperties").value(base::limits::kCustomHeadersMax);
  json.key("additionalProperties").begin_object().key("type").value("string");
  if (input) json.key("maxLength").value(base::limits::kCustomHeaderBytesMax);
  json.end_object().key("description");
  json.value(input ? said.sentence : "Values of secrets are shown as `***`.").end_object();
}

/// What may be read of them: null for each that is a secret.
void bind_headers(Values& to, const Subscription& subscription, std::string_view) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  for (const auto& [name, value] : subscription.headers) {
    json.key(name);
    is_secret_header(subscription, name) ? json.null() : json.value(value);
  }
  json.end_object();
  to.add_text(std::move(text));
}

Result<void> load_headers(const Stored& from, Subscription& to) {
  XD_TRY(const auto headers, resource::stored_json(from));
  to.headers.clear();
  for (const format::Member& header : headers.root().members())
    to.headers.emplace_back(header.key, header.value.is_null() ? kSealed : header.value.text());
  return {};
}

/// The others; null where there are none.
void bind_secret_values(Values& to, const Subscription& subscription, std::string_view column) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  bool any = false;
  for (const auto& [name, value] : subscription.headers) {
    if (!is_secret_header(subscription, name)) continue;
    json.key(name).value(value);
    any = true;
  }
  json.end_object();
  to.add_secret(base::Secret(any ? std::move(text) : std::string()), secret_place(subscription, column));
}

Result<void> load_secret_values(const Stored& from, Subscription& to) {
  XD_TRY(const base::Secret opened, resource::stored_secret(from, secret_place(to, from.name)));
  std::optional<format::Document> secrets;
  if (!opened.empty()) {
    XD_TRY(secrets, format::parse_json(std::string(opened.reveal())));
  }
  for (auto& [name, value] : to.headers) {
    if (value != kSealed) continue;
    const format::Value* secret = secrets ? secrets->root().find(name) : nullptr;
    if (secret == nullptr) {
      return base::fail(base::Code::corrupt, "the secret header " + name + " of subscription " + to.id.str() +
                                                 " has no value; give it anew");
    }
    value = secret->text();
  }
  return {};
}

void bind_secret_names(Values& to, const Subscription& subscription, std::string_view) {
  subscription.secret_headers.empty() ? to.add(nullptr) : Texts::bind(to, subscription.secret_headers);
}

/// Where it cannot be told which headers are secrets, none is there to be shown.
Result<void> load_secret_names(const Stored& from, Subscription& to) {
  auto loaded = from.is_null() ? Result<void>() : Texts::load(from, to.secret_headers);
  if (!loaded) to.headers.clear();
  return loaded;
}

bool refuse_template(format::ObjectReader& from, std::string_view name, const Said&, Subscription&) {
  from.error(name, "INVALID", "payloads cannot be transformed in this version; leave it null");
  return false;
}

void write_no_template(format::JsonWriter& json, const Subscription&) { json.null(); }

void describe_template(format::JsonWriter& json, const Said& said, bool input) {
  resource::begin_schema(json, "null", false, {});
  if (input) json.key("description").value(said.sentence);
  json.end_object();
}

void describe_auth(format::JsonWriter& json, const Said& said, bool input) {
  if (!input) return resource::write_secret_schema(json);
  json.begin_object().key("description").value(said.sentence).key("oneOf").begin_array();
  for (const char* schema : {"BasicAuth", "ApiKeyAuth", "HmacAuth", "OAuth2Auth"})
    resource::write_reference(json, schema, false, {});
  json.begin_object().key("type").value("null").end_object().end_array().end_object();
}

/// A state that callers cannot give is not among those of the input.
void describe_status(format::JsonWriter& json, const Said& said, bool input) {
  if (input) return resource::write_words_schema(json, said, true, {"ACTIVE", "PAUSED", "FAILED"});
  constexpr Said kSeen{.sentence =
                           "FAILED: Crossdock has disabled it, and holds its deliveries until it is "
                           "enabled again."};
  resource::Value<SubscriptionStatus>::schema(json, kSeen, false);
}

void describe_reason(format::JsonWriter& json, const Said& said, bool) {
  resource::write_words_schema(json, said, true, {"MANUAL", "GONE", "CONSECUTIVE_FAILURES"});
}

constexpr Member<Subscription> kMembers[] = {
    member<&Subscription::id>("id").shown().key(),
    member<&Subscription::tenant>("tenant_id").shown().key(),
    member<&Subscription::name>("name", {.sentence = "What people call it.", .max = 200, .required = true}),
    member<&Subscription::description>("description", {.sentence = "What it is for.", .max = 2000}),
    member<&Subscription::url>(
        "url",
        {.sentence = "Where deliveries go: http or https, without user info and fragment. Addresses of "
                     "private networks are refused unless the operator has opened them.",
         .max = base::limits::kUrlBytesMax,
         .required = true,
         .format = "uri"}),
    member<&Subscription::event_types>(
        "event_types", {.sentence = "An event is delivered when one of these matches its type.",
                        .min = 1,
                        .max = base::limits::kEventPatternsMax,
                        .required = true,
                        .schema = "EventPattern"})
        .read_by(read_types),
    member<&Subscription::auth_type>(
        "auth_type",
        {.sentence = "How Crossdock authenticates at the receiver, beside the signature that every "
                     "delivery carries."})
        .read_by(nullptr),
    resource::secret_member<&Subscription::auth_config>(
        "auth_config",
        {.sentence = "What `auth_type` needs; absent or null with NONE. It is stored encrypted and cannot "
                     "be read back."})
        .described_by(describe_auth),
    member<&Subscription::content_type>(
        "content_type",
        {.sentence = "The media type of the body; of the data, where the payload is a CloudEvent. With "
                     "application/x-www-form-urlencoded the payload is sent as a form: one name=value for "
                     "each text, number (as it was written), true, false and null (an empty value), in "
                     "their order; a member inside another is named `outer[inner]`, an element of an array"
                     " `outer[0]`, RAW data that is no object `data`; empty objects and arrays are left "
                     "out; brackets are percent-encoded like any other character, a blank is `+`. A form "
                     "is not possible with CloudEvents, and ends the delivery with PAYLOAD_TOO_BIG where "
                     "it would be longer than 4 MiB. Absent: application/json.",
         .max = 100,
         .pattern = "^application/(json|[A-Za-z0-9._+-]+\\+json|x-www-form-urlencoded)$"}),
    member<&Subscription::headers>(
        "headers",
        {.sentence = "Headers of your own, at most 30. Those that frame the message and the three "
                     "`webhook-*` headers are set by Crossdock and refused here. Values of secrets (names "
                     "that contain authorization, auth, cookie, key, token, secret, credential, password, "
                     "passwd, signature or session, and those of `secret_headers`) are stored encrypted "
                     "and read back as `***`; sending `***` keeps what is stored."})
        .written_by(write_headers)
        .described_by(describe_headers)
        .stored_by(bind_headers, load_headers),
    member<&Subscription::secret_headers>(
        "secret_headers",
        {.sentence = "Names among `headers` whose values are secrets beside those that tell by their "
                     "names. One that is taken from here becomes readable only with a new value.",
         .max = base::limits::kCustomHeadersMax})
        .read_by(nullptr)
        .stored_by(bind_secret_names, load_secret_names),
    column<Subscription>("secret_header_values", bind_secret_values, load_secret_values),
    resource::derived<Subscription>("transform_template", {.sentence = "Reserved; leave it out."})
        .read_by(refuse_template)
        .written_by(write_no_template)
        .described_by(describe_template),
    member<&Subscription::payload_format>(
        "payload_format",
        {.sentence = "The form of the body; see the webhooks of this document. RAW is the event's data "
                     "alone, CLOUDEVENTS the structured JSON form of CloudEvents 1.0, CLOUDEVENTS_BINARY "
                     "its `ce-*` headers with the data as the body. Absent: STANDARD."}),
    json_member<&Subscription::filter>("filter", {.schema = "Filter"})
        .read_by(read_filter)
        .stored_by(json_member<&Subscription::filter>("").bind, load_filter),
    member<&Subscription::signing_scheme>(
        "signing_scheme",
        {.sentence = "How deliveries are signed. STANDARD: Standard Webhooks with HMAC-SHA256; "
                     "STANDARD_V1A: with Ed25519, so that receivers hold a public key only; GITHUB, "
                     "STRIPE: as those senders do; HMAC_HEADER: as `signing_config` says. `webhook-id` and"
                     " `webhook-timestamp` are sent under each. Another scheme is refused while a valid "
                     "secret does not fit it; rotate-secret changes both at once. Absent: STANDARD."})
        .read_by(nullptr),
    json_member<&Subscription::signing_config>("signing_config", {.schema = "SigningConfig"}),
    member<&Subscription::ordering>(
        "ordering",
        {.sentence = "PER_KEY: deliveries of events with one ordering_key are attempted strictly one after"
                     " the other, in the order of the events; a key whose delivery waits for a retry holds"
                     " up no other key. Absent: NONE."}),
    member<&Subscription::max_in_flight>(
        "max_in_flight",
        {.sentence = "Attempts at once. Absent: as many as the receiver keeps up with, at most 64.",
         .min = 1,
         .max = base::limits::kLaneWindowMax}),
    member<&Subscription::rate_limit>("rate_limit", {.schema = "RateLimit"}).in_no_column(),
    resource::rate_requests<&Subscription::rate_limit>("rate_limit_requests"),
    resource::rate_window<&Subscription::rate_limit>("rate_limit_window"),
    resource::secret_member<&Subscription::client_certificate>("client_certificate",
                                                               {.schema = "ClientCertificate"}),
    resource::optional_text<&Subscription::ca_certificate>(
        "ca_certificate",
        {.sentence = "PEM: the authorities that may have issued the receiver's certificate, instead of the"
                     " system's.",
         .max = kPemCharactersMax})
        .read_by(nullptr),
    member<&Subscription::timeout>(
        "timeout_seconds",
        {.sentence = "How long an attempt may take, the answer included. Absent: the server's "
                     "WEBHOOK_TIMEOUT_SECONDS, 30.",
         .min = 1,
         .max = seconds(kRequestTimeoutMax).count()}),
    member<&Subscription::retry_enabled>(
        "retry_enabled", {.sentence = "Whether a failed attempt is followed by others. Absent: true."}),
    member<&Subscription::max_retries>(
        "max_retries",
        {.sentence = "Retries after the first attempt. Absent: the server's WEBHOOK_MAX_RETRIES, 5.",
         .min = 0,
         .max = kRetriesMax}),
    member<&Subscription::retry_intervals>(
        "retry_intervals",
        {.sentence = "Seconds before each retry; the last one counts for all after it. Each is varied by "
                     "up to 10 %. Absent: 60, 300, 900, 3600, 7200.",
         .min = 1,
         .max = kRetriesMax,
         .each_min = 1,
         .each_max = kIntervalMax}),
    member<&Subscription::status>(
        "status",
        {.sentence = "ACTIVE delivers, PAUSED holds. FAILED is set by Crossdock alone and may only be sent"
                     " back."})
        .read_by(nullptr)
        .described_by(describe_status),
    member<&Subscription::is_enabled>("is_enabled", {.sentence = "Whether it is switched on. Absent: true."}),
    member<&Subscription::disabled_reason>(
        "disabled_reason",
        {.sentence = "Why it is off: somebody disabled it, the receiver answered 410, or too many attempts"
                     " failed in a row."})
        .shown()
        .described_by(describe_reason),
    member<&Subscription::disabled>("disabled_at").shown(),
    member<&Subscription::circuit_no>("circuit_no").stored(),
    member<&Subscription::version>("version").stored().version(),
    member<&Subscription::created>("created_at").shown().fixed(),
    member<&Subscription::updated>("updated_at").shown(),
    member<&Subscription::created_by>("created_by", {.sentence = "The API key it was made with."})
        .shown()
        .fixed(),
};

}  // namespace

const resource::Table<Subscription>& subscriptions() {
  static const resource::Table<Subscription> table("webhook_subscriptions", kMembers);
  return table;
}

Subscription Subscription::copy() const {
  Subscription twin = subscriptions().copy(*this);
  for (const SigningSecret& secret : secrets) twin.secrets.push_back(secret.copy());
  twin.broken = broken;
  twin.secrets_closed = secrets_closed;
  return twin;
}

}  // namespace outbound
