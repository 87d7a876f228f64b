#include "queue/queue.hpp"

#include <boost/asio/post.hpp>

namespace queue {

template <class F>
void Queue::tell(LaneId lane, F what) {
  const Port& port = shards_[shard_of(lane)];
  asio::post(port.executor, [shard = port.shard, what = std::move(what)] { what(*shard); });
}

base::Result<void> Queue::enqueue(db::Tx& tx, std::vector<Task> tasks) {
  XD_DO(insert_tasks(tx, tasks));
  std::vector<std::vector<Task>> by_shard(shards_.size());
  for (Task& task : tasks) by_shard[shard_of(task.lane)].push_back(std::move(task));
  tx.on_commit([this, by_shard = std::move(by_shard)]() mutable {
    for (std::size_t i = 0; i < by_shard.size(); ++i) {
      if (by_shard[i].empty()) continue;
      asio::post(shards_[i].executor, [shard = shards_[i].shard, arrived = std::move(by_shard[i])]() mutable {
        shard->arrived(std::move(arrived));
      });
    }
  });
  return {};
}

base::Result<void> Queue::create_lane(db::Tx& tx, LaneId lane, base::TenantId tenant, std::string_view kind,
                                      LaneState state) {
  return insert_lane(tx, lane, tenant, kind, state);
}

base::Result<void> Queue::set_state(db::Tx& tx, LaneId lane, LaneState state) {
  XD_DO(set_lane_state(tx, lane, state));
  tx.on_commit(
      [this, lane, state] { tell(lane, [lane, state](Shard& shard) { shard.set_state(lane, state); }); });
  return {};
}

base::Result<std::int64_t> Queue::delete_lane(db::Tx& tx, LaneId lane) {
  tx.on_commit([this, lane] { tell(lane, [lane](Shard& shard) { shard.forget_lane(lane); }); });
  return queue::delete_lane(tx, lane);
}

void Queue::look(const Busy& lane) {
  tell(lane.lane, [lane](Shard& shard) { shard.look(lane); });
}

void Queue::suspend(bool suspended) {
  for (const Port& port : shards_) {
    asio::post(port.executor, [shard = port.shard, suspended] { shard->set_suspended(suspended); });
  }
}

base::Task<void> Queue::recover() {
  XD_CO_TRY(const auto lanes,
            co_await store_.read([](db::Tx& tx) { return lanes_with_tasks(tx); }, db::kLongReadTime));
  for (const Busy& busy : lanes) {
    tell(busy.lane, [lane = busy.lane](Shard& shard) { shard.wake(lane); });
  }
  co_return base::Result<void>{};
}

}  // namespace queue
