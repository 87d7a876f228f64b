#include "api/api.hpp"

#include <array>

#include "api/handlers.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/version.hpp"
#include "format/utf8.hpp"

namespace api {

namespace {

using enum tenant::Permission;

constexpr Access open() { return {}; }
constexpr Access watch() { return {.scope = Access::Scope::watch}; }
constexpr Access in_tenant(tenant::Permission permission) { return {Access::Scope::tenant, permission}; }
constexpr Access platform(tenant::Permission permission) { return {Access::Scope::platform, permission}; }
constexpr Access any_key(tenant::Permission permission) { return {Access::Scope::any_key, permission}; }

const Endpoint kEndpoints[] = {
    {{"POST", "/api/v1/events"}, in_tenant(events_write), post_event},
    {{"POST", "/api/v1/events/batch"}, in_tenant(events_write), post_event_batch},
    {{"GET", "/api/v1/events"}, in_tenant(events_read), list_events},
    {{"GET", "/api/v1/events/stream"}, in_tenant(events_read), stream_events},
    {{"GET", "/api/v1/events/:id"}, in_tenant(events_read), get_event},

    {{"GET", "/api/v1/listeners"}, in_tenant(subscriptions_read), list_listeners},
    {{"POST", "/api/v1/listeners"}, in_tenant(subscriptions_write), create_listener},
    {{"GET", "/api/v1/listeners/:name"}, in_tenant(subscriptions_read), get_listener},
    {{"DELETE", "/api/v1/listeners/:name"}, in_tenant(subscriptions_write), delete_listener},
    {{"GET", "/api/v1/listeners/:name/stream"}, in_tenant(subscriptions_write), stream_listener},
    {{"POST", "/api/v1/listeners/:name/ack"}, in_tenant(subscriptions_write), acknowledge_listener},

    {{"GET", "/api/v1/webhooks/subscriptions"}, in_tenant(subscriptions_read), list_subscriptions},
    {{"POST", "/api/v1/webhooks/subscriptions"}, in_tenant(subscriptions_write), create_subscription},
    {{"GET", "/api/v1/webhooks/subscriptions/:id"}, in_tenant(subscriptions_read), get_subscription},
    {{"PUT", "/api/v1/webhooks/subscriptions/:id"}, in_tenant(subscriptions_write), replace_subscription},
    {{"PATCH", "/api/v1/webhooks/subscriptions/:id"}, in_tenant(subscriptions_write), patch_subscription},
    {{"DELETE", "/api/v1/webhooks/subscriptions/:id"}, in_tenant(subscriptions_write), delete_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/enable"},
     in_tenant(subscriptions_write),
     enable_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/disable"},
     in_tenant(subscriptions_write),
     disable_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/pause"},
     in_tenant(subscriptions_write),
     pause_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/resume"},
     in_tenant(subscriptions_write),
     resume_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/reset-circuit"},
     in_tenant(subscriptions_write),
     reset_circuit},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/rotate-secret"},
     in_tenant(subscriptions_write),
     rotate_subscription_secret},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/revoke-secret"},
     in_tenant(subscriptions_write),
     revoke_subscription_secret},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/test"}, in_tenant(subscriptions_write), test_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/test-filter"},
     in_tenant(events_read),
     test_subscription_filter},
    {{"GET", "/api/v1/webhooks/subscriptions/:id/deliveries"},
     in_tenant(deliveries_read),
     list_subscription_deliveries},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/replay"},
     in_tenant(deliveries_replay),
     replay_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/recover"},
     in_tenant(deliveries_replay),
     recover_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/cancel-pending"},
     in_tenant(deliveries_replay),
     cancel_pending},
    {{"GET", "/api/v1/webhooks/subscriptions/:id/stats"}, in_tenant(deliveries_read), get_subscription_stats},

    {{"GET", "/api/v1/webhooks/endpoints"}, in_tenant(endpoints_read), list_endpoints},
    {{"POST", "/api/v1/webhooks/endpoints"}, in_tenant(endpoints_write), create_endpoint},
    {{"GET", "/api/v1/webhooks/endpoints/:id"}, in_tenant(endpoints_read), get_endpoint},
    {{"PUT", "/api/v1/webhooks/endpoints/:id"}, in_tenant(endpoints_write), replace_endpoint},
    {{"PATCH", "/api/v1/webhooks/endpoints/:id"}, in_tenant(endpoints_write), patch_endpoint},
    {{"DELETE", "/api/v1/webhooks/endpoints/:id"}, in_tenant(endpoints_write), delete_endpoint},
    {{"POST", "/api/v1/webhooks/endpoints/:id/enable"}, in_tenant(endpoints_write), enable_endpoint},
    {{"POST", "/api/v1/webhooks/endpoints/:id/disable"}, in_tenant(endpoints_write), disable_endpoint},
    {{"POST", "/api/v1/webhooks/endpoints/:id/rotate-secret"},
     in_tenant(endpoints_write),
     rotate_endpoint_secret},
    {{"POST", "/api/v1/webhooks/endpoints/:id/reveal-secret"},
     in_tenant(endpoints_write),
     reveal_endpoint_secret},
    {{"GET", "/api/v1/webhooks/endpoints/:id/refused"}, in_tenant(endpoints_read), list_refused},
    {{"POST", "/api/v1/webhooks/endpoints/:id/diagnose"}, in_tenant(endpoints_write), diagnose_endpoint},
    {{"GET", "/api/v1/webhooks/received"}, in_tenant(received_read), list_received},
    {{"GET", "/api/v1/webhooks/received/:id"}, in_tenant(received_read), get_received},
    {{"POST", "/api/v1/webhooks/received/:id/replay"}, in_tenant(received_replay), replay_received},
    {{"POST", "/api/v1/webhooks/received/replay"}, in_tenant(received_replay), replay_many_received},
    {{"POST", "/webhooks/:tenant/:path"}, open(), receive_webhook, Endpoint::Body::by_handler},
    {{"GET", "/webhooks/:tenant/:path"}, open(), receive_webhook, Endpoint::Body::by_handler},

    {{"GET", "/api/v1/webhooks/deliveries"}, in_tenant(deliveries_read), list_deliveries},
    {{"GET", "/api/v1/webhooks/deliveries/groups"}, in_tenant(deliveries_read), list_delivery_groups},
    {{"GET", "/api/v1/webhooks/stats"}, in_tenant(deliveries_read), get_webhook_stats},
    {{"GET", "/api/v1/webhooks/deliveries/:id"}, in_tenant(deliveries_read), get_delivery},
    {{"GET", "/api/v1/webhooks/deliveries/:id/attempts"}, in_tenant(deliveries_read), list_attempts},
    {{"POST", "/api/v1/webhooks/deliveries/:id/replay"}, in_tenant(deliveries_replay), replay_delivery},
    {{"POST", "/api/v1/webhooks/deliveries/:id/cancel"}, in_tenant(deliveries_replay), cancel_delivery},
    {{"POST", "/api/v1/webhooks/deliveries/replay"}, in_tenant(deliveries_replay), replay_deliveries},

    {{"GET", "/api/v1/operations"}, any_key(deliveries_read), list_operations},
    {{"GET", "/api/v1/operations/:id"}, any_key(deliveries_read), get_operation},
    {{"POST", "/api/v1/operations/:id/cancel"}, any_key(deliveries_replay), cancel_operation},

    {{"GET", "/api/v1/tenants"}, platform(tenants_read), list_tenants},
    {{"POST", "/api/v1/tenants"}, platform(tenants_write), create_tenant},
    {{"GET", "/api/v1/tenants/:id"}, platform(tenants_read), get_tenant},
    {{"PATCH", "/api/v1/tenants/:id"}, platform(tenants_write), patch_tenant},
    {{"DELETE", "/api/v1/tenants/:id"}, platform(tenants_write), delete_tenant},

    {{"GET", "/api/v1/api-keys"}, any_key(api_keys_read), list_api_keys},
    {{"POST", "/api/v1/api-keys"}, any_key(api_keys_write), create_api_key},
    {{"GET", "/api/v1/api-keys/:id"}, any_key(api_keys_read), get_api_key},
    {{"DELETE", "/api/v1/api-keys/:id"}, any_key(api_keys_write), delete_api_key},

    {{"GET", "/api/v1/audit-log"}, any_key(audit_read), list_audit_log},

    {{"GET", "/livez"}, watch(), get_livez},
    {{"GET", "/healthz"}, watch(), get_livez},
    {{"GET", "/readyz"}, watch(), get_readyz},
    {{"GET", "/metrics"}, watch(), get_metrics},
    {{"GET", "/openapi.json"}, open(), get_openapi},
    {{"GET", "/api/v1/openapi.json"}, open(), get_openapi},
    {{"GET", "/problems/:slug"}, open(), get_problem_page},
};

bool has(Surface surface, std::string_view pattern) {
  const bool metrics = pattern == "/metrics";
  switch (surface) {
    case Surface::all: return true;
    case Surface::no_metrics: return !metrics;
    case Surface::monitoring:
      return metrics || pattern == "/livez" || pattern == "/healthz" || pattern == "/readyz";
  }
  return false;
}

/// The routes of a surface, and which rows of the table they are.
struct Routes {
  explicit Routes(Surface surface) {
    for (std::size_t i = 0; i < std::size(kEndpoints); ++i) {
      if (!has(surface, kEndpoints[i].route.pattern)) continue;
      rows.push_back(i);
      routes.push_back(kEndpoints[i].route);
    }
    router.emplace(routes);
  }

  std::vector<std::size_t> rows;
  std::vector<http::Route> routes;
  std::optional<http::Router> router;
};

const Routes& routes_of(Surface surface) {
  static const Routes all(Surface::all);
  static const Routes no_metrics(Surface::no_metrics);
  static const Routes monitoring(Surface::monitoring);
  return surface == Surface::all ? all : surface == Surface::no_metrics ? no_metrics : monitoring;
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 100 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  });
}

/// Counts and times answers by route and status class; the series are looked up once.
class RequestMetrics {
 public:
  void observe(std::size_t route, int status, std::chrono::steady_clock::duration took) {
    base::Histogram*& series = series_[route][static_cast<std::size_t>(status / 100)];
    if (series == nullptr) {
      const http::Route& row = kEndpoints[route].route;
      series =
          &base::metrics().histogram("http_server_request_duration_seconds", "Time from request to response",
                                     {{"http_request_method", std::string(row.method)},
                                      {"http_route", std::string(row.pattern)},
                                      {"http_response_status_class", std::to_string(status / 100) + "xx"}});
    }
    series->observe(std::chrono::duration<double>(took).count());
  }

 private:
  std::array<std::array<base::Histogram*, 6>, std::size(kEndpoints)> series_{};
};

/// Whatever path and query name may be looked for in the store, so it must be a text that a store can hold:
/// one of them would fail, the other find nothing.
Result<void> check_texts(const Call& call) {
  for (const auto& [name, value] : call.params) {
    if (!format::is_storable(value))
      return base::fail(base::Code::not_found, "there is no such " + std::string(name));
  }
  for (const auto& [name, value] : http::parse_query(call.request.query)) {
    if (format::is_storable(name) && format::is_storable(value)) continue;
    return base::fail(base::Code::invalid,
                      "the parameter '" + format::storable(name.substr(0, 50)) +
                          "' is not UTF-8 text, or has a zero byte; write %XX for each byte of its UTF-8",
                      "BAD_REQUEST");
  }
  return {};
}

/// Whom a call of somebody known is charged to; what belongs to no tenant is the platform's.
http::Payer payer_of_caller(const Call& call) {
  return call.tenant ? payer_of(call.tenant->id) : kPlatformPayer;
}

base::Task<http::Response> authenticate_and_handle(Call& call, const Endpoint& endpoint) {
  XD_CO_DO(co_await authenticate(call, endpoint.access));
  if (endpoint.access.scope != Access::Scope::open) XD_CO_DO(check_texts(call));
  if (endpoint.body == Endpoint::Body::before_handler && !endpoint.access.is_open())
    XD_CO_DO(co_await call.read_body(payer_of_caller(call)));
  if (endpoint.route.method != "GET" || !call.tenant) co_return co_await endpoint.handler(call);
  const base::Turns::Turn turn = co_await call.services.reads.take(call.tenant->id.uuid);
  co_return co_await endpoint.handler(call);
}

/// Senders put a slash behind whatever they are given.
std::string_view routed_path(std::string_view path) {
  const bool webhook = path.starts_with("/webhooks/") && path.ends_with('/');
  return webhook ? path.substr(0, path.size() - 1) : path;
}

/// OPTIONS says what there is, to anybody: of a path, or with * of the whole server (RFC 9110 §9.3.7).
std::optional<std::string> options(const http::Request& request, const http::Router::Match& match) {
  if (request.method != "OPTIONS") return std::nullopt;
  if (request.target == "*") return "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
  if (match.found != http::Router::Found::no_such_method) return std::nullopt;
  return match.allow;
}

http::Response not_routed(const Call& call, const http::Router::Match& match) {
  if (auto allow = options(call.request, match)) {
    return {.status = 204, .headers = {{"Allow", *std::move(allow)}}};
  }
  if (match.found == http::Router::Found::no_such_path) {
    return problem(404, "there is no such path; /openapi.json lists those there are", call.context());
  }
  http::Response response = problem(405, "this path has " + match.allow, call.context());
  response.headers.emplace_back("Allow", match.allow);
  return response;
}

asio::awaitable<http::Response> answer(Services& services, RequestMetrics& metrics, Surface surface,
                                       http::Request request, http::BodyReader& body) {
  const auto begun = base::steady_now();
  const std::string_view offered_id = request.header("x-request-id");
  Call call{.services = services, .body = body};
  call.request_id =
      is_request_id(offered_id) ? std::string(offered_id) : base::make_uuid(services.clock.now()).str();
  const Routes& routes = routes_of(surface);
  auto match = routes.router->match(request.method, routed_path(request.path));
  call.request = std::move(request);
  call.params = std::move(match.params);
  http::Response response;
  if (match.found == http::Router::Found::route) {
    const std::size_t row = routes.rows[match.route];
    const Endpoint& endpoint = kEndpoints[row];
    auto result = co_await authenticate_and_handle(call, endpoint);
    if (call.body_failed) co_return response;
    if (result) {
      response = std::move(*result);
    } else {
      response = problem(result.error(), call.context());
      if (response.status >= 500 || result.error().internal) {
        base::log(response.status == 503 ? base::LogLevel::warn : base::LogLevel::error, "request failed",
                  {{"request_id", call.request_id},
                   {"route", endpoint.route.pattern},
                   {"status", response.status},
                   {"error", result.error().message}});
      }
    }
    metrics.observe(row, response.status, base::steady_now() - begun);
  } else {
    response = not_routed(call, match);
  }
  response.headers.emplace_back("X-Request-Id", std::move(call.request_id));
  co_return response;
}

}  // namespace

std::span<const Endpoint> endpoints() { return kEndpoints; }

http::Application make_application(Services& services, Surface surface) {
  auto metrics = std::make_shared<RequestMetrics>();
  return {.answer =
              [&services, metrics, surface](http::Request request, http::BodyReader& body) {
                return answer(services, *metrics, surface, std::move(request), body);
              },
          .refuse =
              [&services](int status, std::string_view detail) {
                std::string id = base::make_uuid(services.clock.now()).str();
                http::Response response = problem(status, detail, {.request_id = id});
                response.headers.emplace_back("X-Request-Id", std::move(id));
                return response;
              }};
}

}  // namespace api
