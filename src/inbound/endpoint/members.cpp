// The members of an endpoint: what callers set and see of it, and what the store keeps.
#include "format/json.hpp"
#include "inbound/endpoint/endpoint.hpp"

namespace inbound {

namespace {

using base::Result;
using resource::Member;
using resource::member;
using resource::Said;
using resource::Stored;
using resource::Values;

constexpr std::int64_t kWordCharactersMax = 50;  // handler_type and target_service, as in mission 4
constexpr std::int64_t kPatternsMax = 200;
constexpr std::int64_t kRoutesMax = 100;
constexpr std::int64_t kWindowMax = 90 * 86'400;
constexpr std::int64_t kDaysMax = 36'500;

void write_scheme(format::JsonWriter& json, const Endpoint& endpoint) {
  endpoint.signature_scheme.empty() ? json.null() : json.raw(endpoint.signature_scheme);
}

void describe_scheme(format::JsonWriter& json, const Said& said, bool input) {
  json.begin_object().key("type").begin_array().value("string").value("object").value("null").end_array();
  json.key("description");
  json.value(input ? said.sentence : "null only where what is stored of it cannot be read; see `broken`.");
  json.end_object();
}

void bind_scheme(Values& to, const Endpoint& endpoint, std::string_view) {
  to.add(endpoint.signature_scheme);
}

Result<void> load_scheme(const Stored& from, Endpoint& to) {
  XD_DO(resource::stored_json(from));
  to.signature_scheme = from.row.string(from.column);
  return {};
}

void write_config(format::JsonWriter& json, const Endpoint& endpoint) {
  json.begin_object();
  for (const auto& [key, value] : endpoint.signature_config) json.key(key).value(value);
  json.end_object();
}

void describe_config(format::JsonWriter& json, const Said& said, bool input) {
  resource::begin_schema(json, "object", input, {});
  json.key("additionalProperties").begin_object().key("type").value("string");
  if (input) json.key("maxLength").value(1000);
  json.end_object();
  if (input) json.key("description").value(said.sentence);
  json.end_object();
}

void bind_config(Values& to, const Endpoint& endpoint, std::string_view) {
  std::string text;
  format::JsonWriter json(text);
  write_config(json, endpoint);
  to.add_text(std::move(text));
}

Result<void> load_config(const Stored& from, Endpoint& to) {
  XD_TRY(const auto config, resource::stored_json(from));
  to.signature_config.clear();
  for (const format::Member& setting : config.root().members())
    to.signature_config.emplace(setting.key, setting.value.text());
  return {};
}

std::string written_paths(const Endpoint& endpoint) {
  return endpoint.paths_of_scheme ? "null" : paths_json(endpoint.paths);
}

void write_paths(format::JsonWriter& json, const Endpoint& endpoint) { json.raw(written_paths(endpoint)); }

void copy_paths(Endpoint& to, const Endpoint& from) {
  to.paths = from.paths;
  to.paths_of_scheme = from.paths_of_scheme;
}

void describe_paths(format::JsonWriter& json, const Said& said, bool input) {
  const Said seen{.sentence = "null: those of the scheme.", .schema = said.schema};
  resource::write_reference(json, said.schema, true, input ? said : seen);
}

void bind_paths(Values& to, const Endpoint& endpoint, std::string_view) {
  to.add_text(written_paths(endpoint));
}

Result<void> load_paths(const Stored& from, Endpoint& to) {
  XD_TRY(const auto paths, resource::stored_json(from));
  to.paths_of_scheme = paths.root().is_null();
  to.paths = {};
  for (const PathMember& part : kPathMembers) {
    const format::Value* places = paths.root().find(part.name);
    if (places == nullptr) continue;
    Places& read = to.paths.*part.places;
    if (places->is_string()) read = Places(places->text());
    for (const format::Value& place : places->elements()) read.list.emplace_back(place.text());
  }
  return {};
}

void write_routes(format::JsonWriter& json, const Endpoint& endpoint) {
  json.raw(routes_json(endpoint.routes));
}

void describe_routes(format::JsonWriter& json, const Said& said, bool input) {
  resource::Value<std::vector<std::string>>::schema(json, said, input);
}

void bind_routes(Values& to, const Endpoint& endpoint, std::string_view) {
  to.add_text(routes_json(endpoint.routes));
}

Result<void> load_routes(const Stored& from, Endpoint& to) {
  XD_TRY(const auto routes, resource::stored_json(from));
  to.routes.clear();
  for (const format::Value& one : routes.root().elements()) {
    Route& route = to.routes.emplace_back();
    for (const RouteMember& part : kRouteMembers) {
      if (const format::Value* text = one.find(part.name)) route.*part.text = std::string(text->text());
    }
    if (const format::Value* id = one.find("subscription_id")) {
      route.subscription = base::Uuid::parse(id->text());
    }
    route.ignore = one.find("ignore") != nullptr;
  }
  return {};
}

bool refuse_template(format::ObjectReader& from, std::string_view name, const Said&, Endpoint&) {
  from.error(name, "INVALID", "payloads cannot be transformed in this version; leave it null");
  return false;
}

void write_no_template(format::JsonWriter& json, const Endpoint&) { json.null(); }

void describe_template(format::JsonWriter& json, const Said& said, bool input) {
  resource::begin_schema(json, "null", false, {});
  if (input) json.key("description").value(said.sentence);
  json.end_object();
}

constexpr Member<Endpoint> kMembers[] = {
    member<&Endpoint::id>("id").shown().key(),
    member<&Endpoint::tenant>("tenant_id").stored().key(),
    member<&Endpoint::integration>("integration_id"),
    member<&Endpoint::path>("endpoint_path", {.sentence = "The last part of its URL.",
                                              .max = 200,
                                              .required = true,
                                              .pattern = "^[A-Za-z0-9._~-]{1,200}$"}),
    member<&Endpoint::name>("name", {.sentence = "What people call it. Absent: its path.", .max = 200})
        .read_by(nullptr),
    member<&Endpoint::source>(
        "source",
        {.sentence = "Which outside system sends: the first part of its events' types. Absent: as the "
                     "scheme of a known sender says, else its path.",
         .max = kWordCharactersMax})
        .read_by(nullptr),
    member<&Endpoint::event_types>(
        "event_types",
        {.sentence = "The sender's types that are processed, with `*` at the end for all that begin so. "
                     "Absent: all. Others are kept, and IGNORED.",
         .max = kPatternsMax}),
    member<&Endpoint::handler_type>(
        "handler_type",
        {.sentence = "LOAD_STATUS, TRACKING, INVOICE, CUSTOM or a word of your own. Absent: CUSTOM.",
         .max = kWordCharactersMax}),
    resource::derived<Endpoint>("transform_template", {.sentence = "Not in this version."})
        .read_by(refuse_template)
        .written_by(write_no_template)
        .described_by(describe_template),
    member<&Endpoint::target_service>(
        "target_service", {.sentence = "A word for your own services.", .max = kWordCharactersMax}),
    member<&Endpoint::ip_whitelist>(
        "ip_whitelist",
        {.sentence = "Addresses and ranges that may send: 203.0.113.7, 203.0.113.0/24, [2001:db8::]/32. "
                     "Absent: all.",
         .max = kPatternsMax}),
    member<&Endpoint::signature_header>(
        "signature_header",
        {.sentence = "Where the HMAC of the body stands, in hex, for senders that do no more than that.",
         .max = 100})
        .read_by(nullptr),
    member<&Endpoint::signature_algorithm>(
        "signature_algorithm",
        {.sentence = "With signature_header: HMAC-SHA256 (when absent), HMAC-SHA1 or HMAC-SHA512.",
         .max = kWordCharactersMax})
        .read_by(nullptr),
    member<&Endpoint::signature_scheme>(
        "signature_scheme",
        {.sentence = "A known sender (`crossdock signature list`), or a document (docs/signatures.md). "
                     "Absent: what signature_header says, else standard_webhooks."})
        .read_by(nullptr)
        .written_by(write_scheme)
        .described_by(describe_scheme)
        .stored_by(bind_scheme, load_scheme),
    member<&Endpoint::signature_config>("signature_config",
                                        {.sentence = "Settings that the scheme asks for."})
        .written_by(write_config)
        .described_by(describe_config)
        .stored_by(bind_config, load_config),
    member<&Endpoint::paths>(
        "paths", {.sentence = "Absent: those of the scheme, which knows the types of its sender's events.",
                  .schema = "EndpointPaths"})
        .copied_by(copy_paths)
        .written_by(write_paths)
        .described_by(describe_paths)
        .stored_by(bind_paths, load_paths),
    member<&Endpoint::routes>(
        "routes",
        {.sentence = "What is done with what fits; the first one that fits counts. What fits none is "
                     "published as `source.table.event_type`.",
         .max = kRoutesMax,
         .schema = "EndpointRoute"})
        .written_by(write_routes)
        .described_by(describe_routes)
        .stored_by(bind_routes, load_routes),
    member<&Endpoint::dedup>(
        "dedup",
        {.sentence = "What is a repeat. off: nothing. id: what has the sender's id of an earlier one. "
                     "content: what is like an earlier one in all that tells events apart. body: what has "
                     "the body of an earlier one. Absent: as the scheme says, else by the id, or the "
                     "content where there is none."}),
    member<&Endpoint::on_conflict>(
        "on_conflict",
        {.sentence = "What becomes of another body with an id that was used before. hold: it is kept as "
                     "CONFLICT, until it is replayed. Absent: process."}),
    member<&Endpoint::dedup_window>(
        "dedup_window_seconds",
        {.sentence = "How long a repeat is known. Absent: 604800. By content: at most 86400.",
         .min = 60,
         .max = kWindowMax}),
    member<&Endpoint::retention_days>(
        "retention_days",
        {.sentence = "How long what came is kept. Absent: for good.", .min = 1, .max = kDaysMax}),
    member<&Endpoint::rate_limit>(
        "rate_limit",
        {.sentence = "What is over is answered 503, so that it is sent again.", .schema = "RateLimit"})
        .in_no_column(),
    resource::rate_requests<&Endpoint::rate_limit>("rate_limit_requests"),
    resource::rate_window<&Endpoint::rate_limit>("rate_limit_window"),
    member<&Endpoint::status>(
        "status", {.sentence = "PAUSED accepts and keeps. DISABLED accepts nothing. Absent: ACTIVE."}),
    member<&Endpoint::is_enabled>("is_enabled"),
    member<&Endpoint::version>("version").stored().version(),
    member<&Endpoint::created>("created_at").shown().fixed(),
    member<&Endpoint::updated>("updated_at").shown(),
    member<&Endpoint::created_by>("created_by").shown().fixed(),
};

}  // namespace

const resource::Table<Endpoint>& endpoints() {
  static const resource::Table<Endpoint> table("webhook_endpoints", kMembers);
  return table;
}

Endpoint Endpoint::copy() const {
  Endpoint twin = endpoints().copy(*this);
  for (const tenant::SigningSecret& secret : secrets) twin.secrets.push_back(secret.copy());
  twin.broken = broken;
  twin.secrets_closed = secrets_closed;
  return twin;
}

}  // namespace inbound
