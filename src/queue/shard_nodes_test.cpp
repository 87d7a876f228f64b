// What shards make of each other's lanes: two nodes on one store.
#include "queue/shard_test.hpp"

namespace queue {

namespace {

using namespace std::chrono_literals;
using base::limits::kLaneTasksInMemoryMax;
using ::testing::eventually;
using ::testing::must;
using ::testing::ScriptedHandler;

constexpr std::size_t kMoreThanMemoryHolds = kLaneTasksInMemoryMax + 100;

/// On PostgreSQL only.
class TwoNodes : public ShardTest {
 protected:
  void lives(const base::Uuid& node, std::chrono::seconds lease) {
    store.write([&](db::Tx& tx) { return renew(tx, {node}, lease); });
  }

  const base::Uuid here = base::make_uuid(clock.now());
  const base::Uuid there = base::make_uuid(clock.now());
};

INSTANTIATE_TEST_SUITE_P(Engines, TwoNodes, ::testing::Values(db::Engine::postgres), ::testing::engine_name);

TEST_P(TwoNodes, run_each_task_on_the_node_that_holds_its_lane) {
  ScriptedHandler handler(clock);
  ScriptedHandler idle(clock);
  lives(here, 60s);
  lives(there, 60s);
  const auto node = start_node(handler, {.shard = {.node = here}});
  const auto other = start_node(idle, {.shard = {.node = there}});
  const LaneId lane = make_lane();
  make_known(*node, handler, lane);

  const std::vector<Task> tasks = make_tasks(lane, 3);
  must(other->enqueue(tasks));  // accepted there, but the lane is here
  other->settle();
  node->queue().look({lane});

  ASSERT_TRUE(eventually([&] { return all_done(4); }));
  expect_each_ran_once(handler, tasks);
  EXPECT_EQ(idle.count(), 0u);
}

TEST_P(TwoNodes, take_over_the_lanes_of_a_dead_one) {
  ScriptedHandler handler(clock);
  lives(here, 60s);
  lives(there, 60s);
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks(lane, 3);
  insert(tasks);
  ASSERT_TRUE(store.write([&](db::Tx& tx) { return acquire(tx, lane, there); }));
  const auto node = start_node(handler, {.shard = {.node = here}});
  must(node->recover());
  make_known(*node, handler, make_lane());
  EXPECT_EQ(waiting(lane), 3);

  lives(there, -1s);
  node->queue().look({lane});

  ASSERT_TRUE(eventually([&] { return all_done(4); }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(TwoNodes, change_nothing_of_a_lane_that_was_taken_from_them_and_serve_it_when_it_is_theirs_again) {
  ScriptedHandler handler(clock);
  lives(here, 60s);
  lives(there, 60s);
  const auto node = start_node(handler, {.shard = {.node = here}});
  const LaneId lane = make_lane();
  make_known(*node, handler, lane);
  // As after a long pause of this process: it does not know yet that its lease ended meanwhile.
  store.write([&](db::Tx& tx) {
    return tx.exec("UPDATE lanes SET owner = $2, epoch = epoch + 1 WHERE id = $1", {lane, there});
  });
  const std::vector<Task> tasks = make_tasks(lane, kMoreThanMemoryHolds);
  must(node->enqueue(tasks));
  node->queue().look({lane});
  make_known(*node, handler, make_lane());
  EXPECT_EQ(waiting(lane), static_cast<std::int64_t>(tasks.size()));
  EXPECT_EQ(handler.count(), 2u);

  lives(there, -1s);
  ASSERT_TRUE(eventually([&] {
    node->queue().look({lane});  // once a second, in the program
    return waiting(lane) == 0;
  }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(TwoNodes, hear_of_what_the_other_accepts_for_a_lane_where_a_retry_waits) {
  ScriptedHandler handler(clock,
                          [this](const Task&) { return Outcome{Verdict::retry_at(clock.now() + 1h)}; });
  ScriptedHandler idle(clock);
  lives(here, 60s);
  lives(there, 60s);
  const auto node = start_node(handler, {.shard = {.node = here}});
  const auto other = start_node(idle, {.shard = {.node = there}});
  const LaneId lane = make_lane();
  must(node->enqueue(make_tasks(lane, 1)));
  ASSERT_TRUE(eventually([&] { return recorded(Verdict::Kind::retry_at) == 1; }));

  must(other->enqueue(make_tasks(lane, 1)));

  ASSERT_TRUE(eventually([&] {
    for (const Busy& busy : store.read(lanes_with_tasks)) node->queue().look(busy);
    return recorded(Verdict::Kind::retry_at) == 2;
  }));
}

}  // namespace

}  // namespace queue
