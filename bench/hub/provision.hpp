// Sets the fresh server up through its API, as an operator would: tenants, keys, subscriptions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/http_client.hpp"
#include "hub/payload.hpp"

namespace bench {

/// One subscription to make; it gets an event type that no other subscription of the run matches.
struct SubscriptionPlan {
  std::string url{};  ///< empty: none is made, and nobody gets that event type
  std::size_t tenant = 0;
  bool paused = false;
  std::string more{};  ///< further members of the subscription, as JSON: ",\"max_retries\":20"
};

/// Makes the tenants with one key each and the subscriptions, several at a time. Returns one route per
/// subscription, in order. Throws with the server's answer when it refuses anything.
std::vector<Route> provision(std::uint16_t port, const std::string& platform_key, std::size_t tenants,
                             const std::vector<SubscriptionPlan>& subscriptions);

}  // namespace bench
