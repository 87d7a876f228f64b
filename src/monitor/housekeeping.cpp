#include "monitor/housekeeping.hpp"

#include "base/log.hpp"
#include "event/idempotency.hpp"
#include "operation/operation.hpp"
#include "queue/queue_store.hpp"

namespace monitor {

namespace {

constexpr auto kInterval = std::chrono::minutes{10};
/// Small enough that a piece delays no commit noticeably.
constexpr std::size_t kPiece = 500;

/// What is over, a piece of each kind; returns the most that there was of one.
base::Result<std::int64_t> forget(db::Tx& tx, base::Time now) {
  XD_TRY(const auto keys, event::forget_idempotency_keys(tx, now, kPiece));
  XD_TRY(const auto operations, operation::forget_operations(tx, now, kPiece));
  return std::max(keys, operations);
}

}  // namespace

queue::LaneId housekeeping_lane() { return *queue::LaneId::parse("00000000-0000-7000-8000-000000000001"); }

base::Result<void> ensure_housekeeping(db::Tx& tx, queue::Queue& queue, base::Time now) {
  XD_TRY(const bool made, queue::insert_lane_once(tx, housekeeping_lane(), kHousekeepingKind));
  if (!made) return {};
  queue::Task task;
  task.lane = housekeeping_lane();
  task.id = queue::TaskId::make(now);
  task.kind = kHousekeepingKind;
  task.due = now;
  task.created = now;
  return queue.enqueue(tx, {std::move(task)});
}

asio::awaitable<queue::Outcome> HousekeepingHandler::run(const queue::Task&) {
  std::int64_t removed = kPiece;
  while (removed == kPiece) {
    auto piece = co_await store_.write([now = clock_.now()](db::Tx& tx) { return forget(tx, now); });
    if (!piece) {
      base::log(base::LogLevel::warn, "housekeeping failed; it is tried again",
                {{"error", piece.error().message}});
    }
    removed = piece.value_or(0);
  }
  co_return queue::Outcome{queue::Verdict::retry_at(clock_.now() + kInterval)};
}

}  // namespace monitor
