// Keeps this node's lease on its lanes, where several nodes share a store.
#pragma once

#include "base/recurring.hpp"
#include "queue/queue.hpp"

namespace queue {

/// On PostgreSQL: says every 5 s that the node lives, looks every second for lanes with work that nobody
/// serves, and stops the shards when it could not renew in time, by the node's own monotonic clock and before
/// the lease ends by the database's. On SQLite there is one node, and nothing to do.
class LeaseKeeper {
 public:
  LeaseKeeper(asio::any_io_executor executor, db::Db& store, Queue& queue, Node node)
      : store_(store), queue_(queue), node_(std::move(node)), renewals_(executor), looks_(executor) {}

  /// Takes the lease, blocking: before any lane is acquired. Ends that of an earlier process of this name.
  base::Result<void> take();
  /// Keeps it from now on, until stop().
  void start();
  /// Gives it back with all lanes, so that others need not wait for its end.
  asio::awaitable<void> stop();

 private:
  base::Task<void> keep();  // the lease
  base::Task<void> look();

  db::Db& store_;
  Queue& queue_;
  Node node_;
  base::Steady renewed_{};
  base::Steady tried_{};
  bool held_ = true;
  base::Recurring renewals_;
  base::Recurring looks_;
};

}  // namespace queue
