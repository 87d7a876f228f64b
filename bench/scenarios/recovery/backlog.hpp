// Fills the server with events by POST /events/batch, as fast as it takes them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/ledger.hpp"
#include "hub/payload.hpp"

namespace bench {

struct BacklogPlan {
  std::uint16_t port = 0;
  std::size_t events = 0;
  std::size_t tenants = 1;  ///< route n belongs to tenant n % tenants; the routes are a multiple of them
  std::size_t payload_bytes = 0;
};

/// Publishes `events` events, event n to route n % routes, and enters them as acknowledged. The ledger is
/// empty before and holds so many. Refusals with 429 or 503 are repeated; throws on any other.
void publish_backlog(const BacklogPlan& plan, const std::vector<Route>& routes, Ledger& ledger);

/// The ids in the answer to a batch, in order. Throws when there are not `count`.
std::vector<Uuid> ids_of_batch(std::string_view answer, std::size_t count);

}  // namespace bench
