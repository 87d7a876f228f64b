#include "monitor/housekeeping.hpp"

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "db/free_space.hpp"
#include "event/event_store.hpp"
#include "event/feed.hpp"
#include "event/idempotency.hpp"
#include "inbound/receive/received.hpp"
#include "inbound/receive/refusal.hpp"
#include "operation/operation.hpp"
#include "outbound/history/error_group.hpp"
#include "outbound/listener/listener.hpp"
#include "outbound/subscription/secret_header.hpp"
#include "outbound/subscription/statistics.hpp"
#include "queue/queue_store.hpp"

namespace monitor {

namespace {

constexpr auto kInterval = std::chrono::minutes{10};
/// Rows, or pages, of one transaction: small enough that a piece delays no commit noticeably.
constexpr std::int64_t kPiece = 500;
constexpr std::int64_t kSmallPiece = 100;  // of rows that have several indexes
constexpr std::int64_t kPages = 64;

/// What is older than this is not kept.
base::Time begin_of(base::Time now, std::chrono::days kept) {
  return kept.count() == 0 ? base::Time{} : now - kept;
}

base::Counter& removed_from(const char* table) {
  return base::metrics().counter("crossdock_retention_deleted_rows_total",
                                 "Rows, or log files, that retention removed", {{"table", table}});
}

void count_removed(const char* what, std::int64_t rows) {
  if (rows > 0 && *what != '\0') removed_from(what).add(static_cast<double>(rows));
}

/// Writes piece after piece until one is not full.
template <class Piece>
base::Task<void> in_pieces(db::Db& store, const char* what, std::int64_t full, Piece piece) {
  std::int64_t done = full;
  while (done >= full) {
    XD_CO_TRY(done, co_await store.write(piece));
    count_removed(what, done);
  }
  co_return base::Result<void>{};
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

HousekeepingHandler::HousekeepingHandler(const Parts& parts) : parts_(parts) {
  for (const char* table :
       {"idempotency_keys", "statistics", "deliveries", "failures", "operations", "feed", "listeners",
        "received_keys", "refused_requests", "received_events", "events", "logs"})
    removed_from(table);  // there from the start, at 0
}

asio::awaitable<queue::Outcome> HousekeepingHandler::run(const queue::Task&) {
  if (auto cleaned = co_await clean(); !cleaned) {
    base::log(base::LogLevel::warn, "housekeeping failed; it is tried again",
              {{"error", cleaned.error().message}});
  }
  co_return queue::Outcome{queue::Verdict::retry_at(parts_.clock.now() + kInterval)};
}

base::Task<void> HousekeepingHandler::clean() {
  const base::Time now = parts_.clock.now();
  const Retention& kept = parts_.retention;
  XD_CO_DO(co_await in_pieces(parts_.store, "", kPiece,
                              [](db::Tx& tx) { return outbound::hide_audited_headers(tx, kPiece); }));
  XD_CO_DO(co_await in_pieces(parts_.store, "idempotency_keys", kPiece,
                              [now](db::Tx& tx) { return event::forget_idempotency_keys(tx, now, kPiece); }));
  XD_CO_DO(co_await in_pieces(parts_.store, "", 1, [now](db::Tx& tx) -> base::Result<std::int64_t> {
    XD_TRY(const bool more, outbound::sum_up_minute(tx, now));
    return more ? 1 : 0;
  }));
  const base::Time statistics = begin_of(now, kept.statistics);
  XD_CO_DO(co_await in_pieces(parts_.store, "statistics", kSmallPiece, [now, statistics](db::Tx& tx) {
    return outbound::forget_counts(tx, now, statistics, kSmallPiece);
  }));
  const base::Time deliveries = begin_of(now, kept.deliveries);
  XD_CO_DO(co_await in_pieces(parts_.store, "deliveries", kSmallPiece, [deliveries](db::Tx& tx) {
    return outbound::forget_deliveries(tx, deliveries, kSmallPiece);
  }));
  XD_CO_DO(co_await in_pieces(parts_.store, "failures", kSmallPiece, [deliveries](db::Tx& tx) {
    return outbound::forget_failures(tx, deliveries, kSmallPiece);
  }));
  XD_CO_DO(co_await in_pieces(parts_.store, "operations", kPiece,
                              [now](db::Tx& tx) { return operation::forget_operations(tx, now, kPiece); }));
  XD_CO_DO(co_await in_pieces(parts_.store, "feed", kPiece,
                              [now](db::Tx& tx) { return event::trim_feed(tx, now, kPiece); }));
  XD_CO_DO(co_await in_pieces(parts_.store, "listeners", kPiece,
                              [now](db::Tx& tx) { return outbound::forget_listeners(tx, now, kPiece); }));
  XD_CO_DO(co_await in_pieces(parts_.store, "received_keys", kPiece,
                              [now](db::Tx& tx) { return inbound::forget_keys(tx, now, kPiece); }));
  XD_CO_DO(co_await in_pieces(parts_.store, "refused_requests", kSmallPiece,
                              [now](db::Tx& tx) { return inbound::forget_refusals(tx, now, kSmallPiece); }));
  XD_CO_DO(co_await in_pieces(parts_.store, "received_events", kSmallPiece,
                              [now](db::Tx& tx) { return inbound::forget_received(tx, now, kSmallPiece); }));
  XD_CO_DO(co_await forget_events());
  XD_CO_DO(co_await forget_logs());
  co_return co_await in_pieces(parts_.store, "", kPages,
                               [](db::Tx& tx) { return db::give_back_pages(tx, kPages); });
}

base::Task<void> HousekeepingHandler::forget_events() {
  const base::Uuid before = base::first_uuid_of(begin_of(parts_.clock.now(), parts_.retention.events));
  XD_CO_TRY(const auto kept,
            co_await parts_.store.read([before](db::Tx& tx) { return queue::refs_before(tx, before); },
                                       db::kLongReadTime));
  XD_CO_TRY(const auto tenants,
            co_await parts_.store.read([](db::Tx& tx) { return event::tenants_with_events(tx); },
                                       db::kLongReadTime));
  for (const base::TenantId tenant : tenants) {
    event::EventSweep sweep{.tenant = tenant};
    while (sweep.more) {
      XD_CO_DO(co_await parts_.store.write(
          [&](db::Tx& tx) { return event::forget_events(tx, sweep, before, kept, kSmallPiece); }));
      count_removed("events", sweep.removed);
    }
  }
  co_return base::Result<void>{};
}

base::Task<void> HousekeepingHandler::forget_logs() {
  const base::Time before = begin_of(parts_.clock.now(), parts_.retention.logs);
  std::int64_t removed = kPiece;
  while (removed == kPiece) {
    XD_CO_TRY(removed, co_await parts_.logs.forget(before, kPiece));
    count_removed("logs", removed);
  }
  co_return base::Result<void>{};
}

}  // namespace monitor
