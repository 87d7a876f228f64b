// Events, their stream, and the listeners that follow it: the routes, and the handlers that answer them.
#pragma once

#include "api/core/route.hpp"

namespace api {

base::Task<http::Response> post_event(Call& call);
base::Task<http::Response> post_event_batch(Call& call);
base::Task<http::Response> list_events(Call& call);
base::Task<http::Response> stream_events(Call& call);
base::Task<http::Response> get_event(Call& call);
base::Task<http::Response> list_listeners(Call& call);
base::Task<http::Response> create_listener(Call& call);
base::Task<http::Response> get_listener(Call& call);
base::Task<http::Response> delete_listener(Call& call);
base::Task<http::Response> stream_listener(Call& call);
base::Task<http::Response> acknowledge_listener(Call& call);

std::span<const Route> event_routes();

}  // namespace api
