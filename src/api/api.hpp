// The API as an application of the HTTP server: routes, authentication, errors.
#pragma once

#include "api/core/route.hpp"
#include "http/server.hpp"

namespace api {

/// All routes, in the order of the documentation.
std::span<const Route> routes();

/// Which of the routes a listener has.
enum class Surface : std::uint8_t {
  all,
  no_metrics,  ///< where those have a listener of their own
  monitoring   ///< that one: /metrics, and whether the program lives and can work
};

/// The application of one listener of one shard. services outlives it.
http::Application make_application(Services& services, Surface surface = Surface::all);

}  // namespace api
