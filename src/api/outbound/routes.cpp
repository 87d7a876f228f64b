#include "api/outbound/routes.hpp"

namespace api {

namespace {

using enum tenant::Permission;

constexpr Route kRoutes[] = {
    {{"GET", "/api/v1/webhooks/subscriptions"}, in_tenant(subscriptions_read), list_subscriptions},
    {{"POST", "/api/v1/webhooks/subscriptions"}, in_tenant(subscriptions_write), create_subscription},
    {{"GET", "/api/v1/webhooks/subscriptions/:id"}, in_tenant(subscriptions_read), get_subscription},
    {{"PUT", "/api/v1/webhooks/subscriptions/:id"}, in_tenant(subscriptions_write), replace_subscription},
    {{"PATCH", "/api/v1/webhooks/subscriptions/:id"}, in_tenant(subscriptions_write), patch_subscription},
    {{"DELETE", "/api/v1/webhooks/subscriptions/:id"}, in_tenant(subscriptions_write), delete_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/enable"},
     in_tenant(subscriptions_write),
     enable_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/disable"},
     in_tenant(subscriptions_write),
     disable_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/pause"},
     in_tenant(subscriptions_write),
     pause_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/resume"},
     in_tenant(subscriptions_write),
     resume_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/reset-circuit"},
     in_tenant(subscriptions_write),
     reset_circuit},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/rotate-secret"},
     in_tenant(subscriptions_write),
     rotate_subscription_secret},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/revoke-secret"},
     in_tenant(subscriptions_write),
     revoke_subscription_secret},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/test"}, in_tenant(subscriptions_write), test_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/test-filter"},
     in_tenant(events_read),
     test_subscription_filter},
    {{"GET", "/api/v1/webhooks/subscriptions/:id/deliveries"},
     in_tenant(deliveries_read),
     list_subscription_deliveries},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/replay"},
     in_tenant(deliveries_replay),
     replay_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/recover"},
     in_tenant(deliveries_replay),
     recover_subscription},
    {{"POST", "/api/v1/webhooks/subscriptions/:id/cancel-pending"},
     in_tenant(deliveries_replay),
     cancel_pending},
    {{"GET", "/api/v1/webhooks/subscriptions/:id/stats"}, in_tenant(deliveries_read), get_subscription_stats},
    {{"GET", "/api/v1/webhooks/deliveries"}, in_tenant(deliveries_read), list_deliveries},
    {{"GET", "/api/v1/webhooks/deliveries/groups"}, in_tenant(deliveries_read), list_delivery_groups},
    {{"GET", "/api/v1/webhooks/stats"}, in_tenant(deliveries_read), get_webhook_stats},
    {{"GET", "/api/v1/webhooks/deliveries/:id"}, in_tenant(deliveries_read), get_delivery},
    {{"GET", "/api/v1/webhooks/deliveries/:id/attempts"}, in_tenant(deliveries_read), list_attempts},
    {{"POST", "/api/v1/webhooks/deliveries/:id/replay"}, in_tenant(deliveries_replay), replay_delivery},
    {{"POST", "/api/v1/webhooks/deliveries/:id/cancel"}, in_tenant(deliveries_replay), cancel_delivery},
    {{"POST", "/api/v1/webhooks/deliveries/replay"}, in_tenant(deliveries_replay), replay_deliveries},
};

}  // namespace

std::span<const Route> outbound_routes() { return kRoutes; }

}  // namespace api
