#include "api/core/routes.hpp"

namespace api {

namespace {

constexpr Route kRoutes[] = {
    {{"GET", "/livez"}, watch(), get_livez},
    {{"GET", "/healthz"}, watch(), get_livez},
    {{"GET", "/readyz"}, watch(), get_readyz},
    {{"GET", "/metrics"}, watch(), get_metrics},
    {{"GET", "/openapi.json"}, open(), get_openapi},
    {{"GET", "/api/v1/openapi.json"}, open(), get_openapi},
    {{"GET", "/problems/:slug"}, open(), get_problem_page},
};

}  // namespace

std::span<const Route> core_routes() { return kRoutes; }

}  // namespace api
