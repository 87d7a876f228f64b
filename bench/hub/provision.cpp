#include "hub/provision.hpp"

#include <stdexcept>

#include "hub/in_parallel.hpp"
#include "hub/signature.hpp"
#include "hub/wire.hpp"

namespace bench {

namespace {

using Headers = HttpClient::Headers;

constexpr std::size_t kQuotedBytesMax = 400;

/// The body of a 2xx answer; anything else is thrown with what was asked.
std::string post(HttpClient& client, const std::string& path, const Headers& headers,
                 const std::string& body) {
  const HttpAnswer answer = client.request("POST", path, headers, body);
  if (answer.status / 100 == 2) return answer.body;
  throw std::runtime_error("POST " + path + " was answered " + std::to_string(answer.status) + ": " +
                           answer.body.substr(0, kQuotedBytesMax));
}

std::string member(const std::string& body, const char* name, const std::string& of) {
  auto value = plain_string_member(body, name);
  if (!value) throw std::runtime_error("the answer to POST " + of + " has no string \"" + name + "\"");
  return *std::move(value);
}

Headers bearer(const std::string& key) { return {{"Authorization", "Bearer " + key}}; }

/// Makes a tenant and returns an administrator's key of it.
std::string make_tenant(HttpClient& client, const std::string& platform_key, std::size_t number) {
  const std::string digits = std::to_string(number);
  const std::string tenant =
      post(client, "/api/v1/tenants", bearer(platform_key),
           R"({"name":"Bench tenant )" + digits + R"(","slug":"bench-)" + digits + R"("})");
  Headers as_tenant = bearer(platform_key);
  as_tenant.emplace_back("X-Tenant-Id", member(tenant, "id", "/api/v1/tenants"));
  const std::string key =
      post(client, "/api/v1/api-keys", as_tenant, R"({"name":"bench generator","role":"admin"})");
  return member(key, "key", "/api/v1/api-keys");
}

Route subscribe(HttpClient& client, const std::string& api_key, const SubscriptionPlan& plan,
                std::size_t number) {
  const std::string path = "/api/v1/webhooks/subscriptions";
  const std::string kind = "order.r" + std::to_string(number);
  if (plan.url.empty()) return {.api_key = api_key, .event_type = kind + ".created"};
  const std::string made = post(client, path, bearer(api_key),
                                R"({"name":"bench )" + std::to_string(number) + R"(","url":")" + plan.url +
                                    R"(","event_types":[")" + kind + R"(.*"])" + plan.more + "}");
  const auto signing_key = key_of_secret(member(made, "secret_key", path));
  if (!signing_key) throw std::runtime_error("the subscription's secret_key is not whsec_ and base64");
  if (plan.paused) post(client, path + "/" + member(made, "id", path) + "/pause", bearer(api_key), "");
  return {.api_key = api_key, .event_type = kind + ".created", .signing_key = *signing_key};
}

}  // namespace

std::vector<Route> provision(std::uint16_t port, const std::string& platform_key, std::size_t tenants,
                             const std::vector<SubscriptionPlan>& subscriptions) {
  HttpClient client(port);
  std::vector<std::string> keys;
  keys.reserve(tenants);
  for (std::size_t i = 0; i < tenants; ++i) keys.push_back(make_tenant(client, platform_key, i));
  std::vector<Route> routes(subscriptions.size());
  in_parallel(port, subscriptions.size(), [&](HttpClient& with, std::size_t number) {
    const SubscriptionPlan& plan = subscriptions[number];
    routes[number] = subscribe(with, keys[plan.tenant], plan, number);
  });
  return routes;
}

}  // namespace bench
