#include "api/inbound/routes.hpp"

namespace api {

namespace {

using enum tenant::Permission;

constexpr Route kRoutes[] = {
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
    {{"POST", "/webhooks/:tenant/:path"}, open(), receive_webhook, Route::Body::by_handler},
    {{"GET", "/webhooks/:tenant/:path"}, open(), receive_webhook, Route::Body::by_handler},
};

}  // namespace

std::span<const Route> inbound_routes() { return kRoutes; }

}  // namespace api
