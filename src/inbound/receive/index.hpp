// On SQLite: which endpoint received what, by an index that is brought up late, many rows at once and in its
// order. An ordinary one would touch a page of its own for nearly every event, where endpoints are many.
#pragma once

#include "base/recurring.hpp"
#include "inbound/receive/received.hpp"

namespace inbound {

/// received_index has everything up to `until`; what is newer is found among its tenant's newest events. What
/// comes with an id up to `goal` goes into it at once.
struct Indexed {
  base::Uuid until{};
  base::Uuid goal{};
};
base::Result<Indexed> find_indexed(db::Tx& tx);

/// Puts those into received_index that come behind its goal. Nothing to do on PostgreSQL.
base::Result<void> index_late_ones(db::Tx& tx, std::span<const ReceivedPtr> events);

/// Brings received_index up whenever enough is new, or what is new is old enough, as long as it runs. Nothing
/// to do on PostgreSQL.
class IndexKeeper {
 public:
  IndexKeeper(asio::any_io_executor executor, db::Db& store, const base::Clock& clock)
      : store_(store), clock_(clock), rounds_(executor) {}

  void start();
  asio::awaitable<void> stop() { return rounds_.stop(); }
  /// Brings it up to now, in small pieces, one in each transaction. May be broken off, and repeated.
  base::Task<void> bring_up();

 private:
  base::Task<void> look();

  db::Db& store_;
  const base::Clock& clock_;
  base::Recurring rounds_;
};

}  // namespace inbound
