// Subscriptions and their deliveries: the routes, and the handlers that answer them.
#pragma once

#include "api/core/route.hpp"

namespace api {

base::Task<http::Response> list_subscriptions(Call& call);
base::Task<http::Response> create_subscription(Call& call);
base::Task<http::Response> get_subscription(Call& call);
base::Task<http::Response> replace_subscription(Call& call);
base::Task<http::Response> patch_subscription(Call& call);
base::Task<http::Response> delete_subscription(Call& call);
base::Task<http::Response> enable_subscription(Call& call);
base::Task<http::Response> disable_subscription(Call& call);
base::Task<http::Response> pause_subscription(Call& call);
base::Task<http::Response> resume_subscription(Call& call);
base::Task<http::Response> reset_circuit(Call& call);
base::Task<http::Response> rotate_subscription_secret(Call& call);
base::Task<http::Response> revoke_subscription_secret(Call& call);
base::Task<http::Response> test_subscription(Call& call);
base::Task<http::Response> test_subscription_filter(Call& call);
base::Task<http::Response> list_subscription_deliveries(Call& call);
base::Task<http::Response> replay_subscription(Call& call);
base::Task<http::Response> recover_subscription(Call& call);
base::Task<http::Response> cancel_pending(Call& call);
base::Task<http::Response> get_subscription_stats(Call& call);
base::Task<http::Response> list_deliveries(Call& call);
base::Task<http::Response> list_delivery_groups(Call& call);
base::Task<http::Response> get_webhook_stats(Call& call);
base::Task<http::Response> get_delivery(Call& call);
base::Task<http::Response> list_attempts(Call& call);
base::Task<http::Response> replay_delivery(Call& call);
base::Task<http::Response> cancel_delivery(Call& call);
base::Task<http::Response> replay_deliveries(Call& call);

std::span<const Route> outbound_routes();

}  // namespace api
