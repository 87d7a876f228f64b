#include "monitor/housekeeping.hpp"

#include <gtest/gtest.h>

#include "event/event_store.hpp"
#include "event/idempotency.hpp"
#include "operation/operation.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/history/error_group.hpp"
#include "outbound/history/history.hpp"
#include "outbound/history/search.hpp"
#include "outbound/subscription/fixture.hpp"
#include "outbound/subscription/statistics.hpp"
#include "testing/core_db.hpp"
#include "testing/eventually.hpp"
#include "testing/fake_clock.hpp"
#include "testing/faulty_db.hpp"
#include "testing/node.hpp"
#include "testing/run.hpp"

namespace monitor {

namespace {

using namespace std::chrono_literals;
using base::TenantId;
using event::kIdempotencyPeriod;

base::Task<queue::Outcome> run_once(HousekeepingHandler& handler) {
  const queue::Task task;
  co_return co_await handler.run(task);
}

class Housekeeping : public ::testing::StoreTest {
 protected:
  /// Keys that were used so long ago: "name 0", "name 1", …
  void use_keys(const std::string& name, std::size_t count, std::chrono::microseconds ago) {
    store.write([&](db::Tx& tx) -> base::Result<void> {
      for (std::size_t i = 0; i < count; ++i) {
        const event::IdempotencyKey key{tenant, "events", name + " " + std::to_string(i), "hash"};
        XD_DO(event::begin_idempotent(tx, key, clock.now() - ago));
      }
      return {};
    });
  }
  std::vector<std::string> keys() { return store.texts("SELECT key FROM idempotency_keys ORDER BY key"); }
  std::int64_t count(const std::string& table) { return store.integer("SELECT count(*) FROM " + table); }
  queue::Outcome run() {
    HousekeepingHandler handler({faulty, *logs, clock, retention});
    return ::testing::must(::testing::run(run_once(handler)));
  }
  std::size_t writes_of_a_run() {
    const std::size_t before = faulty.writes();
    run();
    return faulty.writes() - before;
  }
  /// One of that moment: a thread's own ids never step back.
  base::Uuid id_of(base::Time moment) {
    base::Uuid id = base::first_uuid_of(moment);
    ++ids_made;
    id.bytes[14] = static_cast<std::uint8_t>(ids_made >> 8);
    id.bytes[15] = static_cast<std::uint8_t>(ids_made);
    return id;
  }
  /// An event of so long ago, and a delivery of it that ended then.
  event::EventPtr publish(std::chrono::hours ago) {
    event::Event old = *outbound::make_event(tenant, "order.created", clock.now() - ago);
    old.id = event::EventId{id_of(old.created)};
    const event::EventPtr made = std::make_shared<const event::Event>(std::move(old));
    store.write([&](db::Tx& tx) { return event::insert_events(tx, {{made}}, {{1}}); });
    return made;
  }
  outbound::Delivery deliver(const event::EventPtr& of, std::string status = "DELIVERED", int attempts = 1) {
    outbound::Delivery d{.id = outbound::DeliveryId{id_of(of->created)}};
    d.tenant = tenant;
    d.subscription = shop.id;
    d.event = of->id;
    d.event_type = of->type;
    d.status = std::move(status);
    d.created = of->created;
    d.completed = of->created + 1s;
    d.last = {.number = attempts, .outcome = d.status, .started = of->created};
    store.write([&](db::Tx& tx) -> base::Result<void> {
      for (int i = 1; i < attempts; ++i) {
        XD_DO(outbound::insert_attempts(tx, {{d.id, shop.id, tenant, {.number = i, .outcome = "FAILED"}}}));
      }
      return outbound::insert_deliveries(tx, {d});
    });
    return d;
  }
  /// A delivery of the event that still waits.
  void wait_for(const event::EventPtr& of, const outbound::DeliveryArgs* args = nullptr) {
    const queue::Task task = outbound::make_delivery_task(shop, of, clock.now(), args);
    store.write([&](db::Tx& tx) { return queue::insert_tasks(tx, {{task}}); });
  }
  bool has(const event::EventPtr& one) {
    return store.read([&](db::Tx& tx) { return event::find_event(tx, tenant, one->id); }).has_value();
  }
  std::vector<outbound::DeliveryId> history() {
    std::vector<outbound::DeliveryId> ids;
    const auto found = store.read([&](db::Tx& tx) {
      return outbound::search_finished(tx, {.tenant = tenant, .page = {.limit = 10'000}});
    });
    for (const outbound::Delivery& one : found.deliveries) ids.push_back(one.id);
    return ids;
  }
  void ensure() {
    store.write([&](db::Tx& tx) { return ensure_housekeeping(tx, node.queue(), clock.now()); });
  }

  ::testing::FakeClock clock;
  int ids_made = 0;
  Retention retention;
  outbound::TestLog logs;
  ::testing::FaultyDb faulty{*store};
  ::testing::Node node{*store, clock, {.shard = {.node = base::make_uuid(clock.now())}}};
  const TenantId tenant = TenantId::make(clock.now());
  const outbound::Subscription shop = outbound::make_subscription(tenant);
};

INSTANTIATE_TEST_SUITE_P(Engines, Housekeeping, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Housekeeping, forgets_idempotency_keys_whose_period_is_over_and_keeps_the_younger) {
  use_keys("over", 2, kIdempotencyPeriod + 1us);
  use_keys("just not over", 1, kIdempotencyPeriod);
  use_keys("of now", 1, 0us);

  run();

  EXPECT_EQ(keys(), (std::vector<std::string>{"just not over 0", "of now 0"}));
}

TEST_P(Housekeeping, goes_by_the_clock) {
  use_keys("key", 1, 0us);
  run();
  EXPECT_EQ(count("idempotency_keys"), 1);

  clock.advance(kIdempotencyPeriod + 1us);
  run();

  EXPECT_EQ(count("idempotency_keys"), 0);
}

TEST_P(Housekeeping, forgets_all_of_them_in_one_run_a_piece_in_each_transaction) {
  const std::size_t idle = writes_of_a_run();
  use_keys("over", 1001, 25h);
  use_keys("young", 2, 23h);

  EXPECT_EQ(writes_of_a_run(), idle + 2);

  EXPECT_EQ(keys(), (std::vector<std::string>{"young 0", "young 1"}));
}

TEST_P(Housekeeping, forgets_operations_a_month_after_their_end) {
  operation::Operation ended{.id = operation::OperationId::make(clock.now()), .tenant = tenant};
  ended.status = operation::Status::completed;
  ended.finished = clock.now();
  store.write([&](db::Tx& tx) { return operation::insert_operation(tx, ended); });
  clock.advance(operation::kOperationPeriod);
  run();
  EXPECT_EQ(count("operations"), 1);

  clock.advance(1us);
  run();

  EXPECT_EQ(count("operations"), 0);
}

TEST_P(Housekeeping, ends_after_a_last_piece_that_was_full) {
  const std::size_t idle = writes_of_a_run();
  use_keys("over", 500, 25h);

  EXPECT_EQ(writes_of_a_run(), idle + 1);

  EXPECT_EQ(count("idempotency_keys"), 0);
}

TEST_P(Housekeeping, removes_events_that_are_kept_no_longer) {
  const auto old = publish(31 * 24h);
  const auto young = publish(29 * 24h);

  run();

  EXPECT_FALSE(has(old));
  EXPECT_TRUE(has(young));
}

TEST_P(Housekeeping, never_removes_an_event_that_a_delivery_waits_for) {
  const auto waiting = publish(100 * 24h);
  const auto replayed = publish(99 * 24h);
  const auto old = publish(98 * 24h);
  wait_for(waiting);
  const outbound::DeliveryArgs args{.replay_no = 1};
  wait_for(replayed, &args);

  run();

  EXPECT_TRUE(has(waiting));
  EXPECT_TRUE(has(replayed));
  EXPECT_FALSE(has(old));
  EXPECT_EQ(count("tasks"), 2);
  store.write([](db::Tx& tx) { return tx.exec("DELETE FROM tasks"); });
  run();
  EXPECT_EQ(count("events"), 0);
}

TEST_P(Housekeeping, keeps_an_event_whose_replay_begins_while_it_cleans) {
  const auto old = publish(31 * 24h);
  const outbound::DeliveryArgs args{.replay_no = 1};
  wait_for(old, &args);
  event::EventSweep sweep{.tenant = tenant};

  store.write(
      [&](db::Tx& tx) { return event::forget_events(tx, sweep, base::first_uuid_of(clock.now()), {}, 10); });

  EXPECT_TRUE(has(old));
}

TEST_P(Housekeeping, removes_deliveries_with_their_attempts) {
  store.write([&](db::Tx& tx) { return outbound::insert_tenant_of(tx, tenant); });
  deliver(publish(40 * 24h));
  deliver(publish(35 * 24h), "FAILED", 3);
  deliver(publish(31 * 24h), "SKIPPED");
  const auto young = deliver(publish(29 * 24h), "FAILED", 2);
  const auto newest = deliver(publish(1h));

  run();

  EXPECT_EQ(history(), (std::vector{newest.id, young.id}));
  EXPECT_EQ(count("webhook_deliveries"), 2);
  EXPECT_EQ(count("delivery_attempts"), 1);
  if (GetParam() == db::Engine::sqlite) EXPECT_EQ(count("delivery_index"), 6);
}

TEST_P(Housekeeping, removes_very_many_deliveries_in_pieces) {
  store.write([&](db::Tx& tx) { return outbound::insert_tenant_of(tx, tenant); });
  const std::size_t idle = writes_of_a_run();
  const auto old = publish(31 * 24h);
  for (int i = 0; i < 250; ++i) deliver(old);
  const auto newest = deliver(publish(1h));

  EXPECT_EQ(writes_of_a_run(), idle + 3);  // two full pieces more, and one for the event's tenant

  EXPECT_EQ(history(), std::vector{newest.id});
}

TEST_P(Housekeeping, keeps_for_good_what_has_no_days) {
  retention = {.events = {}, .deliveries = {}, .logs = {}, .statistics = {}};
  const auto old = publish(10'000h);
  deliver(old);

  run();

  EXPECT_TRUE(has(old));
  EXPECT_EQ(history().size(), 1u);
}

TEST_P(Housekeeping, sums_up_statistics_and_forgets_their_minutes) {
  store.write([&](db::Tx& tx) {
    return outbound::add_counts(tx, {{shop.id, {tenant, {.delivered = 3}}}}, clock.now() - 100h);
  });

  run();

  EXPECT_EQ(count("delivery_minutes"), 0);
  EXPECT_EQ(store.integers("SELECT delivered FROM delivery_hours"), (std::vector<std::int64_t>{3, 3}));
  clock.advance(400 * 24h);
  run();
  EXPECT_EQ(count("delivery_hours"), 0);
}

TEST_P(Housekeeping, gives_the_room_of_what_it_removed_back) {
  if (GetParam() != db::Engine::sqlite) return;
  const auto pages = [&] { return store.integer("SELECT page_count FROM pragma_page_count"); };
  store.write([&](db::Tx& tx) -> base::Result<void> {
    for (int i = 0; i < 2000; ++i) {
      event::Event big = *outbound::make_event(tenant, "order.created", clock.now() - 31 * 24h);
      big.id = event::EventId{id_of(big.created)};
      big.data = "\"" + std::string(6000, 'x') + "\"";
      const event::EventPtr made = std::make_shared<const event::Event>(std::move(big));
      XD_DO(event::insert_events(tx, {{made}}, {{1}}));
    }
    return {};
  });
  const std::int64_t full = pages();

  run();

  EXPECT_GT(full, 2000);
  EXPECT_LT(pages(), full / 4);
}

TEST_P(Housekeeping, is_due_again_after_ten_minutes) {
  const queue::Outcome outcome = run();

  EXPECT_EQ(outcome.verdict.kind, queue::Verdict::Kind::retry_at);
  EXPECT_EQ(outcome.verdict.at, clock.now() + 10min);
  EXPECT_EQ(outcome.signal, queue::Signal::neutral);
}

TEST_P(Housekeeping, is_due_again_where_the_store_fails_and_then_does_what_is_left) {
  use_keys("over", 3, 25h);
  faulty.refuse_writes(1);

  const queue::Outcome outcome = run();

  EXPECT_EQ(outcome.verdict.kind, queue::Verdict::Kind::retry_at);
  EXPECT_EQ(outcome.verdict.at, clock.now() + 10min);
  EXPECT_EQ(count("idempotency_keys"), 3);
  run();
  EXPECT_EQ(count("idempotency_keys"), 0);
}

TEST_P(Housekeeping, is_one_task_in_one_lane_that_is_due_at_once) {
  ensure();

  EXPECT_EQ(store.texts("SELECT kind FROM lanes"), std::vector<std::string>{kHousekeepingKind});
  EXPECT_EQ(store.texts("SELECT kind FROM tasks"), std::vector<std::string>{kHousekeepingKind});
  EXPECT_EQ(store.integer("SELECT count(*) FROM tasks WHERE lane_id = $1", {housekeeping_lane()}), 1);
  EXPECT_EQ(store.integer("SELECT due_at FROM tasks"), base::to_micros(clock.now()));
}

TEST_P(Housekeeping, is_not_made_again_by_a_later_start) {
  ensure();
  clock.advance(1h);

  ensure();

  EXPECT_EQ(count("lanes"), 1);
  EXPECT_EQ(count("tasks"), 1);
  EXPECT_EQ(store.integer("SELECT due_at FROM tasks"), base::to_micros(clock.now() - 1h));
}

TEST_P(Housekeeping, is_run_by_the_queue_and_waits_there_for_its_next_time) {
  use_keys("over", 3, 25h);
  HousekeepingHandler handler({*store, *logs, clock});
  node.add_handler(kHousekeepingKind, handler);
  node.start();

  ensure();

  const std::int64_t next = base::to_micros(clock.now() + 10min);
  EXPECT_TRUE(::testing::eventually([&] { return store.integer("SELECT due_at FROM tasks") == next; }));
  EXPECT_EQ(count("tasks"), 1);
  EXPECT_EQ(count("idempotency_keys"), 0);
  node.stop();
}

}  // namespace

}  // namespace monitor
