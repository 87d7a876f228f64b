#include "api/schemas.hpp"

#include "inbound/endpoint/endpoint.hpp"
#include "outbound/listener/listener.hpp"
#include "outbound/subscription/subscription.hpp"
#include "tenant/tenant.hpp"

namespace api {

namespace {

template <class T>
void add(format::JsonWriter& json, const resource::Table<T>& table, bool input,
         std::initializer_list<std::string_view> schemas) {
  for (const std::string_view schema : schemas) {
    json.key(schema).begin_object();
    table.write_properties(json, input);
    json.end_object();
  }
}

}  // namespace

std::string table_schemas() {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  add(json, tenant::tenants(), false, {"Tenant"});
  add(json, outbound::listeners(), true, {"ListenerInput"});
  add(json, outbound::listeners(), false, {"Listener"});
  add(json, outbound::subscriptions(), true,
      {"NewSubscription", "SubscriptionSettings", "SubscriptionPatch"});
  add(json, outbound::subscriptions(), false, {"Subscription", "SubscriptionWithSecret"});
  add(json, inbound::endpoints(), true, {"NewEndpoint", "EndpointSettings", "EndpointPatch"});
  add(json, inbound::endpoints(), false, {"Endpoint", "EndpointWithSecret"});
  json.end_object();
  return text;
}

}  // namespace api
