#include "outbound/fanout.hpp"

#include "event/event_store.hpp"
#include "outbound/skipped.hpp"
#include "outbound/system_event.hpp"
#include "queue/queue_store.hpp"

namespace outbound {

namespace {

/// One transaction's worth.
constexpr std::size_t kPiece = 500;

/// What one transaction of a fan-out writes.
struct Piece {
  std::vector<queue::Task> tasks{};
  std::vector<Delivery> skipped{};

  std::size_t size() const { return tasks.size() + skipped.size(); }
  void add(const Prepared& match, EventView& view, const event::EventPtr& event, base::Time now) {
    if (const auto reason = why_skipped(match, view)) {
      skipped.push_back(make_skipped(*match.config, *event, *reason, now));
    } else {
      tasks.push_back(make_delivery_task(*match.config, event, now));
    }
  }
};

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

queue::Task make_fanout_task(const event::EventPtr& event, base::Time now) {
  queue::Task task;
  task.lane = fanout_lane(event->tenant);
  task.id = queue::TaskId::make(now);
  task.tenant = event->tenant;
  task.kind = kFanoutKind;
  task.due = now;
  task.created = now;
  task.order_key = event->ordering_key;
  task.ref = event->id.uuid;
  task.payload_bytes = event->bytes();
  task.payload = event;
  return task;
}

event::Publication make_publication(Book& book, event::EventPtr event, base::Time now,
                                    EventView::Parsed parsed) {
  event::Publication publication;
  const auto& matches = book.match(*event);
  const bool inline_fanout = matches.size() <= base::limits::kFanoutInline;
  EventView view(*event, parsed);
  std::unique_ptr<SkippedDeliveries> skipped;
  if (inline_fanout) publication.tasks.reserve(matches.size());
  for (const PreparedPtr& match : matches) {
    const std::optional<Skipping> reason = why_skipped(*match, view);
    if (!reason) ++publication.deliveries;
    if (!inline_fanout) continue;
    if (!reason) {
      publication.tasks.push_back(make_delivery_task(*match->config, event, now));
    } else {
      if (!skipped) skipped = std::make_unique<SkippedDeliveries>();
      skipped->add(make_skipped(*match->config, *event, *reason, now));
    }
  }
  if (!inline_fanout) publication.tasks.push_back(make_fanout_task(event, now));
  publication.companion = std::move(skipped);
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
    skipped->add(make_skipped(config, *event, Skipping::disabled, now));
    publication.companion = std::move(skipped);
  }
  publication.event = std::move(event);
  return publication;
}

base::Result<void> FanoutHandler::hydrate(db::Tx& tx, std::span<queue::Task> tasks) const {
  std::vector<std::pair<TenantId, event::EventId>> wanted;
  for (const queue::Task& task : tasks) wanted.emplace_back(task.tenant, event::EventId{task.ref});
  XD_TRY(const auto events, event::find_events(tx, wanted));
  for (queue::Task& task : tasks) {
    if (const auto found = events.find(event::EventId{task.ref}); found != events.end())
      task.payload = found->second;
  }
  return {};
}

asio::awaitable<queue::Outcome> FanoutHandler::run(const queue::Task& given) {
  queue::Task task = given;
  const auto event = std::static_pointer_cast<const event::Event>(task.payload);
  if (!event) co_return queue::Outcome{};
  std::vector<PreparedPtr> matches = book_.match(*event);
  const auto subject = subject_of(*event);
  std::erase_if(matches, [&](const PreparedPtr& match) { return match->config->id == subject; });
  std::ranges::sort(matches, {}, [](const PreparedPtr& match) { return match->config->id; });
  SubscriptionId done = SubscriptionId::parse(task.args).value_or(SubscriptionId{});
  EventView view(*event);
  Piece piece;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (matches[i]->config->id > done) piece.add(*matches[i], view, event, clock_.now());
    const bool last = i + 1 == matches.size();
    if (piece.size() == 0 || (piece.size() < kPiece && !last)) continue;
    const std::string cursor = matches[i]->config->id.str();
    auto written = co_await store_.write(
        [this, &task, &cursor, piece = std::exchange(piece, {})](db::Tx& tx) mutable -> base::Result<void> {
          // First, so that of two nodes that both believe to hold the lane one writes nothing.
          XD_TRY(const bool ours, queue::advance_args(tx, task, cursor));
          if (!ours) return base::fail(base::Code::conflict, "another node goes on with this fan-out");
          if (!piece.skipped.empty()) XD_DO(insert_deliveries(tx, piece.skipped));
          return piece.tasks.empty() ? base::Result<void>{} : queue_.enqueue(tx, std::move(piece.tasks));
        });
    if (!written) {
      co_return queue::Outcome{queue::Verdict::retry_at(clock_.now() + std::chrono::seconds{1})};
    }
    task.args = cursor;
  }
  co_return queue::Outcome{.signal = queue::Signal::success};
}

}  // namespace outbound
