#include "event/event_store.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/replay/replay.hpp"

namespace outbound {

namespace {

using base::Result;

/// What the clocks of two nodes may differ.
constexpr auto kClocksDiffer = std::chrono::minutes{1};

struct Candidate {
  event::EventId id{};
  std::string type;
};

/// The events of the period behind `after`, in order. Those of test sends are nobody's; what the hub told
/// about its own work then is of no use now.
Result<std::vector<Candidate>> next_events(db::Tx& tx, const ReplayScope& scope, const base::Uuid& after,
                                           std::size_t limit) {
  const base::Time since = scope.filter.wanted.created.from.value_or(base::Time{});
  const base::Time until = std::min(scope.filter.wanted.created.before.value_or(scope.begun), scope.begun);
  // An id is made after the moment of created_at.
  const base::Uuid from = std::max(after, first_id(since - kClocksDiffer));
  std::vector<Candidate> found;
  XD_DO(tx.query(
      "SELECT id, type FROM events WHERE tenant_id = $1 AND id > $2 AND created_at >= $3 AND created_at < $4"
      " AND origin <> 'test' AND origin <> 'system' ORDER BY id LIMIT $5",
      {scope.tenant, from, since, until, limit},
      [&](const db::Row& row) { found.push_back({row.id<event::EventId>(0), row.string(1)}); }));
  return found;
}

/// What is known of an event at the subscription.
struct Known {
  bool settled = false;  ///< it was delivered, or waits to be
  std::optional<DeliveryId> last{};
  int replay_no = -1;
};
using KnownEvents = std::unordered_map<event::EventId, Known>;

/// So many ids are asked for in one statement.
constexpr std::size_t kChunk = 100;
constexpr std::size_t kEventsAtOnce = 20;
/// What filters may use for one page, and parsing, which takes a step for each 16 bytes.
constexpr std::size_t kStepsOfPage = 20 * base::limits::kFilterStepsMax;
constexpr std::size_t kBytesPerStep = 16;

/// " IN ($n, …)" of a chunk, filled up with the last id so that the text is always the same.
template <class T>
std::string in_chunk(std::vector<db::Arg>& args, std::span<const T> chunk) {
  std::string text = " IN (";
  for (std::size_t i = 0; i < kChunk; ++i) {
    args.emplace_back(chunk[std::min(i, chunk.size() - 1)].id);
    text.append(i == 0 ? "$" : ", $").append(std::to_string(args.size()));
  }
  return text + ")";
}

/// What was replayed to another URL has not reached the subscription's receiver.
void note_ended(KnownEvents& known, const Subscription& subscription, const db::Row& row) {
  const auto found = known.find(row.id<event::EventId>(0));
  if (found == known.end()) return;
  Known& one = found->second;
  const bool here = row.text(4) != "replay" || row.text(5) == subscription.url;
  one.settled = one.settled || (row.text(2) == "DELIVERED" && here);
  if (row.integer(3) <= one.replay_no) return;
  one.replay_no = static_cast<int>(row.integer(3));
  one.last = row.id<DeliveryId>(1);
}

/// On SQLite an event's deliveries are found by delivery_index, but for the newest, which are few.
Result<void> add_ended(db::Tx& tx, const Subscription& subscription, std::span<const Candidate> events,
                       KnownEvents& known) {
  const auto note = [&](const db::Row& row) { note_ended(known, subscription, row); };
  const bool sqlite = tx.engine() == db::Engine::sqlite;
  const std::string what = "SELECT d.event_id, d.id, d.status, d.replay_no, d.via, d.request_url FROM ";
  // Of all that a subscription has got, which may be much, an index would be the wrong one.
  const std::string whose = " (d.subscription_id = $1) IS TRUE AND d.is_test = 0";
  for (std::size_t i = 0; i < events.size(); i += kChunk) {
    std::vector<db::Arg> args = {subscription.id};
    const std::string in = in_chunk(args, events.subspan(i, std::min(kChunk, events.size() - i)));
    const std::string from = sqlite ? "delivery_index i CROSS JOIN webhook_deliveries d ON d.seq = i.seq "
                                      "WHERE i.list = 0 AND i.owner_id"
                                    : "webhook_deliveries d WHERE d.event_id";
    XD_DO(tx.query(what + from + in + " AND" + whose, args, note));
  }
  if (!sqlite) return {};
  XD_DO(tx.query(what +
                     "webhook_deliveries d NOT INDEXED"
                     " WHERE d.seq > COALESCE((SELECT seq FROM delivery_indexed), 0) AND" +
                     whose,
                 {subscription.id}, note));
  return {};
}

/// What waits to be delivered, whenever that was made (by a fan-out that had to wait, or as a replay), and
/// what a fan-out will make: its task is as old as the event.
Result<void> add_waiting(db::Tx& tx, const Subscription& subscription, std::span<const Candidate> events,
                         KnownEvents& known) {
  const auto settle = [&](const db::Row& row) {
    if (const auto found = known.find(row.id<event::EventId>(0)); found != known.end()) {
      found->second.settled = true;
    }
  };
  const base::Uuid from = first_id(base::time_of(events.front().id.uuid) - kClocksDiffer);
  const base::Uuid to = first_id(base::time_of(events.back().id.uuid) + kClocksDiffer);
  XD_DO(tx.query("SELECT ref FROM tasks WHERE lane_id = $1 AND id >= $2", {subscription.id, from}, settle));
  XD_DO(tx.query("SELECT ref, args FROM tasks WHERE lane_id = $1 AND id >= $2 AND id <= $3",
                 {event::fanout_lane(subscription.tenant), from, to}, [&](const db::Row& row) {
                   const auto done = SubscriptionId::parse(row.text(1));
                   if (!done || *done < subscription.id) settle(row);
                 }));
  return {};
}

/// Leaves what the filter lets through, a few events at a time, because they may be large. Cuts the page
/// where telling takes long: what lies behind is another page's.
Result<void> keep_matching(db::Tx& tx, TenantId tenant, const Filter& filter, ReplayPage& page) {
  std::vector<Replayable> kept;
  std::size_t steps = kStepsOfPage;
  for (std::size_t i = 0; i < page.found.size(); i += kEventsAtOnce) {
    if (steps == 0) {
      page.reached = page.found[i - 1].place;
      page.last = false;
      break;
    }
    const auto some = std::span(page.found).subspan(i, std::min(kEventsAtOnce, page.found.size() - i));
    std::vector<std::pair<TenantId, event::EventId>> wanted;
    for (const Replayable& one : some) wanted.emplace_back(tenant, one.event);
    XD_TRY(const auto events, event::find_events(tx, wanted));
    for (const Replayable& one : some) {
      const auto found = events.find(one.event);
      if (found == events.end()) continue;
      EventView view(*found->second);
      std::size_t left = base::limits::kFilterStepsMax;
      if (filter.ask(view, left) != Filter::Answer::no) kept.push_back(one);
      const std::size_t used = base::limits::kFilterStepsMax - left + found->second->bytes() / kBytesPerStep;
      steps -= std::min(steps, used);
    }
  }
  page.found = std::move(kept);
  return {};
}

}  // namespace

Result<ReplayPage> find_missed(db::Tx& tx, const ReplayScope& scope, const Prepared& subscription,
                               const base::Uuid& after, std::size_t limit) {
  XD_TRY(auto events, next_events(tx, scope, after, limit));
  ReplayPage page{.reached = events.empty() ? after : events.back().id.uuid, .last = events.size() < limit};
  std::erase_if(events, [&](const Candidate& one) { return !wants_type(*subscription.config, one.type); });
  if (events.empty()) return page;
  KnownEvents known;
  for (const Candidate& one : events) known[one.id] = {};
  XD_DO(add_ended(tx, *subscription.config, events, known));
  XD_DO(add_waiting(tx, *subscription.config, events, known));
  for (const Candidate& one : events) {
    const Known& found = known[one.id];
    if (found.settled) continue;
    page.found.push_back({one.id.uuid, found.last, subscription.config->id, one.id, found.replay_no});
  }
  if (subscription.filter) XD_DO(keep_matching(tx, scope.tenant, *subscription.filter, page));
  return page;
}

}  // namespace outbound
