// The program itself: whether it lives, what it measures, what its API is: the routes, and the handlers that
// answer them.
#pragma once

#include "api/core/route.hpp"

namespace api {

base::Task<http::Response> get_livez(Call& call);
base::Task<http::Response> get_readyz(Call& call);
base::Task<http::Response> get_metrics(Call& call);
base::Task<http::Response> get_openapi(Call& call);
base::Task<http::Response> get_problem_page(Call& call);

std::span<const Route> core_routes();

}  // namespace api
