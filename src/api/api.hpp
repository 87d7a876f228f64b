// The API as an application of the HTTP server: routes, authentication, errors.
#pragma once

#include <span>

#include "api/auth.hpp"
#include "http/server.hpp"

namespace api {

/// One row of the route table.
struct Endpoint {
  /// Who reads the body: the API, when it knows who asks, or the handler, when that knows more. Of open
  /// routes nobody but the handler.
  enum class Body : std::uint8_t { before_handler, by_handler };
  http::Route route;
  Access access;
  base::Task<http::Response> (*handler)(Call&);
  Body body = Body::before_handler;
};
/// All routes, in the order of the documentation.
std::span<const Endpoint> endpoints();

/// Which of the routes a listener has.
enum class Surface : std::uint8_t {
  all,
  no_metrics,  ///< where those have a listener of their own
  monitoring   ///< that one: /metrics, and whether the program lives and can work
};

/// The application of one listener of one shard. services outlives it.
http::Application make_application(Services& services, Surface surface = Surface::all);

}  // namespace api
