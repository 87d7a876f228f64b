#include "api/operation/routes.hpp"

namespace api {

namespace {

using enum tenant::Permission;

constexpr Route kRoutes[] = {
    {{"GET", "/api/v1/operations"}, any_key(deliveries_read), list_operations},
    {{"GET", "/api/v1/operations/:id"}, any_key(deliveries_read), get_operation},
    {{"POST", "/api/v1/operations/:id/cancel"}, any_key(deliveries_replay), cancel_operation},
};

}  // namespace

std::span<const Route> operation_routes() { return kRoutes; }

}  // namespace api
