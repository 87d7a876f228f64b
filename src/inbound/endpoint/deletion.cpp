#include "inbound/endpoint/deletion.hpp"

#include "queue/queue_store.hpp"

namespace inbound {

base::Result<bool> remove_endpoint(db::Tx& tx, const Deleting& deleting, TenantId tenant, EndpointId id) {
  XD_DO(queue::lock_lane(tx, tenant, queue::LaneId{id.uuid}));
  // In this order: it waits for those who are putting something into the lane at this moment.
  XD_TRY(const bool deleted, delete_endpoint(tx, tenant, id));
  if (!deleted) return false;
  XD_DO(deleting.queue.delete_lane(tx, queue::LaneId{id.uuid}));
  tx.on_commit([books = &deleting.books, id] {
    books->tell([id](Book& book) {
      book.remove(id);
      book.set_deletions(book.deletions() + 1);
    });
  });
  return true;
}

}  // namespace inbound
