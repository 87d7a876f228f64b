#include "api/inbound/endpoint_input.hpp"

#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "event/event.hpp"
#include "format/utf8.hpp"
#include "inbound/scheme/safety.hpp"

namespace api {

namespace {

using inbound::Endpoint;

constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kWordBytesMax = 50;  // handler_type and target_service, as in mission 4
constexpr std::size_t kRoutesMax = 100;
constexpr std::size_t kPlaceBytesMax = 200;
constexpr std::size_t kSchemeBytesMax = 16 << 10;
constexpr std::size_t kSecretBytesMax = 8 << 10;  // a public key in PEM has about one
constexpr std::chrono::seconds kWindowDefault{7 * 86'400};

/// One place, or a list of them.
inbound::Places read_places(Input& input, const char* name) {
  const format::Value* said = input.any(name);
  if (said == nullptr || !said->is_array()) {
    return inbound::Places(std::string_view(input.text(name, kPlaceBytesMax).value_or("")));
  }
  inbound::Places places;
  if (said->elements().empty() || said->elements().size() > inbound::kPlacesMax) {
    input.error(name, "INVALID", "a place, or a list of 1 to 10 of which the first that is there counts");
    return places;
  }
  for (std::size_t i = 0; i < said->elements().size(); ++i) {
    const format::Value& place = said->elements()[i];
    if (!place.is_string() || place.text().empty() || place.text().size() > kPlaceBytesMax) {
      input.error_at(std::string(name) + "/" + std::to_string(i), "INVALID", "a string of 1 to 200 bytes");
    }
    places.list.emplace_back(place.text());
  }
  return places;
}

void read_paths(Input& input, Endpoint& endpoint) {
  endpoint.paths = {};
  const format::Value* paths = input.any("paths");
  endpoint.paths_of_scheme = paths == nullptr;
  if (paths == nullptr) return;
  Input inner(*paths, "#/paths");
  for (const inbound::PathMember& member : inbound::kPathMembers) {
    endpoint.paths.*member.places = read_places(inner, member.name);
  }
  if (auto checked = inner.finish(); !checked) input.take_errors(checked.error());
}

void read_route(Input& input, const format::Value& value, std::size_t index, Endpoint& endpoint) {
  Input inner(value, "#/routes/" + std::to_string(index));
  inbound::Route& route = endpoint.routes.emplace_back();
  for (const inbound::RouteMember& member : inbound::kRouteMembers) {
    route.*member.text = inner.text(member.name, 100).value_or("");
  }
  if (!route.publish.empty()) {
    if (auto checked = event::check_type(route.publish); !checked)
      inner.error("publish", "INVALID", checked.error().message);
  }
  if (const auto id = inner.text("subscription_id", 36)) {
    route.subscription = base::Uuid::parse(*id);
    if (!route.subscription) inner.error("subscription_id", "INVALID", "the id of a subscription");
  }
  route.ignore = inner.boolean("ignore").value_or(false);
  if (route.ignore && (route.subscription || !route.publish.empty()))
    inner.error("ignore", "INVALID", "what is ignored is neither published nor delivered");
  if (auto checked = inner.finish(); !checked) input.take_errors(checked.error());
}

void read_routes(Input& input, Endpoint& endpoint) {
  endpoint.routes.clear();
  const format::Value* routes = input.any("routes");
  if (routes == nullptr) return;
  if (!routes->is_array() || routes->elements().size() > kRoutesMax) {
    return input.error("routes", "INVALID", "this must be an array of at most 100 routes");
  }
  for (std::size_t i = 0; i < routes->elements().size(); ++i) {
    read_route(input, routes->elements()[i], i, endpoint);
  }
}

/// The scheme that mission 4's two columns mean: the HMAC of the body in a header.
std::string plain_scheme(Input& input, const Endpoint& endpoint) {
  const std::string algorithm = endpoint.signature_algorithm.value_or("HMAC-SHA256");
  const bool known = algorithm == "HMAC-SHA256" || algorithm == "HMAC-SHA1" || algorithm == "HMAC-SHA512";
  if (!known) {
    input.error("signature_algorithm", "INVALID",
                "HMAC-SHA256, HMAC-SHA1 or HMAC-SHA512; for anything else write a signature_scheme");
  }
  std::string text;
  format::JsonWriter json(text);
  json.begin_object().key("sig").value("header:" + *endpoint.signature_header);
  json.key("alg").value(algorithm == "HMAC-SHA1" ? "sha1" : algorithm == "HMAC-SHA512" ? "sha512" : "sha256");
  json.end_object();
  return text;
}

void read_config(Input& input, Endpoint& endpoint) {
  endpoint.signature_config.clear();
  const format::Value* config = input.any("signature_config");
  if (config == nullptr) return;
  if (!config->is_object() || config->members().size() > 20) {
    return input.error("signature_config", "WRONG_TYPE", "this must be {\"NAME\": \"text\"}, at most 20");
  }
  for (const format::Member& member : config->members()) {
    if (!member.value.is_string() || member.value.text().size() > 1000) {
      input.error_at("signature_config" + pointer_part(member.key.substr(0, 100)), "INVALID",
                     "a string of at most 1000 bytes");
    }
    endpoint.signature_config.emplace(member.key, member.value.text());
  }
}

void read_scheme(Input& input, Members& members, Endpoint& endpoint) {
  const bool was_plain =
      endpoint.signature_header && endpoint.signature_scheme == plain_scheme(input, endpoint);
  if (members.touches("signature_header")) {
    endpoint.signature_header = input.text("signature_header", 100);
    if (endpoint.signature_header && !is_header_name(*endpoint.signature_header))
      input.error("signature_header", "INVALID", "this is not a header name");
  }
  if (members.touches("signature_algorithm"))
    endpoint.signature_algorithm = input.text("signature_algorithm", kWordBytesMax);
  if (members.touches("signature_config")) read_config(input, endpoint);
  if (!members.touches("signature_scheme")) {
    if (!input.has("signature_header") && !input.has("signature_algorithm")) return;
    if (was_plain) {
      endpoint.signature_scheme = plain_scheme(input, endpoint);
    } else {
      input.error("signature_scheme", "REQUIRED",
                  "signature_header and signature_algorithm count where there is no scheme; send it as null");
    }
    return;
  }
  const format::Value* scheme = input.any("signature_scheme");
  if (scheme == nullptr) {
    if (endpoint.signature_header) {
      endpoint.signature_scheme = plain_scheme(input, endpoint);
    } else {
      endpoint.signature_scheme = "\"standard_webhooks\"";
    }
  } else if ((!scheme->is_string() && !scheme->is_object()) || scheme->raw().size() > kSchemeBytesMax) {
    input.error("signature_scheme", "WRONG_TYPE",
                "the name of a known sender (`crossdock signature list`), or a document of at most 16 KiB");
    endpoint.signature_scheme = "\"standard_webhooks\"";
  } else {
    endpoint.signature_scheme = scheme->raw();
  }
}

/// Where nothing is verified, somebody must have said so.
void read_unsigned(Input& input, Members& members, const Endpoint& endpoint) {
  const bool given = input.boolean("unsigned").value_or(false);
  if (!members.touches("unsigned") && !members.touches("signature_scheme") &&
      !members.touches("signature_header")) {
    return;
  }
  const auto scheme = inbound::scheme_of(endpoint);
  if (!scheme) return;  // told when it is set up
  const bool verifies_nothing = scheme->kind == crypto::Scheme::Kind::none;
  if (given == verifies_nothing) return;
  input.error(
      "unsigned", "INVALID",
      given ? "this scheme verifies signatures; leave unsigned away"
            : "this scheme verifies nothing, so anybody can send here; say \"unsigned\": true where you "
              "mean that");
}

}  // namespace

Result<inbound::EndpointPtr> find_endpoint_or_fail(const Call& call, db::Tx& tx, inbound::EndpointId id) {
  XD_TRY(inbound::EndpointPtr known, inbound::find_endpoint(tx, call.services.ring, call.tenant_id(), id));
  if (!known) return base::fail(base::Code::not_found, "there is no endpoint with this id");
  return known;
}

void read_endpoint(Input& input, Reading reading, Endpoint& endpoint) {
  Endpoint defaults;
  defaults.handler_type = "CUSTOM";
  defaults.dedup_window = kWindowDefault;
  inbound::endpoints().read(input, reading, defaults, endpoint);
  Members members(input, reading);
  if (auto checked = inbound::check_endpoint_path(endpoint.path);
      !checked && input.has("endpoint_path") && !endpoint.path.empty()) {
    input.error("endpoint_path", "INVALID", checked.error().message);
  }
  if (members.touches("name")) endpoint.name = input.text("name", kNameBytesMax).value_or(endpoint.path);
  const bool touches_source = members.touches("source");
  const auto source = touches_source ? input.text("source", kWordBytesMax) : std::nullopt;
  if (members.touches("paths")) read_paths(input, endpoint);
  if (members.touches("routes")) read_routes(input, endpoint);
  read_scheme(input, members, endpoint);
  if (touches_source) endpoint.source = source ? *source : inbound::default_source(endpoint);
  read_unsigned(input, members, endpoint);
}

base::Secret read_endpoint_secret(Input& input, const Endpoint& endpoint) {
  if (auto given = input.text("secret_key", kSecretBytesMax); given && !given->empty()) {
    return base::Secret(std::move(*given));
  }
  const std::string bytes = crypto::random_bytes(32);
  const auto scheme = inbound::scheme_of(endpoint);
  if (!scheme || scheme->kind == crypto::Scheme::Kind::none) return base::Secret(crypto::to_hex(bytes));
  using Kind = crypto::Scheme::Kind;
  using Source = crypto::Scheme::KeyRule::Source;
  // One that is told in a handshake comes later.
  if (!scheme->key.uses_secret() || scheme->key.source == Source::capture) return {};
  if (scheme->key.source == Source::key_set) {
    input.error("secret_key", "REQUIRED", "the secret that the sender's keys are asked for with");
    return {};
  }
  using Encoding = crypto::Scheme::KeyRule::Encoding;
  if (scheme->kind == Kind::public_key || scheme->kind == Kind::jwt) {
    input.error("secret_key", "REQUIRED",
                "the public key of the sender, which it shows to those who receive");
    return {};
  }
  if (scheme->kind == Kind::basic) return base::Secret("crossdock:" + crypto::to_hex(bytes));
  const std::string text =
      scheme->key.encoding == Encoding::base64 ? crypto::to_base64(bytes) : crypto::to_hex(bytes);
  return base::Secret(scheme->key.strip + text);
}

base::Secret read_changed_secret(Input& input, const Endpoint& before, const Endpoint& endpoint) {
  if (auto given = input.text("secret_key", kSecretBytesMax); given && !given->empty())
    return base::Secret(std::move(*given));
  if (endpoint.said_scheme() == before.said_scheme()) return {};
  const auto scheme = inbound::scheme_of(endpoint);
  if (scheme && inbound::tells_secret(*scheme)) {
    input.error("secret_key", "REQUIRED",
                "this scheme tells the secret to others, and the one that is stored was not given for it; "
                "send the secret that it is to tell");
  }
  return {};
}

std::string endpoint_json(const Call& call, const Endpoint& e, const inbound::EndpointStats& stats,
                          std::string_view secret_key) {
  std::string body;
  format::JsonWriter json(body);
  json.begin_object();
  inbound::endpoints().write(json, e);
  json.key("url").value(call.services.origin.public_url + "/webhooks/" + call.tenant->slug + "/" + e.path);
  const std::string broken = e.broken.empty() ? call.services.inbound.book().why_broken(e.id) : e.broken;
  json.key("broken");
  broken.empty() ? json.null() : json.value(broken);
  if (!secret_key.empty()) json.key("secret_key").value(secret_key);
  const auto scheme = inbound::scheme_of(e);
  json.key("awaiting_secret").value(scheme && inbound::awaits_secret(*scheme, e.secrets));
  json.key("signing_secrets").begin_array();
  const base::Time now = call.services.clock.now();
  for (const tenant::SigningSecret& secret : e.secrets) {
    if (!secret.active(now)) continue;
    json.begin_object().key("fingerprint").value(secret.fingerprint).key("created_at").value(secret.created);
    json.key("valid_until").value(secret.valid_until).end_object();
  }
  json.end_array().key("total_received").value(stats.received);
  json.key("total_processed").value(stats.processed).key("total_failed").value(stats.failed);
  json.key("total_conflicts").value(stats.conflicts);
  json.key("last_received_at").value(stats.last_received);
  std::int64_t refused = 0;
  for (const auto& [reason, count] : stats.refused) refused += count;
  json.key("total_refused").value(refused).key("refused").begin_object();
  for (const auto& [reason, count] : stats.refused) json.key(reason).value(count);
  json.end_object();
  json.end_object();
  return body;
}

}  // namespace api
