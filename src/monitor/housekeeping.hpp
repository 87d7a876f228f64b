// Housekeeping: the recurring tasks that keep the store from growing without end.
#pragma once

#include "queue/queue.hpp"

namespace monitor {

/// The kind of the tasks, and the one lane of the deployment they wait in: one lane has one owner, so one
/// node cleans.
inline constexpr const char* kHousekeepingKind = "housekeeping";
queue::LaneId housekeeping_lane();

/// Makes the lane and its task on a store that has none yet.
base::Result<void> ensure_housekeeping(db::Tx& tx, queue::Queue& queue, base::Time now);

/// Removes idempotency keys and ended operations whose period is over, in pieces, every ten minutes.
class HousekeepingHandler final : public queue::Handler {
 public:
  HousekeepingHandler(db::Db& store, const base::Clock& clock) : store_(store), clock_(clock) {}

  base::Result<void> hydrate(db::Tx&, std::span<queue::Task>) const override { return {}; }
  asio::awaitable<queue::Outcome> run(const queue::Task& task) override;
  base::Result<void> record(db::Tx&, std::span<const queue::Finished>) const override { return {}; }

 private:
  db::Db& store_;
  const base::Clock& clock_;
};

}  // namespace monitor
