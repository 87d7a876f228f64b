#include "inbound/endpoint.hpp"

#include "base/assert.hpp"
#include "format/json.hpp"

namespace inbound {

std::string_view name(EndpointStatus status) {
  switch (status) {
    case EndpointStatus::active: return "ACTIVE";
    case EndpointStatus::paused: return "PAUSED";
    case EndpointStatus::disabled: return "DISABLED";
  }
  return "DISABLED";
}

namespace {

constexpr std::pair<Dedup, std::string_view> kDedups[] = {
    {Dedup::off, "off"}, {Dedup::id, "id"}, {Dedup::content, "content"}, {Dedup::body, "body"}};

}  // namespace

std::string_view name(Dedup dedup) {
  return std::ranges::find(kDedups, dedup, &std::pair<Dedup, std::string_view>::first)->second;
}

std::optional<Dedup> parse_dedup(std::string_view text) {
  for (const auto& [dedup, word] : kDedups) {
    if (word == text) return dedup;
  }
  return std::nullopt;
}

base::Result<void> check_endpoint_path(std::string_view path) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == '~';
  };
  const bool good = !path.empty() && path.size() <= 200 && path != "." && path != ".." &&
                    std::ranges::all_of(path, allowed);
  if (good) return {};
  return base::fail(base::Code::invalid,
                    "one part of a path: 1 to 200 letters, digits, '-', '_', '.' and '~'");
}

std::string paths_json(const Paths& paths) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  for (const PathMember& member : kPathMembers) {
    const std::vector<std::string>& places = (paths.*member.places).list;
    if (places.empty()) continue;
    json.key(member.name);
    if (places.size() == 1) {
      json.value(places.front());
      continue;
    }
    json.begin_array();
    for (const std::string& place : places) json.value(place);
    json.end_array();
  }
  json.end_object();
  return text;
}

std::string routes_json(const std::vector<Route>& routes) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_array();
  for (const Route& route : routes) {
    json.begin_object();
    for (const RouteMember& member : kRouteMembers) {
      if (const std::string& value = route.*member.text; !value.empty()) json.key(member.name).value(value);
    }
    if (route.subscription) json.key("subscription_id").value(*route.subscription);
    if (route.ignore) json.key("ignore").value(true);
    json.end_object();
  }
  json.end_array();
  return text;
}

Endpoint Endpoint::copy() const {
  Endpoint twin;
  twin.id = id;
  twin.tenant = tenant;
  twin.integration = integration;
  twin.path = path;
  twin.name = name;
  twin.source = source;
  twin.event_types = event_types;
  twin.handler_type = handler_type;
  twin.target_service = target_service;
  twin.ip_whitelist = ip_whitelist;
  twin.signature_header = signature_header;
  twin.signature_algorithm = signature_algorithm;
  twin.signature_scheme = signature_scheme;
  twin.signature_config = signature_config;
  twin.paths = paths;
  twin.paths_of_scheme = paths_of_scheme;
  twin.dedup = dedup;
  twin.holds_conflicts = holds_conflicts;
  twin.routes = routes;
  twin.dedup_window = dedup_window;
  twin.retention_days = retention_days;
  twin.rate_limit = rate_limit;
  twin.status = status;
  twin.is_enabled = is_enabled;
  twin.version = version;
  twin.created_by = created_by;
  twin.created = created;
  twin.updated = updated;
  for (const tenant::SigningSecret& secret : secrets) twin.secrets.push_back(secret.copy());
  twin.broken = broken;
  twin.secrets_closed = secrets_closed;
  return twin;
}

}  // namespace inbound
