#include "outbound/replay.hpp"
#include "queue/queue_store.hpp"

namespace outbound {

namespace {

using base::Result;

/// A delivery is made with its event or, by a fan-out, soon after: ids of that time are enough to look at.
constexpr auto kFanoutPeriod = std::chrono::minutes{1};

struct Candidate {
  event::EventId id{};
  std::string type;
};

/// The events of the period behind `after`, in order. Those of test sends are nobody's; what the hub told
/// about its own work then is of no use now.
Result<std::vector<Candidate>> next_events(db::Tx& tx, const ReplayScope& scope, const base::Uuid& after,
                                           std::size_t limit) {
  const base::Time since = scope.filter.since.value_or(base::Time{});
  const base::Time until = std::min(scope.filter.until.value_or(scope.begun), scope.begun);
  // An id is made after the moment of created_at, give or take what the clocks of two nodes differ.
  const base::Uuid from = std::max(after, first_id(since - std::chrono::minutes{1}));
  std::vector<Candidate> found;
  XD_DO(tx.query(
      "SELECT id, type FROM events WHERE tenant_id = $1 AND id > $2 AND created_at >= $3 AND created_at < $4"
      " AND origin <> 'test' AND origin <> 'system' ORDER BY id LIMIT $5",
      {scope.tenant, from, since, until, limit},
      [&](const db::Row& row) { found.push_back({row.id<event::EventId>(0), row.string(1)}); }));
  return found;
}

/// What to make again of an event, unless the subscription has got it or is about to.
Result<std::optional<Replayable>> missed(db::Tx& tx, TenantId tenant, SubscriptionId subscription,
                                         event::EventId event) {
  Replayable made{.place = event.uuid, .subscription = subscription, .event = event, .replay_no = -1};
  XD_TRY(const auto ended, finished_of_event(tx, tenant, event));
  for (const Delivery& one : ended) {
    if (one.subscription != subscription || one.is_test) continue;
    if (one.status == "DELIVERED") return std::optional<Replayable>{};
    if (one.replay_no > made.replay_no) {
      made.replay_no = one.replay_no;
      made.id = one.id;
    }
  }
  base::Uuid from = event.uuid;
  std::fill(from.bytes.begin() + 6, from.bytes.end(), 0);
  const base::Uuid to = first_id(base::time_of(event.uuid) + kFanoutPeriod);
  XD_TRY(const auto waiting, queue::about(tx, queue::LaneId{subscription.uuid}, event.uuid, from, to));
  if (!waiting.empty()) return std::optional<Replayable>{};
  return std::optional(made);
}

}  // namespace

Result<ReplayPage> find_missed(db::Tx& tx, const ReplayScope& scope, const Prepared& subscription,
                               const base::Uuid& after, std::size_t limit) {
  XD_TRY(const auto events, next_events(tx, scope, after, limit));
  ReplayPage page{.last = events.size() < limit};
  for (const Candidate& event : events) {
    page.reached = event.id.uuid;
    if (!wants_type(*subscription.config, event.type)) continue;
    XD_TRY(const auto one, missed(tx, scope.tenant, subscription.config->id, event.id));
    if (one) page.found.push_back(*one);
  }
  return page;
}

}  // namespace outbound
