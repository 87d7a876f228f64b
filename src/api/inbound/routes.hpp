// Webhook endpoints and what they receive: the routes, and the handlers that answer them.
#pragma once

#include "api/core/route.hpp"

namespace api {

base::Task<http::Response> list_endpoints(Call& call);
base::Task<http::Response> create_endpoint(Call& call);
base::Task<http::Response> get_endpoint(Call& call);
base::Task<http::Response> replace_endpoint(Call& call);
base::Task<http::Response> patch_endpoint(Call& call);
base::Task<http::Response> delete_endpoint(Call& call);
base::Task<http::Response> enable_endpoint(Call& call);
base::Task<http::Response> disable_endpoint(Call& call);
base::Task<http::Response> rotate_endpoint_secret(Call& call);
base::Task<http::Response> reveal_endpoint_secret(Call& call);
base::Task<http::Response> list_refused(Call& call);
base::Task<http::Response> diagnose_endpoint(Call& call);
base::Task<http::Response> list_received(Call& call);
base::Task<http::Response> get_received(Call& call);
base::Task<http::Response> replay_received(Call& call);
base::Task<http::Response> replay_many_received(Call& call);
base::Task<http::Response> receive_webhook(Call& call);

std::span<const Route> inbound_routes();

}  // namespace api
