#include "outbound/fanout/fanout.hpp"

#include "event/event_store.hpp"
#include "outbound/delivery/system_event.hpp"
#include "outbound/fanout/skipped.hpp"
#include "outbound/history/history.hpp"
#include "queue/queue_store.hpp"

namespace outbound {

namespace {

/// After each piece nothing is written for so many times as long as it took the store: however much one
/// tenant's events fan out, most of the store's time is left for others.
constexpr int kPausesPerWork = 3;
/// A piece is written after so many slices of work beside the shard, however little was found.
constexpr int kSlicesOfPiece = 25;

}  // namespace

queue::Task make_delivery_task(SubscriptionId subscription, Ordering ordering, const event::EventPtr& event,
                               base::Time now, const DeliveryArgs* args) {
  queue::Task task;
  const bool detour = args != nullptr && !args->url.empty();
  task.lane = detour ? detour_lane(subscription) : queue::LaneId{subscription.uuid};
  task.id = queue::TaskId::make(now);
  task.tenant = event->tenant;
  task.kind = kDeliverKind;
  task.due = now;
  task.created = now;
  if (ordering == Ordering::per_key && !detour) {
    // One without a key is ordered with nothing: it has a key of its own.
    task.order_key = event->ordering_key.empty() ? task.id.str() : event->ordering_key;
  }
  task.ref = event->id.uuid;
  if (args != nullptr) {
    task.args = write_args(*args);
    task.bulk = args->operation.has_value();
  }
  task.payload_bytes = event->bytes();
  task.payload = event;
  return task;
}

namespace {

/// The delivery to one whose filter wants the event, or cannot be asked yet.
queue::Task make_wanted_task(const Prepared& subscription, const event::EventPtr& event, base::Time now) {
  static const DeliveryArgs kUnfiltered{.unfiltered = true};
  return make_delivery_task(*subscription.config, event, now,
                            subscription.has_unknown_filter() ? &kUnfiltered : nullptr);
}

/// Adds what becomes of the event at each, counted, and as tasks and rows where they are few. False where a
/// fan-out has to make these: they are many, or the steps did not suffice.
bool add_matches(event::Publication& publication, const std::vector<PreparedPtr>& matches,
                 const event::EventPtr& event, EventView& view, base::Time now, std::size_t& steps) {
  const bool few = matches.size() <= base::limits::kFanoutInline;
  std::unique_ptr<SkippedDeliveries> skipped;
  if (few) publication.tasks.reserve(matches.size());
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const Fate fate = fate_of(*matches[i], view, steps);
    if (fate == Fate::undecided) {
      publication.deliveries += static_cast<std::int64_t>(matches.size() - i);
      return false;
    }
    if (fate == Fate::delivered) ++publication.deliveries;
    if (!few) continue;
    if (fate == Fate::delivered) {
      publication.tasks.push_back(make_wanted_task(*matches[i], event, now));
    } else {
      if (!skipped) skipped = std::make_unique<SkippedDeliveries>();
      skipped->add(make_skipped(*matches[i]->config, *event, fate, now));
    }
  }
  publication.companion = std::move(skipped);
  return few;
}

/// One task makes all of its deliveries, once it is published.
void fan_out(event::Publication& publication, const event::EventPtr& event, base::Time now) {
  publication.tasks.clear();
  publication.tasks.push_back(event::make_fanout_task(event, now));
}

}  // namespace

event::Publication make_publication(Book& book, event::EventPtr event, base::Time now,
                                    EventView::Parsed parsed, std::size_t& steps) {
  event::Publication publication;
  const std::size_t most = book.matches_max(*event);
  if (most * base::limits::kFilterStepsOfMatch > steps) {
    publication.deliveries = static_cast<std::int64_t>(most);
    fan_out(publication, event, now);
  } else if (most > 0) {
    EventView view(*event, parsed);
    if (!add_matches(publication, book.match(*event), event, view, now, steps)) {
      fan_out(publication, event, now);
    } else if (!event->ordering_key.empty() && std::ranges::any_of(publication.tasks, [](const auto& task) {
                 return !task.order_key.empty();
               })) {
      publication.behind = event::make_fanout_task(event, now);
    }
  }
  publication.event = std::move(event);
  return publication;
}

event::Publication make_publication_for(const Prepared& subscription, event::EventPtr event, base::Time now) {
  event::Publication publication;
  const Subscription& config = *subscription.config;
  if (config.takes_events()) {
    publication.deliveries = 1;
    publication.tasks.push_back(make_delivery_task(config, event, now));
  } else {
    auto skipped = std::make_unique<SkippedDeliveries>();
    skipped->add(make_skipped(config, *event, Fate::disabled, now));
    publication.companion = std::move(skipped);
  }
  publication.event = std::move(event);
  return publication;
}

std::optional<event::Publication> EventMatcher::match_only(event::EventPtr event,
                                                           const base::Uuid& subscription) {
  const PreparedPtr known = book_.find(SubscriptionId{subscription});
  if (!known || known->config->tenant != event->tenant) return std::nullopt;
  return make_publication_for(*known, std::move(event), clock_.now());
}

base::Task<event::EventPtr> FanoutHandler::event_of(const queue::Task& task) {
  if (task.payload) co_return std::static_pointer_cast<const event::Event>(task.payload);
  co_return co_await parts_.store.read([&task](db::Tx& tx) -> base::Result<event::EventPtr> {
    const std::pair wanted{task.tenant, event::EventId{task.ref}};
    XD_TRY(const auto found, event::find_events(tx, {&wanted, 1}));
    return found.empty() ? nullptr : found.begin()->second;
  });
}

/// What one transaction of a fan-out writes.
struct FanoutHandler::Piece {
  std::vector<queue::Task> tasks{};
  std::vector<Delivery> skipped{};
};

asio::awaitable<queue::Outcome> FanoutHandler::run(const queue::Task& given) {
  queue::Task task = given;
  const auto retry = [this] {
    return queue::Outcome{queue::Verdict::retry_at(parts_.clock.now() + std::chrono::seconds{1})};
  };
  std::optional<base::Turns::Turn> turn;
  if (!task.payload) turn.emplace(co_await large_.take(task.tenant.uuid));
  const auto read = co_await event_of(task);
  if (!read) co_return retry();
  const event::EventPtr& event = *read;
  if (!event) co_return queue::Outcome{};
  std::vector<PreparedPtr> matches = parts_.book.match(*event);
  const auto subject = subject_of(*event);
  std::erase_if(matches, [&](const PreparedPtr& match) { return match->config->id == subject; });
  Matching matching(std::move(matches), *event, SubscriptionId::parse(task.args).value_or(SubscriptionId{}));
  while (true) {
    const auto matched = co_await match(matching, task.tenant);
    const std::vector<Matching::Found> found = matching.take();
    if (matched && found.empty()) break;
    Piece piece;
    const base::Time now = parts_.clock.now();
    for (const auto& [match, fate] : found) {
      if (fate == Fate::delivered) {
        piece.tasks.push_back(make_wanted_task(*match, event, now));
      } else {
        piece.skipped.push_back(make_skipped(*match->config, *event, fate, now));
      }
    }
    std::string cursor = found.empty() ? task.args : found.back().subscription->config->id.str();
    if (!matched || !co_await write(task, cursor, std::move(piece))) co_return retry();
    task.args = std::move(cursor);
  }
  co_return queue::Outcome{.signal = queue::Signal::success};
}

base::Task<void> FanoutHandler::match(Matching& matching, TenantId tenant) {
  // What takes no longer than a request may is not worth another thread.
  std::size_t here = matching.is_large() ? 0 : base::limits::kFilterStepsOfEvent;
  if (here > 0) matching.go_on(kPiece, here);
  for (int slice = 0; slice < kSlicesOfPiece || matching.found() == 0; ++slice) {
    if (matching.is_over() || matching.found() == kPiece) break;
    XD_CO_DO(co_await parts_.offload.run(tenant.uuid, [&matching]() -> base::Result<void> {
      std::size_t steps = Matching::kSlice;
      matching.go_on(kPiece, steps);
      return {};
    }));
  }
  co_return base::Result<void>{};
}

base::Task<void> FanoutHandler::write(const queue::Task& task, const std::string& cursor, Piece piece) {
  const base::Turns::Turn turn = co_await pieces_.take(task.tenant.uuid);
  std::chrono::steady_clock::duration worked{};
  auto written = co_await parts_.store.write([&](db::Tx& tx) -> base::Result<void> {
    const base::Steady begun = base::steady_now();
    auto stored = store(tx, task, cursor, piece);
    worked = base::steady_now() - begun;
    return stored;
  });
  co_await base::sleep_for(kPausesPerWork * worked);
  co_return written;
}

base::Result<void> FanoutHandler::store(db::Tx& tx, const queue::Task& task, const std::string& cursor,
                                        const Piece& piece) {
  // First, so that of two nodes that both believe to hold the lane one writes nothing.
  XD_TRY(const bool ours, queue::advance_args(tx, task, cursor));
  if (!ours) return base::fail(base::Code::conflict, "another node goes on with this fan-out");
  if (!piece.skipped.empty()) XD_DO(insert_deliveries(tx, piece.skipped));
  return piece.tasks.empty() ? base::Result<void>{} : parts_.queue.enqueue(tx, piece.tasks);
}

}  // namespace outbound
