#include "api/api.hpp"

#include <array>

#include "api/core/routes.hpp"
#include "api/event/routes.hpp"
#include "api/inbound/routes.hpp"
#include "api/operation/routes.hpp"
#include "api/outbound/routes.hpp"
#include "api/tenant/routes.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/version.hpp"
#include "format/utf8.hpp"

namespace api {

namespace {

/// The rooms of the API, in the order of the documentation.
std::vector<Route> all_routes() {
  std::vector<Route> all;
  for (const auto room :
       {event_routes, outbound_routes, inbound_routes, operation_routes, tenant_routes, core_routes}) {
    const auto rows = room();
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

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
    const auto all = routes();
    std::vector<http::Route> places;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!has(surface, all[i].at.pattern)) continue;
      rows.push_back(i);
      places.push_back(all[i].at);
    }
    router.emplace(places);
  }

  std::vector<std::size_t> rows;
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
  RequestMetrics() : series_(routes().size()) {}

  void observe(std::size_t route, int status, std::chrono::steady_clock::duration took) {
    base::Histogram*& series = series_[route][static_cast<std::size_t>(status / 100)];
    if (series == nullptr) {
      const http::Route& row = routes()[route].at;
      series =
          &base::metrics().histogram("http_server_request_duration_seconds", "Time from request to response",
                                     {{"http_request_method", std::string(row.method)},
                                      {"http_route", std::string(row.pattern)},
                                      {"http_response_status_class", std::to_string(status / 100) + "xx"}});
    }
    series->observe(std::chrono::duration<double>(took).count());
  }

 private:
  std::vector<std::array<base::Histogram*, 6>> series_;
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

/// Senders put a slash behind whatever they are given.
std::string_view routed_path(std::string_view path) {
  const bool webhook = path.starts_with("/webhooks/") && path.ends_with('/');
  return webhook ? path.substr(0, path.size() - 1) : path;
}

/// The endpoint that a request was meant for hears that it was refused before any handler saw it.
void tell_endpoint(Services& services, const http::Request& request, std::string_view reason,
                   std::string detail) {
  const Routes& known = routes_of(Surface::all);
  const auto match = known.router->match("POST", routed_path(request.path));
  if (match.found != http::Router::Found::route ||
      routes()[known.rows[match.route]].handler != receive_webhook) {
    return;
  }
  services.inbound.receiver().note_refused(request, match.params[0].second, match.params[1].second, reason,
                                           std::move(detail));
}

base::Task<http::Response> authenticate_and_handle(Call& call, const Route& route) {
  if (auto known = co_await authenticate(call, route.access); !known) {
    if (route.access.is_open())
      tell_endpoint(call.services, call.request, inbound::reason::kCrowd, known.error().message);
    co_return std::unexpected(std::move(known).error());
  }
  if (route.access.scope != Access::Scope::open) XD_CO_DO(check_texts(call));
  if (route.body == Route::Body::before_handler && !route.access.is_open())
    XD_CO_DO(co_await call.read_body(payer_of_caller(call)));
  if (route.at.method != "GET" || !call.tenant) co_return co_await route.handler(call);
  const base::Turns::Turn turn = co_await call.services.reads.take(call.tenant->id.uuid);
  co_return co_await route.handler(call);
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
  const Routes& known = routes_of(surface);
  auto match = known.router->match(request.method, routed_path(request.path));
  call.request = std::move(request);
  call.params = std::move(match.params);
  http::Response response;
  if (match.found == http::Router::Found::route) {
    const std::size_t row = known.rows[match.route];
    const Route& route = routes()[row];
    auto result = co_await authenticate_and_handle(call, route);
    if (call.body_failed) co_return response;
    if (result) {
      response = std::move(*result);
    } else {
      response = problem(result.error(), call.context());
      if (response.status >= 500 || result.error().internal) {
        base::log(response.status == 503 ? base::LogLevel::warn : base::LogLevel::error, "request failed",
                  {{"request_id", call.request_id},
                   {"route", route.at.pattern},
                   {"status", response.status},
                   {"error", result.error().message}});
      }
    }
    metrics.observe(row, response.status, base::steady_now() - begun);
  } else {
    response = not_routed(call, match);
    if (response.status == 405)
      tell_endpoint(services, call.request, inbound::reason::kMethod, "webhooks come by POST");
  }
  response.headers.emplace_back("X-Request-Id", std::move(call.request_id));
  co_return response;
}

}  // namespace

std::span<const Route> routes() {
  static const std::vector<Route> all = all_routes();
  return all;
}

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
              },
          .too_large =
              [&services, surface](const http::Request& request) {
                if (surface == Surface::monitoring) return;
                tell_endpoint(services, request, inbound::reason::kLarge,
                              "its head says that its body is larger than CROSSDOCK_MAX_BODY_BYTES");
              }};
}

}  // namespace api
