// Housekeeping: the recurring tasks that keep the store from growing without end.
#pragma once

#include "db/log_store.hpp"
#include "queue/queue.hpp"

namespace monitor {

/// The kind of the tasks, and the one lane of the deployment they wait in: one lane has one owner, so one
/// node cleans.
inline constexpr const char* kHousekeepingKind = "housekeeping";
queue::LaneId housekeeping_lane();

/// Makes the lane and its task on a store that has none yet.
base::Result<void> ensure_housekeeping(db::Tx& tx, queue::Queue& queue, base::Time now);

/// How long things are kept, by class; 0 days: for good. What is waiting or under way is never removed, nor
/// the event it is about.
struct Retention {
  std::chrono::days events{30};
  std::chrono::days deliveries{30};  ///< with their attempts, and the causes of failures
  std::chrono::days logs{30};        ///< headers and bodies of attempts
  std::chrono::days statistics{395};
};

/// Every ten minutes: removes what is kept no longer, sums up statistics, gives free space back. All in
/// pieces, one in each transaction, small enough that nobody who commits notices.
class HousekeepingHandler final : public queue::Handler {
 public:
  struct Parts {
    db::Db& store;
    db::LogStore& logs;
    const base::Clock& clock;
    Retention retention{};
  };
  explicit HousekeepingHandler(const Parts& parts);

  base::Result<void> hydrate(db::Tx&, std::span<queue::Task>) const override { return {}; }
  asio::awaitable<queue::Outcome> run(const queue::Task& task) override;
  base::Result<void> record(db::Tx&, std::span<const queue::Finished>) const override { return {}; }

 private:
  base::Task<void> clean();
  base::Task<void> forget_events();
  base::Task<void> forget_logs();

  Parts parts_;
};

}  // namespace monitor
