#include "inbound/endpoint/endpoint.hpp"

#include "format/json.hpp"

namespace inbound {

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

}  // namespace inbound
