// From an event to its deliveries: which subscriptions match, and what happens when there are very many.
#pragma once

#include "base/offload.hpp"
#include "base/turns.hpp"
#include "event/publish.hpp"
#include "outbound/delivery/delivery.hpp"
#include "outbound/fanout/matching.hpp"
#include "outbound/subscription/book.hpp"

namespace outbound {

/// The event with what it causes now: its deliveries and rows of those that are skipped; or one fan-out task
/// that makes them, where very many match or the filters would take more than these steps, from which it
/// takes those that they used. Its count is of deliveries that will be attempted or held; subscriptions whose
/// filters were not asked count as if they wanted the event. parsed is the event's JSON where the caller has
/// it.
event::Publication make_publication(Book& book, event::EventPtr event, base::Time now,
                                    EventView::Parsed parsed, std::size_t& steps);
/// With all the steps that one event has.
inline event::Publication make_publication(Book& book, event::EventPtr event, base::Time now,
                                           EventView::Parsed parsed = {}) {
  std::size_t steps = base::limits::kFilterStepsOfEvent;
  return make_publication(book, std::move(event), now, parsed, steps);
}

/// The event with its delivery to one subscription alone, whatever that one's types and filter are.
event::Publication make_publication_for(const Prepared& subscription, event::EventPtr event, base::Time now);

/// For the rooms beside this one, by this shard's book.
class EventMatcher final : public event::Matcher {
 public:
  EventMatcher(Book& book, const base::Clock& clock) : book_(book), clock_(clock) {}

  event::Publication match(event::EventPtr event) override {
    return make_publication(book_, std::move(event), clock_.now());
  }
  std::optional<event::Publication> match_only(event::EventPtr event,
                                               const base::Uuid& subscription) override;
  bool wants_system(TenantId tenant, std::string_view type) override {
    return book_.wants_system(tenant, type, {});
  }

 private:
  Book& book_;
  const base::Clock& clock_;
};

/// A delivery's task for one subscription.
queue::Task make_delivery_task(SubscriptionId subscription, Ordering ordering, const event::EventPtr& event,
                               base::Time now, const DeliveryArgs* args = nullptr);
inline queue::Task make_delivery_task(const Subscription& subscription, const event::EventPtr& event,
                                      base::Time now, const DeliveryArgs* args = nullptr) {
  return make_delivery_task(subscription.id, subscription.ordering, event, now, args);
}

/// Makes deliveries piece by piece; the last subscription done is kept in the task's args, so that a crash
/// repeats nothing. Filters are asked beside the shard where they take long. One for each shard.
class FanoutHandler final : public queue::Handler {
 public:
  struct Parts {
    db::Db& store;
    Book& book;
    queue::Queue& queue;
    base::Offload& offload;
    const base::Clock& clock;
  };
  explicit FanoutHandler(Parts parts) : parts_(parts) {}

  /// Subscriptions of one piece, which one transaction writes.
  static constexpr std::size_t kPiece = 128;

  /// The deliveries of one ordering key are made in the order of its events. Two at once: one is matched
  /// while the other is written, and each may hold a parsed event.
  queue::LanePolicy lane_policy() const override { return {.ordered = true, .in_flight_max = 2}; }
  base::Result<void> hydrate(db::Tx&, std::span<queue::Task>) const override { return {}; }
  asio::awaitable<queue::Outcome> run(const queue::Task& given) override;
  base::Result<void> record(db::Tx&, std::span<const queue::Finished>) const override { return {}; }

 private:
  struct Piece;
  /// That the task holds, or the stored one; null where that is gone.
  base::Task<event::EventPtr> event_of(const queue::Task& task);
  /// Those of a piece, with what becomes of the event at each.
  base::Task<void> match(Matching& matching, TenantId tenant);
  base::Task<void> write(const queue::Task& task, const std::string& cursor, Piece piece);
  base::Result<void> store(db::Tx& tx, const queue::Task& task, const std::string& cursor,
                           const Piece& piece);

  Parts parts_;
  base::Turns large_{8};  ///< fan-outs that hold an event which they have read
  base::Turns pieces_{1};
};

}  // namespace outbound
