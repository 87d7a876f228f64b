// The API as an application of the HTTP server: routes, authentication, errors.
#pragma once

#include <span>

#include "api/auth.hpp"
#include "http/server.hpp"

namespace api {

/// One row of the route table.
struct Endpoint {
  http::Route route;
  Access access;
  base::Task<http::Response> (*handler)(Call&);
};
/// All routes, in the order of the documentation.
std::span<const Endpoint> endpoints();

/// The application of one shard. services outlives it.
http::Application make_application(Services& services);

}  // namespace api
