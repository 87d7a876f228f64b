// Sets the fresh server up through its API, as an operator would: tenants, keys, subscriptions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "http_client.hpp"
#include "payload.hpp"

namespace bench {

/// One subscription to make; it gets an event type that no other subscription of the run matches.
struct SubscriptionPlan {
  std::string url;
  bool paused = false;
};

/// Makes the tenants with one key each and the subscriptions, dealt to the tenants in turn. Returns one route
/// per subscription, in order. Throws with the server's answer when it refuses anything.
std::vector<Route> provision(HttpClient& client, const std::string& platform_key, std::size_t tenants,
                             const std::vector<SubscriptionPlan>& subscriptions);

}  // namespace bench
