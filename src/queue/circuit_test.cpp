// Circuits of lanes beyond their breaker: numbered, reset, counted, kept in the lane's row.
#include <gtest/gtest.h>

#include "queue/queue_store.hpp"
#include "queue/scheduler_test.hpp"
#include "testing/core_db.hpp"

namespace queue {

namespace {

using namespace std::chrono_literals;
using ::testing::make_lane_id;
using ::testing::make_task;
using ::testing::make_tasks;
using ::testing::make_tenant_id;

class CircuitTest : public ::testing::Test {
 protected:
  void open_circuit() {
    scheduler.add(make_tasks({.lane = lane}, 3));
    scheduler.release(scheduler.next().value(), Signal::failure);
  }

  const LaneId lane = make_lane_id();
  TestedScheduler scheduler{Scheduler::Options{.slots = 10, .circuit = {.failures = 1, .open = 60s}}};
};

TEST_F(CircuitTest, holds_its_lane_until_the_lane_gets_another_number) {
  open_circuit();
  EXPECT_FALSE(scheduler.next());
  EXPECT_EQ(scheduler->open_circuits(), 1u);

  scheduler.set_policy(lane, {.in_flight_max = 7});
  EXPECT_FALSE(scheduler.next()) << "the same number";
  scheduler.set_policy(lane, {.circuit_no = 1});

  EXPECT_TRUE(scheduler.next());
  EXPECT_EQ(scheduler->open_circuits(), 0u);
}

TEST_F(CircuitTest, of_the_store_counts_unless_it_is_over) {
  const Breaker::Open open{scheduler.now + 60s, 60s, scheduler.now};
  scheduler.set_policy(lane, {.circuit_no = 2});
  scheduler.add(make_tasks({.lane = lane}, 2));

  scheduler->restore_circuit(lane, open, 1);
  EXPECT_TRUE(scheduler.next());
  EXPECT_EQ(scheduler->open_circuits(), 0u);
  scheduler->restore_circuit(lane, open, 2);

  EXPECT_FALSE(scheduler.next());
  EXPECT_EQ(scheduler->open_circuits(), 1u);
}

TEST_F(CircuitTest, is_counted_no_longer_when_its_lane_is_gone) {
  open_circuit();

  scheduler->drop_circuit(lane, scheduler.now);
  scheduler->drop_circuit(make_lane_id(), scheduler.now);

  EXPECT_EQ(scheduler->open_circuits(), 0u);
}

class StoredCircuit : public ::testing::StoreTest {
 protected:
  StoredCircuit() {
    store.write([&](db::Tx& tx) -> Result<void> {
      if (tx.engine() == db::Engine::postgres) XD_DO(renew(tx, {node}, 60s));
      return insert_lane(tx, task.lane, task.tenant, "test", LaneState::active);
    });
  }
  Lease lease() {
    return store.write([&](db::Tx& tx) { return acquire(tx, task.lane, node); }).value();
  }
  void close(const Breaker::Change& change) {
    const Outcome outcome{.verdict = Verdict::done(), .circuit = change};
    const std::int64_t epoch = lease().epoch;
    store.write([&](db::Tx& tx) -> Result<void> {
      XD_DO(insert_tasks(tx, {{task}}));
      const std::vector<Closing> closings = {{&task, &outcome, epoch}};
      XD_DO(queue::close(tx, closings, node));
      return {};
    });
  }

  const base::Uuid node = base::make_uuid(kThen);
  const Task task = make_task({.lane = make_lane_id(), .tenant = make_tenant_id(), .now = kThen});
  const Breaker::Open open{kThen + 60s, 60s, kThen};
};

INSTANTIATE_TEST_SUITE_P(Engines, StoredCircuit, ::testing::both_engines(), ::testing::engine_name);

TEST_P(StoredCircuit, is_kept_with_its_number_and_beginning) {
  EXPECT_EQ(lease().circuit, std::nullopt);

  close({Breaker::Change::Kind::opened, open, 3});
  EXPECT_EQ(lease().circuit, open);
  EXPECT_EQ(lease().circuit_no, 3);

  close({Breaker::Change::Kind::closed, std::nullopt, 3});
  EXPECT_EQ(lease().circuit, std::nullopt);
}

TEST_P(StoredCircuit, is_not_changed_by_one_that_is_over) {
  close({Breaker::Change::Kind::opened, open, 3});

  close({Breaker::Change::Kind::closed, std::nullopt, 2});

  EXPECT_EQ(lease().circuit, open);
}

}  // namespace

}  // namespace queue
