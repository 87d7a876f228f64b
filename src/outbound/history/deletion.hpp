// Deletion of a subscription: at once, or when what waits has been delivered.
#pragma once

#include "base/everywhere.hpp"
#include "operation/operation.hpp"
#include "outbound/history/cancel.hpp"
#include "outbound/subscription/book.hpp"

namespace outbound {

/// Operations of this kind are DrainHandler's; so are tasks of that one.
inline constexpr const char* kDeletionOperation = "SUBSCRIPTION_DELETION";
inline constexpr const char* kDrainTask = "drain";

/// What a deletion touches besides the store.
struct Deleting {
  queue::Queue& queue;
  const base::Everywhere<Book>& books;
};

/// Removes a subscription with its lane; what still waits ends as CANCELLED. False where there is none.
base::Result<bool> remove_subscription(db::Tx& tx, const Deleting& deleting, TenantId tenant,
                                       SubscriptionId id, const Cancellation& why);

/// How many tasks wait in the lane of a subscription.
base::Result<std::int64_t> count_waiting(db::Tx& tx, SubscriptionId id);

/// Waits until a subscription that takes no more events has delivered what it had, then removes it. One for
/// each shard.
class DrainHandler final : public queue::Handler {
 public:
  DrainHandler(db::Db& store, Deleting deleting, const base::Clock& clock)
      : store_(store), deleting_(deleting), clock_(clock) {}

  base::Result<void> hydrate(db::Tx&, std::span<queue::Task>) const override { return {}; }
  asio::awaitable<queue::Outcome> run(const queue::Task& task) override;
  base::Result<void> record(db::Tx& tx, std::span<const queue::Finished> finished) const override;

 private:
  base::Result<queue::Verdict> look(db::Tx& tx, operation::OperationId id) const;

  db::Db& store_;
  Deleting deleting_;
  const base::Clock& clock_;
};

}  // namespace outbound
