#include "queue/shard_test.hpp"

#include <future>

namespace queue {

namespace {

using namespace std::chrono_literals;
using base::limits::kLaneTasksInMemoryMax;
using base::limits::kUnknownAttemptsMax;
using ::testing::eventually;
using ::testing::ids_of;
using ::testing::must;
using ::testing::ScriptedHandler;

std::vector<TaskId> ids_of(const std::vector<ScriptedHandler::Run>& runs) {
  std::vector<TaskId> ids;
  for (const auto& run : runs) ids.push_back(run.task);
  return ids;
}

class RunningShard : public ShardTest {};

INSTANTIATE_TEST_SUITE_P(Engines, RunningShard, ::testing::both_engines(), ::testing::engine_name);

TEST_P(RunningShard, runs_a_task_once_and_removes_it) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const std::vector<Task> tasks = make_tasks(make_lane(), 1);

  must(node->enqueue(tasks));

  ASSERT_TRUE(eventually([&] { return all_done(1); }));
  expect_each_ran_once(handler, tasks);
  EXPECT_EQ(handler.runs()[0].attempt, 0);
}

TEST_P(RunningShard, runs_a_fresh_task_without_reading_it_back) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  make_known(*node, handler, lane);

  must(node->enqueue(make_tasks(lane, 1)));

  ASSERT_TRUE(eventually([&] { return all_done(2); }));
  EXPECT_TRUE(handler.runs()[0].hydrated);
  EXPECT_FALSE(handler.runs()[1].hydrated);
}

TEST_P(RunningShard, takes_the_tasks_of_a_lane_in_their_order) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const std::vector<Task> tasks = make_tasks(make_lane(), 100);

  must(node->enqueue(tasks));

  ASSERT_TRUE(eventually([&] { return all_done(100); }));
  EXPECT_EQ(ids_of(handler.runs()), ids_of(tasks));
}

TEST_P(RunningShard, runs_nothing_of_a_transaction_that_was_rolled_back) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  make_known(*node, handler, lane);

  const auto refused = store->write_now([&](db::Tx& tx) -> base::Result<void> {
    XD_DO(node->queue().enqueue(tx, make_tasks(lane, 3)));
    return base::fail(base::Code::invalid, "something else in it did not work");
  });
  must(node->enqueue(make_tasks(lane, 1)));

  EXPECT_FALSE(refused);
  ASSERT_TRUE(eventually([&] { return all_done(2); }));
  EXPECT_EQ(handler.count(), 2u);
}

TEST_P(RunningShard, runs_no_more_of_a_lane_at_once_than_its_window) {
  ScriptedHandler handler(clock);
  handler.hold();
  const auto node = start_node(handler);
  must(node->enqueue(make_tasks(make_lane(), 10)));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));

  node->settle();
  EXPECT_EQ(handler.running_most(), base::limits::kLaneWindowStart);
  EXPECT_EQ(node->on_shard([](Shard& shard) { return shard.running(); }), 2u);
  handler.release();

  EXPECT_TRUE(eventually([&] { return all_done(10); }));
}

TEST_P(RunningShard, runs_every_task_of_a_lane_that_has_more_than_memory_may_hold) {
  ScriptedHandler handler(clock);
  handler.hold();
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks(lane, 3 * kLaneTasksInMemoryMax);
  const std::size_t half = tasks.size() / 2;
  must(node->enqueue({tasks.begin(), tasks.begin() + half}));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));
  must(node->enqueue({tasks.begin() + half, tasks.end()}));

  node->settle();
  EXPECT_EQ(node->on_shard([](Shard& shard) { return shard.in_memory(); }), kLaneTasksInMemoryMax);
  handler.release();

  ASSERT_TRUE(eventually([&] { return all_done(tasks.size()); }));
  expect_each_ran_once(handler, tasks);
  EXPECT_EQ(node->on_shard([](Shard& shard) { return shard.in_memory(); }), 0u);
}

TEST_P(RunningShard, keeps_half_of_the_memory_for_lanes_that_deliver) {
  ScriptedHandler handler(clock);
  constexpr std::size_t kFits = 128;  // of tasks without a payload
  const auto node = start_node(handler, {.shard = {.bytes_max = kFits * 512}});
  const LaneId delivers = make_lane();
  make_known(*node, handler, delivers);
  handler.hold();
  std::vector<Task> unproven;
  for (int lane = 0; lane < 10; ++lane)
    std::ranges::copy(make_tasks(make_lane(), 20), std::back_inserter(unproven));
  must(node->enqueue(unproven));
  ASSERT_TRUE(eventually([&] { return handler.running() == 20; }));
  node->settle();
  EXPECT_LT(node->on_shard([](Shard& shard) { return shard.in_memory(); }), kFits);

  const std::vector<Task> tasks = make_tasks(delivers, 16);
  must(node->enqueue(tasks));
  node->settle();
  handler.release();

  ASSERT_TRUE(eventually([&] { return all_done(1 + unproven.size() + tasks.size()); }));
  for (const auto& run : handler.runs()) {
    if (std::ranges::find(tasks, run.task, &Task::id) != tasks.end()) EXPECT_FALSE(run.hydrated);
  }
}

TEST_P(RunningShard, runs_every_task_although_their_payloads_do_not_fit_into_memory) {
  ScriptedHandler handler(clock);
  handler.set_payload_bytes(100 << 10);
  handler.hold();
  const auto node = start_node(handler, {.shard = {.bytes_max = 1 << 20}});
  std::vector<Task> tasks;
  for (int lane = 0; lane < 5; ++lane)
    std::ranges::copy(make_tasks(make_lane(), 20), std::back_inserter(tasks));
  insert(tasks);

  must(node->recover());
  ASSERT_TRUE(eventually([&] { return handler.running() == 10; }));
  node->settle();
  // Ten fit; beside them each lane may hold a few, so that it makes progress.
  EXPECT_LE(node->on_shard([](Shard& shard) { return shard.in_memory(); }), 10u + 4 * 5);
  handler.release();

  ASSERT_TRUE(eventually([&] { return all_done(tasks.size()); }));
  expect_each_ran_once(handler, tasks);
  EXPECT_EQ(std::ranges::count(handler.runs(), false, &ScriptedHandler::Run::hydrated), 0);
}

TEST_P(RunningShard, runs_a_retry_not_before_its_moment) {
  base::Time due{};
  ScriptedHandler handler(clock, [&](const Task& task) {
    if (task.attempt == 1) return Outcome{};
    due = clock.now() + 50ms;
    return Outcome{Verdict::retry_at(due)};
  });
  const auto node = start_node(handler);

  must(node->enqueue(make_tasks(make_lane(), 1)));

  ASSERT_TRUE(eventually([&] { return all_done(1); }));
  ASSERT_EQ(handler.count(), 2u);
  EXPECT_GE(handler.runs()[1].at, due);
  EXPECT_EQ(handler.runs()[1].attempt, 1);
  EXPECT_EQ(recorded(Verdict::Kind::retry_at), 1);
}

TEST_P(RunningShard, runs_a_timed_task_not_before_its_moment) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId fresh = make_lane();
  const LaneId known = make_lane();
  make_known(*node, handler, known);
  const base::Time due = clock.now() + 50ms;

  for (const LaneId lane : {fresh, known}) {
    must(node->enqueue(
        {::testing::make_task({.lane = lane, .tenant = tenant, .now = clock.now(), .due = due})}));
  }

  ASSERT_TRUE(eventually([&] { return all_done(3); }));
  EXPECT_GE(handler.runs()[1].at, due);
  EXPECT_GE(handler.runs()[2].at, due);
}

TEST_P(RunningShard, runs_the_tasks_of_other_lanes_while_one_is_stuck) {
  const LaneId stuck = make_lane();
  ScriptedHandler holding(clock);
  holding.hold();
  ScriptedHandler handler(clock);
  ::testing::Node node(faulty, clock);
  node.add_handler("stuck", holding);
  node.add_handler(::testing::kTestKind, handler);
  node.start();
  std::vector<Task> tasks = make_tasks(stuck, 100);
  for (Task& task : tasks) task.kind = "stuck";
  must(node.enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return holding.running() == 2; }));

  for (int i = 0; i < 10; ++i) must(node.enqueue(make_tasks(make_lane(), 10)));

  EXPECT_TRUE(eventually([&] { return recorded(Verdict::Kind::done) == 100; }));
  EXPECT_EQ(waiting(stuck), 100);
  holding.release();
}

TEST_P(RunningShard, runs_nothing_of_a_paused_lane_until_it_goes_on) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId paused = make_lane(LaneState::paused);
  const std::vector<Task> tasks = make_tasks(paused, 5);
  must(node->enqueue({tasks.begin(), tasks.begin() + 3}));
  must(node->recover());
  make_known(*node, handler, make_lane());
  must(node->enqueue({tasks.begin() + 3, tasks.end()}));
  make_known(*node, handler, make_lane());
  EXPECT_EQ(waiting(paused), 5);
  EXPECT_EQ(handler.count(), 2u);

  must(node->set_state(paused, LaneState::active));

  ASSERT_TRUE(eventually([&] { return waiting(paused) == 0; }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(RunningShard, runs_to_its_end_what_runs_when_the_lane_is_paused_and_nothing_more) {
  ScriptedHandler handler(clock);
  handler.hold();
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks(lane, 10);
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));

  must(node->set_state(lane, LaneState::paused));
  node->settle();
  handler.release();
  ASSERT_TRUE(eventually([&] { return waiting(lane) == 8; }));
  make_known(*node, handler, make_lane());
  EXPECT_EQ(waiting(lane), 8);
  must(node->set_state(lane, LaneState::active));

  ASSERT_TRUE(eventually([&] { return waiting(lane) == 0; }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(RunningShard, runs_nothing_while_it_is_suspended) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId known = make_lane();
  const LaneId fresh = make_lane();
  make_known(*node, handler, known);
  node->queue().suspend(true);

  const std::vector<Task> tasks = make_tasks(known, 3);
  must(node->enqueue(tasks));
  must(node->enqueue(make_tasks(fresh, 3)));
  node->settle();
  EXPECT_EQ(handler.count(), 1u);
  EXPECT_EQ(waiting(), 6);
  node->queue().suspend(false);

  ASSERT_TRUE(eventually([&] { return all_done(7); }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(RunningShard, runs_nothing_of_a_deleted_lane_and_ends_what_runs_as_stale) {
  ScriptedHandler handler(clock);
  handler.hold();
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  must(node->enqueue(make_tasks(lane, 10)));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));

  const auto deleted = store.write([&](db::Tx& tx) { return node->queue().delete_lane(tx, lane); });
  node->settle();
  handler.release();

  EXPECT_EQ(deleted, 10);
  EXPECT_TRUE(eventually([&] { return recorded_stale() == 2; }));
  make_known(*node, handler, make_lane());
  EXPECT_EQ(handler.count(), 3u);
}

TEST_P(RunningShard, runs_what_it_can_handle_beside_a_task_that_nobody_can) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  std::vector<Task> tasks = make_tasks(lane, 2000);
  for (std::size_t i = 0; i < 400; ++i) tasks[i].kind = "of another program";

  must(node->enqueue(tasks));

  EXPECT_TRUE(eventually([&] { return recorded(Verdict::Kind::done) == 1600; }));
  EXPECT_EQ(waiting(), 400);
}

class RecoveringShard : public ShardTest {
 protected:
  /// Tasks whose attempts a process began and did not end.
  std::vector<Task> insert_opened(LaneId lane, std::size_t count, int unknown_attempts = 0) {
    const std::vector<Task> tasks = make_tasks(lane, count);
    insert(tasks);
    store.write([&](db::Tx& tx) {
      return tx.exec("UPDATE tasks SET opened_at = created_at, unknown_attempts = $1", {unknown_attempts});
    });
    return tasks;
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, RecoveringShard, ::testing::both_engines(), ::testing::engine_name);

TEST_P(RecoveringShard, runs_the_tasks_of_all_lanes_from_before) {
  ScriptedHandler handler(clock);
  std::vector<Task> tasks;
  for (int lane = 0; lane < 20; ++lane) {
    std::ranges::copy(make_tasks(make_lane(), 3), std::back_inserter(tasks));
  }
  insert(tasks);
  const auto node = start_node(handler, {.shards = 2});

  must(node->recover());

  ASSERT_TRUE(eventually([&] { return all_done(tasks.size()); }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(RecoveringShard, ends_an_open_attempt_as_unknown_and_runs_the_task_again) {
  ScriptedHandler handler(clock);
  const LaneId lane = make_lane();
  const std::vector<Task> cut_off = insert_opened(lane, 3);
  const std::vector<Task> waited = make_tasks(lane, 2);
  insert(waited);
  const auto node = start_node(handler);

  must(node->recover());

  ASSERT_TRUE(eventually([&] { return all_done(5); }));
  EXPECT_EQ(recorded(Verdict::Kind::unknown), 3);
  for (const ScriptedHandler::Run& run : handler.runs()) {
    const bool was_cut_off = std::ranges::find(cut_off, run.task, &Task::id) != cut_off.end();
    EXPECT_EQ(run.unknown_attempts, was_cut_off ? 1 : 0);
    EXPECT_EQ(run.attempt, 0);
  }
  expect_each_ran_once(handler, cut_off);
}

TEST_P(RecoveringShard, gives_up_a_task_that_was_cut_off_too_often) {
  ScriptedHandler handler(clock);
  insert_opened(make_lane(), 1, kUnknownAttemptsMax - 1);
  const auto node = start_node(handler);

  must(node->recover());

  EXPECT_TRUE(eventually([&] { return all_done(1); }));
  EXPECT_EQ(handler.count(), 0u);
}

TEST_P(RecoveringShard, keeps_a_task_whose_handler_throws_for_another_time) {
  ScriptedHandler handler(clock, [](const Task&) -> Outcome { throw std::runtime_error("a bug"); });
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  const base::Time before = clock.now();

  must(node->enqueue(make_tasks(lane, 1)));

  ASSERT_TRUE(eventually([&] { return recorded(Verdict::Kind::unknown) == 1; }));
  const Loaded left = store.read([&](db::Tx& tx) { return load(tx, lane, before + 24h, 10); });
  ASSERT_EQ(left.tasks.size(), 1u);
  EXPECT_EQ(left.tasks[0].unknown_attempts, 1);
  EXPECT_GE(left.tasks[0].due, before + 60s);
  EXPECT_EQ(handler.count(), 1u);
}

TEST_P(RecoveringShard, gives_up_a_task_whose_handler_threw_too_often) {
  ScriptedHandler handler(clock, [](const Task&) -> Outcome { throw std::runtime_error("a bug"); });
  insert(make_tasks(make_lane(), 1));
  store.write([](db::Tx& tx) {
    return tx.exec("UPDATE tasks SET unknown_attempts = $1", {kUnknownAttemptsMax - 1});
  });
  const auto node = start_node(handler);

  must(node->recover());

  EXPECT_TRUE(eventually([&] { return all_done(1); }));
  EXPECT_EQ(handler.count(), 1u);
}

}  // namespace

}  // namespace queue
