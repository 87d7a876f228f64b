// Deletion of an endpoint, with everything that stands beside its row.
#pragma once

#include "base/everywhere.hpp"
#include "inbound/endpoint/book.hpp"
#include "queue/queue.hpp"

namespace inbound {

/// What a deletion touches besides the store.
struct Deleting {
  queue::Queue& queue;
  const base::Everywhere<Book>& books;
};

/// Removes an endpoint with its lane; what it received stays as delete_endpoint() says. False where there is
/// none.
base::Result<bool> remove_endpoint(db::Tx& tx, const Deleting& deleting, TenantId tenant, EndpointId id);

}  // namespace inbound
