// The handlers of the API's routes; the table that binds them is in api.cpp. Each answers one call or returns
// an error.
#pragma once

#include "api/call.hpp"

namespace api {

using HandlerResult = base::Task<http::Response>;

HandlerResult post_event(Call& call);
HandlerResult post_event_batch(Call& call);
HandlerResult list_events(Call& call);
HandlerResult get_event(Call& call);
HandlerResult stream_events(Call& call);

HandlerResult create_listener(Call& call);
HandlerResult list_listeners(Call& call);
HandlerResult get_listener(Call& call);
HandlerResult delete_listener(Call& call);
HandlerResult stream_listener(Call& call);
HandlerResult acknowledge_listener(Call& call);

HandlerResult create_subscription(Call& call);
HandlerResult list_subscriptions(Call& call);
HandlerResult get_subscription(Call& call);
HandlerResult replace_subscription(Call& call);
HandlerResult patch_subscription(Call& call);
HandlerResult delete_subscription(Call& call);
HandlerResult enable_subscription(Call& call);
HandlerResult disable_subscription(Call& call);
HandlerResult pause_subscription(Call& call);
HandlerResult resume_subscription(Call& call);
HandlerResult reset_circuit(Call& call);
HandlerResult rotate_subscription_secret(Call& call);
HandlerResult revoke_subscription_secret(Call& call);
HandlerResult test_subscription(Call& call);
HandlerResult test_subscription_filter(Call& call);

HandlerResult create_endpoint(Call& call);
HandlerResult list_endpoints(Call& call);
HandlerResult get_endpoint(Call& call);
HandlerResult replace_endpoint(Call& call);
HandlerResult patch_endpoint(Call& call);
HandlerResult delete_endpoint(Call& call);
HandlerResult enable_endpoint(Call& call);
HandlerResult disable_endpoint(Call& call);
HandlerResult rotate_endpoint_secret(Call& call);
HandlerResult reveal_endpoint_secret(Call& call);
HandlerResult diagnose_endpoint(Call& call);
HandlerResult list_refused(Call& call);
HandlerResult receive_webhook(Call& call);
HandlerResult list_received(Call& call);
HandlerResult get_received(Call& call);
HandlerResult replay_received(Call& call);
HandlerResult replay_many_received(Call& call);

HandlerResult list_deliveries(Call& call);
HandlerResult list_subscription_deliveries(Call& call);
HandlerResult list_delivery_groups(Call& call);
HandlerResult get_webhook_stats(Call& call);
HandlerResult get_subscription_stats(Call& call);
HandlerResult get_delivery(Call& call);
HandlerResult list_attempts(Call& call);
HandlerResult replay_delivery(Call& call);
HandlerResult replay_deliveries(Call& call);
HandlerResult replay_subscription(Call& call);
HandlerResult recover_subscription(Call& call);
HandlerResult cancel_delivery(Call& call);
HandlerResult cancel_pending(Call& call);

HandlerResult list_operations(Call& call);
HandlerResult get_operation(Call& call);
HandlerResult cancel_operation(Call& call);

HandlerResult create_tenant(Call& call);
HandlerResult list_tenants(Call& call);
HandlerResult get_tenant(Call& call);
HandlerResult patch_tenant(Call& call);
HandlerResult delete_tenant(Call& call);

HandlerResult create_api_key(Call& call);
HandlerResult list_api_keys(Call& call);
HandlerResult get_api_key(Call& call);
HandlerResult delete_api_key(Call& call);

HandlerResult list_audit_log(Call& call);

HandlerResult get_livez(Call& call);
HandlerResult get_readyz(Call& call);
HandlerResult get_metrics(Call& call);
HandlerResult get_openapi(Call& call);
HandlerResult get_problem_page(Call& call);

}  // namespace api
