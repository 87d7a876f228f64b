#include "outbound/replay/replay.hpp"

#include "event/event_store.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/history/history.hpp"
#include "outbound/subscription/fixture.hpp"
#include "queue/queue_store.hpp"
#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/faulty_db.hpp"
#include "testing/node.hpp"
#include "testing/run.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using base::Result;
using operation::Operation;
using operation::Status;
using queue::Verdict;

TEST(ReplayOrder, reads_back_as_it_was_written) {
  ReplayOrder order{.rate = 7, .url = "https://example.org/", .with_credentials = true};
  order.filter = {.wanted = {.subscription = SubscriptionId::make(kNow),
                             .statuses = {"FAILED", "SKIPPED"},
                             .event_type = "workitem_*",
                             .event = event::EventId::make(kNow),
                             .operation = base::make_uuid(kNow),
                             .response_class = 5,
                             .error_class = "READ_TIMEOUT",
                             .error_signature = "a\"b",
                             .response_time_ms_min = 20,
                             .attempts_min = 3,
                             .is_test = false,
                             .created = {base::from_micros(1'000'000), base::from_micros(2'000'000)}},
                  .ids = {DeliveryId::make(kNow), DeliveryId::make(kNow)}};

  const auto read = read_order(write_order(order));

  ASSERT_TRUE(read);
  EXPECT_EQ(write_order(*read), write_order(order));
  EXPECT_EQ(read->rate, 7);
  EXPECT_EQ(read->url, order.url);
  EXPECT_TRUE(read->with_credentials);
  EXPECT_EQ(read->filter.ids, order.filter.ids);
  EXPECT_EQ(read->filter.wanted.created, order.filter.wanted.created);
  EXPECT_EQ(read->filter.wanted.response_class, 5);
}

TEST(ReplayOrder, reads_what_was_stored_in_older_words) {
  const auto read = read_order(
      R"({"filter":{"status":["FAILED","SKIPPED"],"status_code":"5XX","since":"2026-01-31T08:15:00.000Z"}})");

  ASSERT_TRUE(read);
  EXPECT_EQ(read->filter.wanted.statuses, (std::vector<std::string>{"FAILED", "SKIPPED"}));
  EXPECT_EQ(read->filter.wanted.response_class, 5);
  EXPECT_EQ(read->filter.wanted.created.from, base::parse_rfc3339("2026-01-31T08:15:00Z").value());
}

TEST(ReplayOrder, does_not_mean_everything_where_a_member_cannot_be_read) {
  EXPECT_FALSE(read_order(R"({"filter":{"colour":"blue"}})"));
  EXPECT_FALSE(read_order(R"({"filter":{"error_class":"BLUE"}})"));
  EXPECT_FALSE(read_order(R"({"filter":{"status":{}}})"));
}

TEST(FirstId, lies_between_what_was_made_before_and_in_that_millisecond) {
  const base::Time moment = base::from_micros(1'900'000'000'000'000);
  const base::Uuid before = base::make_uuid(moment - 1ms);
  const base::Uuid then = base::make_uuid(moment);

  EXPECT_GT(first_id(moment), before);
  EXPECT_LT(first_id(moment), then);
  EXPECT_LT(first_id(moment - 24h), first_id(moment));  // though ids of a thread never step back
  EXPECT_EQ(base::time_of(first_id(moment)), moment);
}

base::Task<queue::Outcome> outcome_of(asio::awaitable<queue::Outcome> run) {
  co_return co_await std::move(run);
}

class Replays : public ::testing::StoreTest {
 protected:
  Replays() {
    store.write([&](db::Tx& tx) { return insert_tenant_of(tx, acme); });
    for (Subscription* one : {&shop, &ledger}) {
      store.write([&](db::Tx& tx) -> Result<void> {
        XD_DO(insert_subscription(tx, ring, *one));
        return queue::insert_lane(tx, one->lane(), acme, kDeliverKind, queue::LaneState::active);
      });
    }
  }

  Delivery ended(const Subscription& subscription, std::string status = "FAILED") {
    const event::EventPtr event = make_event(acme, "order.created", clock.now());
    store.write([&](db::Tx& tx) { return event::insert_events(tx, {{event}}, {{1}}); });
    Delivery made{.id = DeliveryId::make(clock.now()), .tenant = acme, .subscription = subscription.id};
    made.event = event->id;
    made.event_type = event->type;
    made.status = std::move(status);
    made.created = clock.now();
    made.completed = clock.now();
    return made;
  }
  DeliveryId insert(const Delivery& delivery) {
    store.write([&](db::Tx& tx) { return insert_deliveries(tx, {delivery}); });
    return delivery.id;
  }
  std::vector<DeliveryId> insert_many(std::size_t count) {
    std::vector<DeliveryId> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(insert(ended(shop)));
    return ids;
  }
  std::vector<DeliveryId> found(const ReplayFilter& filter) {
    std::vector<DeliveryId> ids;
    const ReplayScope scope{acme, filter, clock.now()};
    const auto page = store.read([&](db::Tx& tx) { return find_replayable(tx, scope, {}, 1000); });
    for (const Replayable& one : page.found) ids.push_back(*one.id);
    return ids;
  }
  Operation start(const ReplayOrder& order, std::string kind = kReplayOperation,
                  std::optional<SubscriptionId> target = {}) {
    Operation made{.id = operation::OperationId::make(clock.now()), .tenant = acme, .kind = std::move(kind)};
    if (target) made.target = target->uuid;
    made.parameters = write_order(order);
    made.created = clock.now();
    made.updated = clock.now();
    store.write([&](db::Tx& tx) { return operation::start(tx, node.queue(), made, kReplayTask); });
    return made;
  }
  Operation now(const Operation& operation) {
    return *store.read([&](db::Tx& tx) { return operation::find_operation(tx, operation.id); });
  }
  queue::Outcome ran(const Operation& operation) {
    queue::Task task;
    task.lane = operation.lane();
    task.ref = operation.id.uuid;
    return ::testing::must(::testing::run(outcome_of(handler.run(task))));
  }
  std::vector<queue::Task> made(const Subscription& subscription) { return waiting(subscription.lane()); }
  std::vector<queue::Task> waiting(queue::LaneId lane) {
    return store.read([&](db::Tx& tx) { return queue::pending(tx, lane, {.limit = 10'000}); });
  }

  /// Ids of a thread never step back: the clock begins where other tests' ids have ended.
  static ::testing::FakeClock later_clock() {
    ::testing::FakeClock made;
    made.advance(base::time_of(base::make_uuid(made.now())) + 1s - made.now());
    return made;
  }

  const crypto::KeyRing ring = make_key_ring();
  ::testing::FakeClock clock = later_clock();
  ::testing::FaultyDb faulty{*store};
  ::testing::Node node{faulty, clock};  // not started: nothing takes the deliveries away
  Book book;
  ReplayHandler handler{faulty, book, node.queue(), clock};
  const TenantId acme = TenantId::make(kNow);
  const TenantId other = TenantId::make(kNow);
  Subscription shop = make_subscription(acme);
  Subscription ledger = make_subscription(acme);
};

INSTANTIATE_TEST_SUITE_P(Engines, Replays, ::testing::both_engines(), ::testing::engine_name);

using Ids = std::vector<DeliveryId>;

TEST_P(Replays, find_deliveries_by_what_became_of_them) {
  Delivery refused = ended(shop);
  refused.last.response_status = 503;
  refused.last.error_class = "HTTP_5XX";
  refused.error_signature = "503 at shop";
  const DeliveryId of_503 = insert(refused);
  Delivery unreachable = ended(ledger);
  unreachable.last.error_class = "CONNECT_REFUSED";
  const DeliveryId of_connect = insert(unreachable);
  const DeliveryId good = insert(ended(shop, "DELIVERED"));
  Delivery paid = ended(shop, "SKIPPED");
  paid.event_type = "invoice.paid";
  const DeliveryId skipped = insert(paid);

  EXPECT_EQ(found({}), (Ids{of_503, of_connect, good, skipped}));
  EXPECT_EQ(found({{.statuses = {"FAILED"}}}), (Ids{of_503, of_connect}));
  EXPECT_EQ(found({{.statuses = {"FAILED", "SKIPPED"}}}), (Ids{of_503, of_connect, skipped}));
  EXPECT_EQ(found({{.response_class = 5}}), (Ids{of_503}));
  EXPECT_EQ(found({{.response_status = 500}}), Ids{});
  EXPECT_EQ(found({{.error_class = "CONNECT_REFUSED"}}), (Ids{of_connect}));
  EXPECT_EQ(found({{.error_signature = "503 at shop"}}), (Ids{of_503}));
  EXPECT_EQ(found({{.event_type = "invoice.paid"}}), (Ids{skipped}));
  EXPECT_EQ(found({{.subscription = ledger.id}}), (Ids{of_connect}));
  EXPECT_EQ(found({{.statuses = {"FAILED"}}, {good, of_503}}), (Ids{of_503}));
}

TEST_P(Replays, find_deliveries_of_a_period) {
  const DeliveryId first = insert(ended(shop));
  clock.advance(1h);
  const base::Time second_made = clock.now();
  const DeliveryId second = insert(ended(shop));
  clock.advance(1h);
  const base::Time third_made = clock.now();
  const DeliveryId third = insert(ended(shop));

  EXPECT_EQ(found({{.created = {.from = second_made}}}), (Ids{second, third}));
  EXPECT_EQ(found({{.created = {.before = third_made}}}), (Ids{first, second}));
  EXPECT_EQ(found({{.created = {second_made, third_made}}}), (Ids{second}));
}

TEST_P(Replays, leave_out_tests_foreign_ones_and_what_had_not_ended) {
  Delivery test = ended(shop);
  test.is_test = true;
  insert(test);
  Delivery foreign = ended(shop);
  foreign.tenant = other;
  insert(foreign);
  Delivery later = ended(shop);
  later.completed = clock.now() + 1s;
  insert(later);

  EXPECT_EQ(found({}), Ids{});
}

TEST_P(Replays, are_counted_for_each_subscription) {
  insert_many(11);
  insert(ended(ledger));
  const ReplayFilter all;
  const ReplayScope scope{acme, all, clock.now()};
  const auto count = [&](std::int64_t most) {
    return store.read([&](db::Tx& tx) {
      const FindPage find = [&](const base::Uuid& after, std::size_t) {
        return find_replayable(tx, scope, after, 5);
      };
      return count_pages(find, most, base::Deadline::max());
    });
  };

  const auto counted = count(10'000);
  const auto bounded = count(5);

  EXPECT_EQ(counted.count, 12);
  EXPECT_TRUE(counted.exact);
  EXPECT_EQ(counted.by_subscription, (std::map<SubscriptionId, std::int64_t>{{shop.id, 11}, {ledger.id, 1}}));
  EXPECT_EQ(bounded.count, 5);
  EXPECT_FALSE(bounded.exact);
}

TEST_P(Replays, make_each_delivery_again) {
  Delivery twice = ended(ledger);
  twice.replay_no = 2;
  insert(twice);
  const DeliveryId once = insert(ended(shop));
  const Operation begun = start({.url = "https://example.org/", .with_credentials = true});

  EXPECT_EQ(ran(begun).verdict.kind, Verdict::Kind::done);

  const auto tasks = waiting(detour_lane(shop.id));
  ASSERT_EQ(tasks.size(), 1u);
  const DeliveryArgs args = read_args(tasks[0].args);
  EXPECT_EQ(args.replay_no, 1);
  EXPECT_EQ(args.replay_of, once);
  EXPECT_EQ(args.url, "https://example.org/");
  EXPECT_TRUE(args.with_credentials);
  EXPECT_EQ(args.operation, begun.id.uuid);
  EXPECT_FALSE(tasks[0].timed);
  EXPECT_EQ(read_args(waiting(detour_lane(ledger.id)).at(0).args).replay_no, 3);
  const Operation after = now(begun);
  EXPECT_EQ(after.status, Status::completed);
  EXPECT_EQ(after.done, 2);
  EXPECT_EQ(after.total, 2);
  EXPECT_EQ(after.failed, 0);
  EXPECT_EQ(after.started, clock.now());
  EXPECT_EQ(after.finished, clock.now());
  EXPECT_EQ(store.integer("SELECT count(*) FROM lanes WHERE id = $1", {begun.id}), 0);
}

TEST_P(Replays, take_the_lane_of_the_subscription_where_the_url_is_its_own) {
  insert(ended(shop));

  ran(start({.url = shop.url}));

  ASSERT_EQ(made(shop).size(), 1u);
  EXPECT_EQ(read_args(made(shop)[0].args).url, "");
  EXPECT_TRUE(waiting(detour_lane(shop.id)).empty());
}

TEST_P(Replays, are_held_in_a_lane_of_their_own_where_the_subscription_s_is) {
  store.write([&](db::Tx& tx) { return queue::set_lane_state(tx, shop.lane(), queue::LaneState::paused); });
  insert(ended(shop));
  insert(ended(ledger));

  ran(start({.url = "https://example.org/"}));

  const auto state = [&](const Subscription& of) {
    return store.text("SELECT state FROM lanes WHERE id = $1", {detour_lane(of.id)});
  };
  EXPECT_EQ(state(shop), "PAUSED");
  EXPECT_EQ(state(ledger), "ACTIVE");
}

TEST_P(Replays, go_on_piece_by_piece_until_all_is_done) {
  insert_many(1100);
  const Operation begun = start({});

  EXPECT_EQ(ran(begun).verdict.kind, Verdict::Kind::retry_at);
  EXPECT_EQ(made(shop).size(), 500u);
  EXPECT_EQ(now(begun).status, Status::running);
  EXPECT_EQ(now(begun).done, 500);
  EXPECT_EQ(ran(begun).verdict.kind, Verdict::Kind::retry_at);
  EXPECT_EQ(ran(begun).verdict.kind, Verdict::Kind::done);

  EXPECT_EQ(made(shop).size(), 1100u);
  EXPECT_EQ(now(begun).done, 1100);
}

TEST_P(Replays, do_no_piece_twice_when_its_answer_is_lost) {
  const Ids ids = insert_many(600);
  const Operation begun = start({});
  faulty.lose_answers(1);

  EXPECT_EQ(ran(begun).verdict.kind, Verdict::Kind::retry_at);
  EXPECT_EQ(made(shop).size(), 500u);
  EXPECT_EQ(ran(begun).verdict.kind, Verdict::Kind::done);

  std::set<DeliveryId> replayed;
  for (const queue::Task& task : made(shop)) replayed.insert(*read_args(task.args).replay_of);
  EXPECT_EQ(replayed, std::set(ids.begin(), ids.end()));
  EXPECT_EQ(made(shop).size(), 600u);
}

TEST_P(Replays, try_again_when_the_store_refuses_a_piece) {
  insert_many(1);
  const Operation begun = start({});
  faulty.refuse_writes(1);

  const queue::Outcome refused = ran(begun);

  EXPECT_EQ(refused.verdict.kind, Verdict::Kind::retry_at);
  EXPECT_EQ(refused.verdict.at, clock.now() + 1s);
  EXPECT_TRUE(made(shop).empty());
  EXPECT_EQ(now(begun).status, Status::pending);
}

TEST_P(Replays, count_what_is_gone_by_its_reason) {
  const Delivery without_event = ended(shop);
  insert(without_event);
  store.write([&](db::Tx& tx) { return tx.exec("DELETE FROM events"); });
  Subscription removed = make_subscription(acme);
  insert(ended(removed));
  insert(ended(shop));
  const Operation begun = start({});

  ran(begun);

  EXPECT_EQ(made(shop).size(), 1u);
  const Operation after = now(begun);
  EXPECT_EQ(after.done, 3);
  EXPECT_EQ(after.failed, 2);
  EXPECT_EQ(after.reasons.at("EVENT_GONE"), 1);
  EXPECT_EQ(after.reasons.at("SUBSCRIPTION_GONE"), 1);
}

TEST_P(Replays, of_what_was_missed_wait_until_the_subscription_can_be_used) {
  store.write([&](db::Tx& tx) {
    const event::EventPtr event = make_event(acme, "order.created", clock.now());
    return event::insert_events(tx, {{event}}, {{0}});
  });
  clock.advance(1s);
  shop.broken = "its secret cannot be opened";
  book.put(share(shop.copy()));
  const Operation begun = start({}, kRecoveryOperation, shop.id);

  EXPECT_EQ(ran(begun).verdict.kind, Verdict::Kind::retry_at);
  EXPECT_TRUE(made(shop).empty());
  EXPECT_EQ(now(begun).status, Status::pending);

  shop.broken.clear();
  ++shop.version;
  book.put(share(shop.copy()));
  EXPECT_EQ(ran(begun).verdict.kind, Verdict::Kind::done);
  EXPECT_EQ(made(shop).size(), 1u);
}

TEST_P(Replays, keep_the_rate_that_was_asked_for) {
  insert_many(25);
  const Operation begun = start({.rate = 10});
  const base::Time t0 = clock.now();

  const queue::Outcome first = ran(begun);

  EXPECT_EQ(first.verdict.kind, Verdict::Kind::retry_at);
  EXPECT_EQ(first.verdict.at, t0 + 1s);
  auto tasks = made(shop);
  ASSERT_EQ(tasks.size(), 20u);  // of two seconds
  std::ranges::sort(tasks, {}, &queue::Task::due);
  EXPECT_EQ(tasks[0].due, t0);
  EXPECT_FALSE(tasks[0].timed);
  EXPECT_EQ(tasks[1].due, t0 + 100ms);
  EXPECT_TRUE(tasks[1].timed);
  EXPECT_EQ(tasks[19].due, t0 + 1900ms);

  clock.advance(1s);
  EXPECT_EQ(ran(begun).verdict.kind, Verdict::Kind::done);
  tasks = made(shop);
  std::ranges::sort(tasks, {}, &queue::Task::due);
  EXPECT_EQ(tasks[20].due, t0 + 2s);
  EXPECT_EQ(tasks[24].due, t0 + 2400ms);
}

TEST_P(Replays, do_not_make_up_for_lost_time) {
  insert_many(25);
  const Operation begun = start({.rate = 10});
  ran(begun);
  clock.advance(1h);

  ran(begun);

  auto tasks = made(shop);
  std::ranges::sort(tasks, {}, &queue::Task::due);
  EXPECT_EQ(tasks[20].due, clock.now());
  EXPECT_EQ(tasks[21].due, clock.now() + 100ms);
}

TEST_P(Replays, do_nothing_once_cancelled) {
  insert_many(600);
  const Operation begun = start({});
  ran(begun);
  store.write([&](db::Tx& tx) { return operation::cancel(tx, node.queue(), begun, clock.now()); });

  EXPECT_EQ(ran(begun).verdict.kind, Verdict::Kind::done);

  EXPECT_EQ(made(shop).size(), 500u);
  EXPECT_EQ(now(begun).status, Status::cancelled);
}

TEST_P(Replays, fail_where_their_parameters_cannot_be_read) {
  Operation begun = start({});
  store.write([&](db::Tx& tx) { return tx.exec("UPDATE operations SET parameters = '{'"); });

  EXPECT_EQ(ran(begun).verdict.kind, Verdict::Kind::done);

  EXPECT_EQ(now(begun).status, Status::failed);
  EXPECT_NE(now(begun).error, "");
}

TEST_P(Replays, fail_where_the_process_ended_too_often_in_the_midst_of_them) {
  const Operation begun = start({});
  queue::Task task;
  task.ref = begun.id.uuid;
  const queue::Outcome given_up{Verdict::done()};
  const queue::Finished finished{&task, &given_up};

  store.write([&](db::Tx& tx) { return handler.record(tx, {{finished}}); });

  EXPECT_EQ(now(begun).status, Status::failed);
}

TEST_P(Replays, are_counted_by_what_became_of_them) {
  const Operation begun = start({});
  for (const char* status : {"DELIVERED", "DELIVERED", "FAILED", "CANCELLED"}) {
    Delivery replay = ended(shop, status);
    replay.operation = begun.id.uuid;
    insert(replay);
  }
  insert(ended(shop));

  const auto outcomes = store.read([&](db::Tx& tx) { return outcomes_of(tx, acme, begun.id); });

  EXPECT_EQ(outcomes.delivered, 2);
  EXPECT_EQ(outcomes.failed, 1);
  EXPECT_EQ(outcomes.cancelled, 1);
}

}  // namespace

}  // namespace outbound
