#include "api/event/routes.hpp"

namespace api {

namespace {

using enum tenant::Permission;

constexpr Route kRoutes[] = {
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
};

}  // namespace

std::span<const Route> event_routes() { return kRoutes; }

}  // namespace api
