#include "monitor/housekeeping.hpp"

#include <gtest/gtest.h>

#include "event/idempotency.hpp"
#include "operation/operation.hpp"
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
    HousekeepingHandler handler(faulty, clock);
    return ::testing::must(::testing::run(run_once(handler)));
  }
  void ensure() {
    store.write([&](db::Tx& tx) { return ensure_housekeeping(tx, node.queue(), clock.now()); });
  }

  ::testing::FakeClock clock;
  ::testing::FaultyDb faulty{*store};
  ::testing::Node node{*store, clock, {.shard = {.node = base::make_uuid(clock.now())}}};
  const TenantId tenant = TenantId::make(clock.now());
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
  use_keys("over", 1001, 25h);
  use_keys("young", 2, 23h);

  run();

  EXPECT_EQ(keys(), (std::vector<std::string>{"young 0", "young 1"}));
  EXPECT_EQ(faulty.writes(), 3u);
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
  use_keys("over", 500, 25h);

  run();

  EXPECT_EQ(count("idempotency_keys"), 0);
  EXPECT_EQ(faulty.writes(), 2u);
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
  HousekeepingHandler handler(*store, clock);
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
