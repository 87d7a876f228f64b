// Deliveries that are not over: tasks in the lanes of subscriptions.
#include "event/event_store.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/history/cancel.hpp"
#include "outbound/history/error_group.hpp"
#include "outbound/history/history.hpp"
#include "outbound/history/search.hpp"
#include "outbound/subscription/fixture.hpp"
#include "queue/queue_store.hpp"
#include "testing/core_db.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using base::Result;
using event::EventPtr;
using queue::LaneState;

class WaitingDeliveries : public ::testing::StoreTest {
 protected:
  WaitingDeliveries() {
    for (const Subscription* one : {&shop, &ledger}) insert_lane(*one);
    insert_event(event);
  }

  void insert_lane(const Subscription& subscription) {
    store.write([&](db::Tx& tx) {
      return queue::insert_lane(tx, subscription.lane(), subscription.tenant, kDeliverKind,
                                LaneState::active);
    });
  }
  EventPtr insert_event(const EventPtr& made) {
    store.write([&](db::Tx& tx) { return event::insert_events(tx, {{made}}, {{1}}); });
    return made;
  }
  void hold(const Subscription& subscription) {
    store.write(
        [&](db::Tx& tx) { return queue::set_lane_state(tx, subscription.lane(), LaneState::paused); });
  }

  /// A fresh delivery of the event.
  DeliveryId insert(const Subscription& subscription, const EventPtr& of, base::Time now = kNow,
                    const DeliveryArgs* args = nullptr) {
    const queue::Task task = make_delivery_task(subscription, of, now, args);
    store.write([&](db::Tx& tx) { return queue::insert_tasks(tx, {{task}}); });
    return DeliveryId{task.id.uuid};
  }
  DeliveryId insert(const Subscription& subscription) { return insert(subscription, event); }
  /// The same after attempts, waiting for its next one.
  DeliveryId insert_tried(const Subscription& subscription, int attempts, int unknown_attempts = 0) {
    const DeliveryId id = insert(subscription);
    store.write([&](db::Tx& tx) {
      return tx.exec(
          "UPDATE tasks SET attempt = $2, unknown_attempts = $3, timed = 1, due_at = $4 WHERE id = $1",
          {id, attempts, unknown_attempts, kNow + 60s});
    });
    return id;
  }

  /// Of its id: a thread's ids never step back, so it may lie after kNow.
  base::Time time_of_event() const { return base::time_of(event->id.uuid); }

  std::vector<DeliveryId> listed(const DeliveryQuery& query) {
    std::vector<DeliveryId> ids;
    const FoundDeliveries found = store.read([&](db::Tx& tx) { return search_waiting(tx, query); });
    for (const Delivery& one : found.deliveries) {
      ids.push_back(one.id);
    }
    return ids;
  }
  std::optional<Delivery> found(TenantId tenant, DeliveryId id) {
    return store.read([&](db::Tx& tx) { return find_waiting(tx, tenant, id); });
  }
  std::vector<Delivery> of_event(TenantId tenant, event::EventId id) {
    return store.read([&](db::Tx& tx) { return waiting_of_event(tx, tenant, id); });
  }
  std::set<DeliveryId> ids_of_event(TenantId tenant, event::EventId id) {
    std::set<DeliveryId> ids;
    for (const Delivery& one : of_event(tenant, id)) ids.insert(one.id);
    return ids;
  }
  std::int64_t cancel(const Waiting& waiting) {
    const Cancellation why{"SUBSCRIPTION_DELETED", "the subscription was deleted", kNow + 60s};
    return store.write([&](db::Tx& tx) { return cancel_waiting(tx, waiting, why); });
  }
  std::int64_t cancel(const Subscription& subscription) {
    return cancel({.tenant = subscription.tenant, .subscription = subscription.id});
  }
  std::int64_t tasks() { return store.integer("SELECT count(*) FROM tasks"); }
  std::optional<Delivery> finished(DeliveryId id) {
    return store.read([&](db::Tx& tx) { return find_finished(tx, acme, id); });
  }

  const TenantId acme = TenantId::make(kNow);
  const TenantId other = TenantId::make(kNow);
  const Subscription shop = make_subscription(acme);
  const Subscription ledger = make_subscription(acme);
  const EventPtr event = make_event(acme, "order.created", kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, WaitingDeliveries, ::testing::both_engines(), ::testing::engine_name);

using Ids = std::vector<DeliveryId>;

TEST_P(WaitingDeliveries, are_pending_before_their_first_attempt) {
  const DeliveryArgs args{.replay_no = 2, .replay_of = DeliveryId::make(kNow)};
  const DeliveryId id = insert(shop, event, kNow + 1s, &args);

  const auto read = found(acme, id);

  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, id);
  EXPECT_EQ(read->tenant, acme);
  EXPECT_EQ(read->subscription, shop.id);
  EXPECT_EQ(read->event, event->id);
  EXPECT_EQ(read->event_type, "order.created");
  EXPECT_EQ(read->status, "PENDING");
  EXPECT_EQ(read->replay_no, 2);
  EXPECT_EQ(read->replay_of, args.replay_of);
  EXPECT_EQ(read->created, kNow + 1s);
  EXPECT_EQ(read->completed, std::nullopt);
  EXPECT_EQ(read->next_retry, std::nullopt);
  EXPECT_EQ(read->last.number, 0);
}

TEST_P(WaitingDeliveries, are_retrying_after_an_attempt_of_any_outcome) {
  for (const auto& [attempts, unknown] : {std::pair(2, 0), std::pair(0, 1), std::pair(1, 2)}) {
    const auto read = found(acme, insert_tried(shop, attempts, unknown));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->status, "RETRYING");
    EXPECT_EQ(read->last.number, attempts + unknown);
    EXPECT_EQ(read->next_retry, kNow + 60s);
  }
}

TEST_P(WaitingDeliveries, say_what_came_of_their_last_attempt_and_are_found_by_it) {
  const DeliveryId fresh = insert(shop);
  const DeliveryId tried = insert_tried(shop, 2);
  Attempt first{.number = 1, .outcome = "FAILED", .started = kNow, .request_url = shop.url};
  first.error_class = "READ";
  Attempt second = first;
  second.number = 2;
  second.response_status = 503;
  second.response_time_ms = 1200;
  second.error_class = "HTTP_5XX";
  second.error_message = "the receiver answered 503";
  second.sendings = 2;
  store.write([&](db::Tx& tx) {
    return insert_attempts(tx, {{tried, shop.id, acme, first}, {tried, shop.id, acme, second}});
  });

  const Delivery read = found(acme, tried).value();
  EXPECT_EQ(read.last.number, 2);
  EXPECT_EQ(read.last.response_status, 503);
  EXPECT_EQ(read.last.error_class, "HTTP_5XX");
  EXPECT_EQ(read.last.error_message, second.error_message);
  EXPECT_EQ(read.last.sendings, 2);
  EXPECT_EQ(read.error_signature, error_signature(second));
  EXPECT_EQ(found(acme, fresh)->last.outcome, "");

  const Ids none;
  const Ids only = {tried};
  EXPECT_EQ(listed({.tenant = acme, .response_status = 503}), only);
  EXPECT_EQ(listed({.tenant = acme, .response_status = 500}), none);
  EXPECT_EQ(listed({.tenant = acme, .response_class = 5}), only);
  EXPECT_EQ(listed({.tenant = acme, .response_class = 4}), none);
  EXPECT_EQ(listed({.tenant = acme, .error_class = "HTTP_5XX"}), only);
  EXPECT_EQ(listed({.tenant = acme, .error_class = "READ"}), none) << "it was an earlier one";
  EXPECT_EQ(listed({.tenant = acme, .error_signature = error_signature(second)}), only);
  EXPECT_EQ(listed({.tenant = acme, .error_signature = error_signature(first)}), none);
  EXPECT_EQ(listed({.tenant = acme, .response_time_ms_min = 1200}), only);
  EXPECT_EQ(listed({.tenant = acme, .response_time_ms_min = 1201}), none);
  EXPECT_EQ(listed({.tenant = acme, .statuses = {"PENDING"}, .response_status = 503}), none);
  EXPECT_EQ(listed({.tenant = acme, .statuses = {"RETRYING"}, .response_status = 503}), only);
}

TEST_P(WaitingDeliveries, say_which_circuit_they_wait_for) {
  const DeliveryId id = insert(shop);
  const DeliveryId other_lane = insert(ledger);
  store.write([&](db::Tx& tx) -> Result<std::int64_t> {
    return tx.exec(
        "UPDATE lanes SET circuit_until = $2, circuit_seconds = 60, circuit_since = $3"
        " WHERE id = $1",
        {shop.id, kNow + 60s, kNow});
  });

  EXPECT_EQ(found(acme, id)->circuit, (queue::Breaker::Open{kNow + 60s, 60s, kNow}));
  EXPECT_EQ(found(acme, other_lane)->circuit, std::nullopt);
}

TEST_P(WaitingDeliveries, are_held_while_their_lane_is_paused) {
  const DeliveryId fresh = insert(shop);
  const DeliveryId tried = insert_tried(shop, 1);
  const DeliveryId elsewhere = insert(ledger);
  hold(shop);

  EXPECT_EQ(found(acme, fresh)->status, "HELD");
  EXPECT_EQ(found(acme, tried)->status, "HELD");
  EXPECT_EQ(found(acme, elsewhere)->status, "PENDING");
}

TEST_P(WaitingDeliveries, are_shown_to_their_own_tenant_only) {
  const DeliveryId id = insert(shop);

  EXPECT_FALSE(found(other, id));
  EXPECT_FALSE(found(acme, DeliveryId::make(kNow)));
  EXPECT_EQ(listed({.tenant = other}), Ids{});
  EXPECT_EQ(listed({.tenant = other, .subscription = shop.id}), Ids{});
  EXPECT_TRUE(of_event(other, event->id).empty());
}

TEST_P(WaitingDeliveries, are_not_tasks_of_another_kind) {
  queue::Task task = make_delivery_task(shop, event, kNow);
  task.lane = event::fanout_lane(acme);
  task.kind = event::kFanoutKind;
  store.write([&](db::Tx& tx) -> Result<void> {
    XD_DO(queue::insert_lane(tx, task.lane, acme, event::kFanoutKind, LaneState::active));
    return queue::insert_tasks(tx, {{task}});
  });

  EXPECT_FALSE(found(acme, DeliveryId{task.id.uuid}));
  EXPECT_EQ(listed({.tenant = acme}), Ids{});
  EXPECT_TRUE(of_event(acme, event->id).empty());
}

TEST_P(WaitingDeliveries, are_listed_by_status) {
  const DeliveryId pending = insert(shop);
  const DeliveryId retrying = insert_tried(shop, 1);
  const DeliveryId held = insert(ledger);
  const DeliveryId held_retry = insert_tried(ledger, 1);
  hold(ledger);

  EXPECT_EQ(listed({.tenant = acme, .statuses = {"PENDING"}}), (Ids{pending}));
  EXPECT_EQ(listed({.tenant = acme, .statuses = {"RETRYING"}}), (Ids{retrying}));
  EXPECT_EQ(listed({.tenant = acme, .statuses = {"HELD"}}), (Ids{held_retry, held}));
  EXPECT_EQ(listed({.tenant = acme, .statuses = {"PENDING", "RETRYING"}}), (Ids{retrying, pending}));
  EXPECT_EQ(listed({.tenant = acme, .statuses = {"HELD", "PENDING"}}), (Ids{held_retry, held, pending}));
  EXPECT_EQ(listed({.tenant = acme}), (Ids{held_retry, held, retrying, pending}));
  EXPECT_EQ(listed({.tenant = acme, .statuses = {"DELIVERED"}}), Ids{});
  EXPECT_EQ(listed({.tenant = acme, .subscription = ledger.id}), (Ids{held_retry, held}));
  EXPECT_EQ(listed({.tenant = acme, .subscription = ledger.id, .statuses = {"PENDING"}}), Ids{});
}

TEST_P(WaitingDeliveries, are_listed_in_pages_over_all_lanes_newest_first) {
  Ids ids;
  for (int i = 0; i < 6; ++i) ids.push_back(insert(i % 2 == 0 ? shop : ledger));

  EXPECT_EQ(listed({.tenant = acme}), (Ids{ids[5], ids[4], ids[3], ids[2], ids[1], ids[0]}));
  EXPECT_EQ(listed({.tenant = acme, .page = {.limit = 3}}), (Ids{ids[5], ids[4], ids[3]}));
  EXPECT_EQ(listed({.tenant = acme, .page = {.before = ids[3].uuid, .limit = 2}}), (Ids{ids[2], ids[1]}));
  EXPECT_EQ(listed({.tenant = acme, .page = {.after = ids[1].uuid, .limit = 3}}),
            (Ids{ids[4], ids[3], ids[2]}));
  EXPECT_EQ(listed({.tenant = acme, .subscription = shop.id, .page = {.limit = 2}}), (Ids{ids[4], ids[2]}));
  EXPECT_EQ(listed({.tenant = acme, .page = {.before = ids[0].uuid}}), Ids{});
}

TEST_P(WaitingDeliveries, are_listed_with_the_types_of_their_events) {
  const EventPtr paid = insert_event(make_event(acme, "invoice.paid"));
  const EventPtr removed = make_event(acme, "gone");  // by retention
  insert(shop);
  insert(ledger, paid);
  insert(shop, removed);

  const auto read = store.read([&](db::Tx& tx) { return search_waiting(tx, {.tenant = acme}); }).deliveries;

  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[0].event_type, "");
  EXPECT_EQ(read[1].event_type, "invoice.paid");
  EXPECT_EQ(read[2].event_type, "order.created");
}

TEST_P(WaitingDeliveries, are_found_by_their_event) {
  const EventPtr unrelated = insert_event(make_event(acme, "invoice.paid"));
  const DeliveryId at_once = insert(shop);
  const DeliveryId by_fanout = insert(ledger, event, time_of_event() + 20s);
  insert(shop, unrelated);
  hold(ledger);

  const std::vector<Delivery> read = of_event(acme, event->id);

  ASSERT_EQ(read.size(), 2u);
  for (const Delivery& one : read) {
    EXPECT_EQ(one.event_type, "order.created");
    EXPECT_EQ(one.status, one.id == by_fanout ? "HELD" : "PENDING");
  }
  EXPECT_EQ(ids_of_event(acme, event->id), (std::set{at_once, by_fanout}));
  EXPECT_EQ(ids_of_event(acme, unrelated->id).size(), 1u);
}

TEST_P(WaitingDeliveries, are_found_by_their_event_also_when_they_replay_it_later) {
  const DeliveryArgs args{.replay_no = 1, .replay_of = DeliveryId::make(kNow)};
  const DeliveryId replay = insert(shop, event, time_of_event() + 24h, &args);

  EXPECT_EQ(ids_of_event(acme, event->id), std::set{replay});
}

TEST_P(WaitingDeliveries, of_a_deleted_subscription_end_as_cancelled) {
  const DeliveryId fresh = insert(shop);
  const DeliveryId tried = insert_tried(shop, 2, 1);
  const DeliveryId without_event = insert(shop, make_event(acme, "gone"));
  const DeliveryId elsewhere = insert(ledger);

  EXPECT_EQ(cancel(shop), 3);

  EXPECT_EQ(tasks(), 1);
  EXPECT_FALSE(finished(elsewhere));
  EXPECT_EQ(finished(tried)->last.number, 3);
  EXPECT_EQ(finished(without_event)->event_type, "");
  const auto read = finished(fresh);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->subscription, shop.id);
  EXPECT_EQ(read->event, event->id);
  EXPECT_EQ(read->event_type, "order.created");
  EXPECT_EQ(read->status, "CANCELLED");
  EXPECT_EQ(read->created, kNow);
  EXPECT_EQ(read->completed, kNow + 60s);
  EXPECT_EQ(read->last.number, 0);
  EXPECT_EQ(read->last.outcome, "CANCELLED");
  EXPECT_EQ(read->last.response_status, std::nullopt);
  EXPECT_EQ(read->last.error_class, "CANCELLED");
  EXPECT_EQ(read->last.error_message, "the subscription was deleted");
  EXPECT_EQ(read->reason, "SUBSCRIPTION_DELETED");
}

TEST_P(WaitingDeliveries, of_a_deleted_subscription_still_say_what_they_replayed) {
  const DeliveryArgs args{.replay_no = 2, .replay_of = DeliveryId::make(kNow)};
  const DeliveryId replay = insert(shop, event, kNow, &args);

  cancel(shop);

  const auto read = finished(replay);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->replay_no, 2);
  EXPECT_EQ(read->replay_of, args.replay_of);
}

TEST_P(WaitingDeliveries, are_cancelled_one_by_one) {
  const DeliveryId one = insert(shop);
  const DeliveryId another = insert(shop);

  EXPECT_EQ(cancel({.tenant = other, .subscription = shop.id, .delivery = one}), 0);
  EXPECT_EQ(cancel({.tenant = acme, .subscription = shop.id, .delivery = one}), 1);
  EXPECT_EQ(cancel({.tenant = acme, .subscription = shop.id, .delivery = one}), 0);

  EXPECT_TRUE(finished(one));
  EXPECT_FALSE(finished(another));
  EXPECT_TRUE(found(acme, another));
}

TEST_P(WaitingDeliveries, of_an_operation_are_cancelled_where_no_attempt_has_begun) {
  const DeliveryArgs args{1, DeliveryId::make(kNow), "", base::make_uuid(kNow)};
  const DeliveryArgs of_another{1, DeliveryId::make(kNow), "", base::make_uuid(kNow)};
  const DeliveryId fresh = insert(shop, event, kNow, &args);
  const DeliveryId elsewhere = insert(ledger, event, kNow, &args);
  const DeliveryId tried = insert(shop, event, kNow, &args);
  const DeliveryId begun = insert(shop, event, kNow, &args);
  const DeliveryId unrelated = insert(shop, event, kNow, &of_another);
  insert(shop);
  store.write([&](db::Tx& tx) -> Result<void> {
    XD_DO(tx.exec("UPDATE tasks SET attempt = 1 WHERE id = $1", {tried}));
    XD_DO(tx.exec("UPDATE tasks SET opened_at = 1 WHERE id = $1", {begun}));
    return {};
  });

  EXPECT_EQ(cancel({.tenant = acme, .operation = args.operation}), 2);

  EXPECT_EQ(finished(fresh)->operation, args.operation);
  EXPECT_TRUE(finished(elsewhere));
  EXPECT_FALSE(finished(tried));
  EXPECT_FALSE(finished(begun));
  EXPECT_FALSE(finished(unrelated));
  EXPECT_EQ(tasks(), 4);
}

}  // namespace

}  // namespace outbound
