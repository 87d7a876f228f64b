// Operations: long work that was asked for: the routes, and the handlers that answer them.
#pragma once

#include "api/core/route.hpp"

namespace api {

base::Task<http::Response> list_operations(Call& call);
base::Task<http::Response> get_operation(Call& call);
base::Task<http::Response> cancel_operation(Call& call);

std::span<const Route> operation_routes();

}  // namespace api
