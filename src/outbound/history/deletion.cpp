#include "outbound/history/deletion.hpp"

#include "base/log.hpp"
#include "queue/queue_store.hpp"

namespace outbound {

namespace {

using base::Result;
using operation::Operation;
using operation::OperationId;

constexpr auto kInterval = std::chrono::seconds{1};
/// So long after its beginning somebody may still add a delivery: a request that was under way, a node that
/// had not heard of it yet.
constexpr auto kGrace = std::chrono::seconds{5};

}  // namespace

Result<bool> remove_subscription(db::Tx& tx, const Deleting& deleting, TenantId tenant, SubscriptionId id,
                                 const Cancellation& why) {
  XD_DO(queue::lock_lane(tx, tenant, queue::LaneId{id.uuid}));
  // Whoever puts replays into its lane at this moment is waited for.
  XD_TRY(const bool deleted, delete_subscription(tx, tenant, id));
  if (!deleted) return false;
  XD_DO(cancel_waiting(tx, {.tenant = tenant, .subscription = id}, why));
  for (const queue::LaneId lane : {queue::LaneId{id.uuid}, detour_lane(id)})
    XD_DO(deleting.queue.delete_lane(tx, lane));
  tx.on_commit([books = &deleting.books, id] { books->tell([id](Book& book) { book.remove(id); }); });
  return true;
}

Result<queue::Verdict> DrainHandler::look(db::Tx& tx, OperationId id) const {
  XD_TRY(const auto known, operation::find_operation(tx, id));
  if (!known || known->ended() || !known->tenant || !known->target) return queue::Verdict::done();
  const SubscriptionId subscription{*known->target};
  const base::Time now = clock_.now();
  XD_TRY(const std::int64_t waiting, count_waiting(tx, subscription));
  Operation after = *known;
  after.status = operation::Status::running;
  after.started = known->started.value_or(now);
  after.updated = now;
  after.cursor = std::to_string(base::to_micros(now));
  after.total = std::max(known->total.value_or(0), waiting);
  after.done = *after.total - waiting;
  if (waiting == 0 && now - *after.started >= kGrace) {
    after.status = operation::Status::completed;
    after.finished = now;
    const Cancellation why{"SUBSCRIPTION_DELETED", "the subscription was deleted", now};
    XD_DO(remove_subscription(tx, deleting_, *known->tenant, subscription, why));
  }
  XD_TRY(const bool ours, operation::advance(tx, deleting_.queue, *known, after));
  if (!ours) return base::fail(base::Code::conflict, "operation " + id.str() + " was changed meanwhile");
  return after.ended() ? queue::Verdict::done() : queue::Verdict::retry_at(now + kInterval);
}

asio::awaitable<queue::Outcome> DrainHandler::run(const queue::Task& task) {
  auto verdict =
      co_await store_.write([this, id = OperationId{task.ref}](db::Tx& tx) { return look(tx, id); });
  if (!verdict) {
    base::log(base::LogLevel::warn, "a deletion cannot go on; it is tried again",
              {{"operation_id", task.ref}, {"error", verdict.error().message}});
  }
  co_return queue::Outcome{verdict.value_or(queue::Verdict::retry_at(clock_.now() + kInterval)),
                           queue::Signal::neutral, std::make_shared<bool>(true)};
}

Result<void> DrainHandler::record(db::Tx& tx, std::span<const queue::Finished> finished) const {
  return operation::fail_given_up(tx, deleting_.queue, finished, clock_.now());
}

}  // namespace outbound
