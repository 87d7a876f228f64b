#include "inbound/endpoint/book.hpp"

#include "base/log.hpp"
#include "format/json.hpp"
#include "inbound/scheme/preset.hpp"
#include "inbound/scheme/safety.hpp"

namespace inbound {

namespace {

using base::Code;
using base::fail;
using base::Result;
using crypto::Location;

std::unexpected<base::Error> refuse(std::string pointer, std::string detail) {
  base::Error error{Code::invalid, detail};
  error.fields.push_back({std::move(pointer), "INVALID", std::move(detail)});
  return std::unexpected(std::move(error));
}

/// An error of a scheme as one of the endpoint that says it.
base::Error of_scheme(base::Error error) {
  error.code = Code::invalid;
  for (base::FieldError& field : error.fields) {
    field.pointer = "#/signature_scheme" + field.pointer.substr(field.pointer.starts_with('#') ? 1 : 0);
  }
  if (error.fields.empty()) error.fields.push_back({"#/signature_scheme", "INVALID", error.message});
  return error;
}

Result<crypto::Scheme> read_said(const SaidScheme& said) {
  const auto& [text, config] = said;
  XD_TRY(const auto document, format::parse_json(text));
  const format::Value& root = document.root();
  auto scheme = root.is_string() ? preset_scheme(root.text(), config) : read_scheme(root, config);
  if (scheme) return scheme;
  return std::unexpected(of_scheme(scheme.error()));
}

/// Of a scheme that can be read.
Result<SchemeDefaults> read_said_defaults(const std::string& text) {
  XD_TRY(const auto said, format::parse_json(text));
  auto defaults = read_defaults(said.root());
  if (said.root().is_string()) {
    XD_TRY(const auto preset, format::parse_json(std::string(preset_document(said.root().text()))));
    defaults = read_defaults(preset.root());
  }
  if (defaults) return defaults;
  return std::unexpected(of_scheme(defaults.error()));
}

Result<PreparedScheme> prepare_scheme(const SaidScheme& said) {
  PreparedScheme prepared;
  XD_TRY(prepared.scheme, read_said(said));
  XD_TRY(prepared.defaults, read_said_defaults(said.first));
  const auto document = format::parse_json(said.first);
  const bool preset = document && document->root().is_string();
  prepared.name = preset ? std::string(document->root().text()) : "custom";
  return prepared;
}

Result<void> read_keys_into(PreparedEndpoint& prepared) {
  using Source = crypto::Scheme::KeyRule::Source;
  const crypto::Scheme::KeyRule& rule = prepared.scheme().key;
  if (prepared.scheme().kind == crypto::Scheme::Kind::none || !rule.uses_secret()) return {};
  for (const tenant::SigningSecret& secret : prepared.config->secrets) {
    if (prepared.keys.size() == crypto::kSchemeKeysMax) break;
    auto key = crypto::SchemeKey::make(prepared.scheme(), secret.text.reveal());
    if (!key) return refuse("#/secret_key", key.error().message);
    prepared.keys.push_back({std::move(*key), secret.fingerprint, secret.valid_until});
  }
  if (prepared.keys.empty() && rule.source != Source::capture)
    return refuse("#/secret_key", "this scheme needs a secret");
  return {};
}

Result<Location> read_place(const std::string& text, const std::string& pointer, bool json) {
  if (std::ranges::any_of(text, [](unsigned char c) { return c < ' ' || c == 127; })) {
    return refuse(pointer, "no control characters");
  }
  auto read = json ? read_json_place(text) : Location::parse(text);
  if (!read) return refuse(pointer, read.error().message);
  using In = Location::In;
  if (read->in == In::item || read->in == In::jwt || read->in == In::jwt_head) {
    return refuse(pointer, "header:NAME, query:NAME, form:NAME, json:PATH, xml:PATH or const:TEXT");
  }
  return read;
}

Result<std::vector<Location>> read_places(const Places& said, const char* name, bool json) {
  std::vector<Location> places;
  for (std::size_t i = 0; i < said.list.size(); ++i) {
    std::string pointer = std::string("#/paths/") + name;
    if (said.list.size() > 1) pointer += "/" + std::to_string(i);
    XD_TRY(Location place, read_place(said.list[i], pointer, json));
    places.push_back(std::move(place));
  }
  return places;
}

std::string_view without_root(std::string_view path) {
  return path.starts_with("$.") ? path.substr(2) : path;
}

/// Behind the places in a record the same ones in what it was before.
void add_places_before(const PreparedRules& rules, std::vector<Location>& places) {
  std::vector<Location> before;
  for (const Location& place : places) {
    for (const Location& record : rules.record) {
      const std::string inside = std::string(without_root(record.name)) + ".";
      const std::string_view path = without_root(place.name);
      if (place.in != Location::In::json || !path.starts_with(inside)) continue;
      for (const Location& old : rules.old_record) {
        const std::string outer = old.name == "$" ? "" : old.name + ".";
        before.push_back({Location::In::json, outer + std::string(path.substr(inside.size()))});
      }
    }
  }
  std::ranges::move(before, std::back_inserter(places));
}

Result<PreparedRules> prepare_rules(const Rules& said) {
  PreparedRules rules{.said = said};
  const Paths& paths = said.paths;
  XD_TRY(rules.event_type, read_places(paths.event_type, "event_type", false));
  XD_TRY(rules.table, read_places(paths.table, "table", false));
  XD_TRY(rules.record, read_places(paths.record, "record", true));
  XD_TRY(rules.old_record, read_places(paths.old_record, "old_record", true));
  XD_TRY(rules.record_id, read_places(paths.record_id, "record_id", false));
  XD_TRY(rules.event_id, read_places(paths.event_id, "event_id", false));
  add_places_before(rules, rules.table);
  add_places_before(rules, rules.record_id);
  return rules;
}

Result<void> read_addresses_into(PreparedEndpoint& prepared) {
  const auto& list = prepared.config->ip_whitelist;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string pointer = "#/ip_whitelist/" + std::to_string(i);
    auto ranges = http::EgressGuard::parse_allow(list[i]);
    if (!ranges) return refuse(pointer, ranges.error().message);
    if (ranges->size() != 1 || ranges->front().port != 0) {
      return refuse(pointer,
                    "one address or range without a port: 203.0.113.7, 203.0.113.0/24, [2001:db8::]/32");
    }
    prepared.allowed.push_back(ranges->front());
  }
  return {};
}

}  // namespace

Result<Location> read_json_place(std::string_view text) {
  XD_TRY(Location place, Location::parse(text));
  if (place.in == Location::In::json) return place;
  return fail(Code::invalid, "this must be a place in the JSON body: json:record, or json:$ for all of it");
}

Result<crypto::Scheme> scheme_of(const Endpoint& endpoint) { return read_said(endpoint.said_scheme()); }

Result<void> check_patterns(const SaidScheme& said) {
  XD_TRY(const crypto::Scheme scheme, read_said(said));
  if (auto checked = check_patterns(scheme); !checked) return std::unexpected(of_scheme(checked.error()));
  return {};
}

std::string default_source(const Endpoint& endpoint) {
  constexpr std::size_t kBytesMax = 50;
  const auto defaults = read_said_defaults(endpoint.signature_scheme);
  return defaults && !defaults->source.empty() ? defaults->source : endpoint.path.substr(0, kBytesMax);
}

std::vector<const crypto::SchemeKey*> PreparedEndpoint::keys_at(base::Time now) const {
  std::vector<const crypto::SchemeKey*> good;
  good.reserve(keys.size());
  for (const Key& one : keys) {
    if (!one.valid_until || now < *one.valid_until) good.push_back(&one.key);
  }
  return good;
}

bool PreparedEndpoint::awaits_secret() const { return inbound::awaits_secret(scheme(), config->secrets); }

bool awaits_secret(const crypto::Scheme& scheme, std::span<const tenant::SigningSecret> secrets) {
  return scheme.key.source == crypto::Scheme::KeyRule::Source::capture &&
         std::ranges::all_of(secrets, [](const auto& secret) { return secret.valid_until.has_value(); });
}

namespace {

Result<PreparedEndpoint> prepare(EndpointPtr config, SharedParts& shared) {
  if (!config->broken.empty()) return fail(Code::corrupt, config->broken);
  const SaidScheme said = config->said_scheme();
  PreparedEndpoint prepared{.config = std::move(config)};
  XD_TRY(prepared.prepared_scheme, shared.schemes.of(said, prepare_scheme));
  XD_DO(read_keys_into(prepared));
  Rules rules = prepared.config->rules();
  if (prepared.config->paths_of_scheme) {
    rules.paths = prepared.prepared_scheme->defaults.paths;
    rules.of_scheme = true;
  }
  XD_TRY(prepared.rules, shared.rules.of(rules, prepare_rules));
  XD_DO(read_addresses_into(prepared));
  return prepared;
}

}  // namespace

Result<PreparedEndpoint> prepare_endpoint(EndpointPtr config) {
  SharedParts shared;
  return prepare(std::move(config), shared);
}

Result<void> check_endpoint(EndpointPtr config) {
  XD_TRY(const PreparedEndpoint prepared, prepare_endpoint(std::move(config)));
  if (auto dangers = dangers_of(prepared.scheme()); !dangers.empty()) {
    base::Error error{Code::invalid, "this scheme is not safe to use; see errors", "INVALID_SCHEME",
                      std::move(dangers)};
    return std::unexpected(of_scheme(std::move(error)));
  }
  for (const PreparedEndpoint::Key& key : prepared.keys) {
    if (auto checked = check_secret(prepared.scheme(), key.key); !checked)
      return refuse("#/secret_key", checked.error().message);
  }
  return {};
}

void Book::put(const EndpointPtr& endpoint) {
  const PreparedEndpointPtr known = catalog_.find(endpoint->id);
  if (known && known->config->version > endpoint->version) return;
  auto prepared = prepare(endpoint, shared_);
  if (!prepared) {
    base::log(base::LogLevel::error,
              "a stored endpoint cannot be used; what is sent to it is answered with 503",
              {{"endpoint_id", endpoint->id},
               {"tenant_id", endpoint->tenant},
               {"error", prepared.error().message}});
    if (known && known->broken.empty()) return;  // what works is kept
    prepared = PreparedEndpoint{.config = endpoint, .broken = prepared.error().message};
  }
  prepared->meter = meters_.of(*endpoint);
  if (known) drop_path(*known->config);
  const auto shared = std::make_shared<const PreparedEndpoint>(std::move(*prepared));
  by_path_[endpoint->tenant][endpoint->path] = shared;
  catalog_.put(shared);
}

void Book::remove(EndpointId id) {
  meters_.forget(id);
  if (const PreparedEndpointPtr known = catalog_.remove(id)) drop_path(*known->config);
}

void Book::drop_path(const Endpoint& endpoint) {
  const auto paths = by_path_.find(endpoint.tenant);
  if (paths == by_path_.end()) return;
  // The path may be another one's already, which was told before.
  const auto found = paths->second.find(endpoint.path);
  if (found != paths->second.end() && found->second->config->id == endpoint.id) paths->second.erase(found);
  if (paths->second.empty()) by_path_.erase(paths);
}

void Book::replace(const std::vector<EndpointPtr>& all, base::Steady read_began) {
  const auto news = catalog_.news_of(all, read_began);
  for (const EndpointPtr& endpoint : news.fresh) put(endpoint);
  for (const EndpointId id : news.gone) remove(id);
}

PreparedEndpointPtr Book::find(TenantId tenant, std::string_view path) const {
  const auto paths = by_path_.find(tenant);
  if (paths == by_path_.end()) return nullptr;
  const auto found = paths->second.find(path);
  return found == paths->second.end() ? nullptr : found->second;
}

}  // namespace inbound
