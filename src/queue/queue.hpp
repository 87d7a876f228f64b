// The queue of one node: where tasks are put, with the transaction that causes them, and which shard runs
// which lane.
#pragma once

#include "queue/shard.hpp"

namespace queue {

/// Thread-safe after start. Tasks are enqueued only inside a transaction; the shard that owns the lane hears
/// of them from the database thread right after the commit, so a fresh task goes to the wire without being
/// read back.
class Queue {
 public:
  explicit Queue(db::Db& store) : store_(store) {}

  /// Before start, in the order of the shards.
  void attach(asio::any_io_executor executor, Shard& shard) {
    shards_.push_back({std::move(executor), &shard});
  }

  base::Result<void> enqueue(db::Tx& tx, std::vector<Task> tasks);

  base::Result<void> create_lane(db::Tx& tx, LaneId lane, base::TenantId tenant, std::string_view kind,
                                 LaneState state = LaneState::active);
  base::Result<void> set_state(db::Tx& tx, LaneId lane, LaneState state);
  /// Deletes the lane with the tasks that wait in it; returns how many.
  base::Result<std::int64_t> delete_lane(db::Tx& tx, LaneId lane);

  /// Finds the lanes with work from before and wakes them. Run once, on any shard, before requests are
  /// accepted.
  base::Task<void> recover();

  /// The lane has tasks in the store: its shard looks whether it knows of them.
  void look(const Busy& lane);
  /// Stops and continues all shards, when the node loses and regains its lease.
  void suspend(bool suspended);

  /// Where the lane runs, 0 … shards − 1.
  std::size_t shard_of(LaneId lane) const { return std::hash<LaneId>{}(lane) % shards_.size(); }

 private:
  struct Port {
    asio::any_io_executor executor;
    Shard* shard;
  };

  template <class F>
  void tell(LaneId lane, F what);

  db::Db& store_;
  std::vector<Port> shards_;
};

}  // namespace queue
