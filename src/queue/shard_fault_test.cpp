// What a shard makes of a store that fails or answers late, and of a stop.
#include <future>
#include <thread>

#include "queue/shard_test.hpp"
#include "testing/fake_clock.hpp"

namespace queue {

namespace {

using namespace std::chrono_literals;
using base::limits::kLaneTasksInMemoryMax;
using ::testing::eventually;
using ::testing::ids_of;
using ::testing::must;
using ::testing::Node;
using ::testing::ScriptedHandler;

constexpr std::size_t kMoreThanMemoryHolds = kLaneTasksInMemoryMax + 100;

Outcome done_with_report(const Task&) {
  return {.verdict = Verdict::done(), .report = std::make_shared<int>(1)};
}

class FailingStore : public ShardTest {};

INSTANTIATE_TEST_SUITE_P(Engines, FailingStore, ::testing::both_engines(), ::testing::engine_name);

TEST_P(FailingStore, costs_no_task_when_attempts_cannot_be_opened) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  make_known(*node, handler, lane);
  const std::vector<Task> tasks = make_tasks(lane, 5);
  // Not through the faulty store: what it refuses are the openings.
  store.write([&](db::Tx& tx) {
    faulty.refuse_writes(2);
    return node->queue().enqueue(tx, tasks);
  });

  ASSERT_TRUE(eventually([&] { return all_done(6); }));
  EXPECT_EQ(faulty.refusals_left(), 0);
  expect_each_ran_once(handler, tasks);
}

TEST_P(FailingStore, costs_no_verdict_when_attempts_cannot_be_closed) {
  ScriptedHandler handler(clock);
  handler.hold();
  const auto node = start_node(handler);
  const std::vector<Task> tasks = make_tasks(make_lane(), 5);
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));

  faulty.refuse_writes(2);
  handler.release();

  ASSERT_TRUE(eventually([&] { return all_done(5); }));
  EXPECT_EQ(faulty.refusals_left(), 0);
  expect_each_ran_once(handler, tasks);
}

TEST_P(FailingStore, repeats_no_verdict_whose_commit_was_not_heard_of) {
  ScriptedHandler handler(clock);
  handler.hold();
  const auto node = start_node(handler);
  const std::vector<Task> tasks = make_tasks(make_lane(), 1);
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return handler.running() == 1; }));

  faulty.lose_answers(1);
  handler.release();

  ASSERT_TRUE(eventually([&] { return recorded_stale() == 1; }));
  EXPECT_TRUE(all_done(1));
  expect_each_ran_once(handler, tasks);
}

TEST_P(FailingStore, runs_a_task_once_whose_opening_was_not_heard_of) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  make_known(*node, handler, lane);
  const std::vector<Task> tasks = make_tasks(lane, 1);
  store.write([&](db::Tx& tx) {
    faulty.lose_answers(1);
    return node->queue().enqueue(tx, tasks);
  });

  ASSERT_TRUE(eventually([&] { return all_done(2); }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(FailingStore, costs_the_others_nothing_where_it_cannot_keep_what_one_has_to_tell) {
  ScriptedHandler handler(clock, done_with_report);
  handler.hold();
  const auto node = start_node(handler);
  const std::vector<Task> tasks = make_tasks(make_lane(), 2);
  handler.refuse_report_of(tasks[0].id);
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));

  handler.release();

  ASSERT_TRUE(eventually([&] { return recorded(Verdict::Kind::unknown) == 1; }));
  EXPECT_EQ(recorded(Verdict::Kind::done), 1);
  EXPECT_EQ(waiting(), 1);
}

TEST_P(FailingStore, costs_no_verdict_whose_report_can_be_made_one_that_it_keeps) {
  ScriptedHandler handler(clock, done_with_report);
  handler.let_reports_be_shortened();
  const auto node = start_node(handler);
  const std::vector<Task> tasks = make_tasks(make_lane(), 2);
  handler.refuse_report_of(tasks[0].id);
  must(node->enqueue(tasks));

  ASSERT_TRUE(eventually([&] { return all_done(2); }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(FailingStore, costs_no_verdict_when_the_fault_is_its_own) {
  ScriptedHandler handler(clock, done_with_report);
  handler.fail_records(3);
  const auto node = start_node(handler);
  const std::vector<Task> tasks = make_tasks(make_lane(), 1);
  must(node->enqueue(tasks));

  ASSERT_TRUE(eventually([&] { return all_done(1); }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(FailingStore, hides_nothing_of_a_lane_that_it_could_not_read_whole) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  make_known(*node, handler, lane);
  std::vector<Task> late = make_tasks(lane, 1);
  late[0].id = TaskId{base::first_uuid_of(clock.now() - 1h)};
  insert(late);

  faulty.refuse_reads(1);
  node->on_shard([lane](Shard& shard) { shard.wake(lane); });

  EXPECT_TRUE(eventually([&] { return all_done(2); }));
}

TEST_P(FailingStore, hides_what_it_commits_very_late_for_a_minute_at_most) {
  ::testing::FakeClock fake;
  ScriptedHandler handler(fake, [&](const Task&) { return Outcome{Verdict::retry_at(fake.now() + 1h)}; });
  Node node(faulty, fake, {.shard = {.node = base::make_uuid(fake.now())}});
  node.add_handler(::testing::kTestKind, handler);
  node.start();
  const auto look_after = [&](std::chrono::seconds time) {
    node.on_shard([&](Shard&) { fake.advance(time); });
    for (const Busy& busy : store.read(lanes_with_tasks)) node.queue().look(busy);
    node.settle();
  };
  const auto make_task_of = [&](LaneId lane) {
    Task task = ::testing::make_task({.lane = lane, .tenant = tenant, .now = fake.now()});
    task.id = TaskId{base::first_uuid_of(fake.now())};
    fake.advance(1ms);
    return std::vector{task};
  };
  const LaneId lane = make_lane();
  const std::vector<Task> first = make_task_of(lane);
  const std::vector<Task> late = make_task_of(lane);
  must(node.enqueue(first));
  ASSERT_TRUE(eventually([&] { return recorded(Verdict::Kind::retry_at) == 1; }));
  faulty.hold_reads();
  look_after(10s);
  ASSERT_TRUE(eventually([&] { return faulty.reads_held() == 1; })) << "it sees all that is there";
  faulty.release_reads();
  insert(late);

  look_after(2s);
  EXPECT_EQ(handler.count(), 1u);
  look_after(60s);
  EXPECT_TRUE(eventually([&] { return handler.count() == 2; }));
}

class SlowRead : public ShardTest {
 protected:
  /// Starts to read the lane; the answer stays out until faulty.release_reads().
  void begin_read(Node& node, LaneId lane) {
    faulty.hold_reads();
    node.on_shard([lane](Shard& shard) { shard.set_state(lane, LaneState::active); });
    ASSERT_TRUE(eventually([&] { return faulty.reads_held() == 1; }));
  }
  /// Lets timers that are due fire.
  static void let_timers_fire(Node& node) {
    for (int i = 0; i < 20; ++i) node.settle();
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, SlowRead, ::testing::both_engines(), ::testing::engine_name);

TEST_P(SlowRead, runs_what_arrives_meanwhile_once) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  make_known(*node, handler, lane);
  std::vector<Task> tasks = make_tasks(lane, 20);
  insert({tasks.begin(), tasks.begin() + 10});
  begin_read(*node, lane);

  must(node->enqueue({tasks.begin() + 10, tasks.end()}));
  node->settle();
  EXPECT_EQ(handler.count(), 1u);
  faulty.release_reads();

  ASSERT_TRUE(eventually([&] { return all_done(21); }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(SlowRead, runs_all_of_it_when_more_arrives_meanwhile_than_memory_may_hold) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  make_known(*node, handler, lane);
  begin_read(*node, lane);

  const std::vector<Task> tasks = make_tasks(lane, kMoreThanMemoryHolds);
  must(node->enqueue(tasks));
  node->settle();
  faulty.release_reads();

  ASSERT_TRUE(eventually([&] { return all_done(tasks.size() + 1); }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(SlowRead, goes_on_when_all_it_has_read_was_done_meanwhile) {
  ScriptedHandler handler(clock);
  handler.hold();
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks(lane, kMoreThanMemoryHolds);
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));
  faulty.hold_reads();
  handler.release();

  ASSERT_TRUE(eventually([&] { return waiting() == 100 && faulty.reads_held() == 1; }));
  faulty.release_reads();

  ASSERT_TRUE(eventually([&] { return all_done(tasks.size()); }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(SlowRead, forgets_no_retry_that_becomes_due_meanwhile) {
  ScriptedHandler handler(clock, [&](const Task& task) {
    return Outcome{task.attempt == 0 ? Verdict::retry_at(clock.now()) : Verdict::done()};
  });
  handler.hold();
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  must(node->enqueue(make_tasks(lane, 1)));
  ASSERT_TRUE(eventually([&] { return handler.running() == 1; }));
  begin_read(*node, lane);

  handler.release();
  ASSERT_TRUE(eventually([&] { return recorded(Verdict::Kind::retry_at) == 1; }));
  let_timers_fire(*node);
  faulty.release_reads();

  EXPECT_TRUE(eventually([&] { return all_done(1); }));
}

TEST_P(SlowRead, forgets_nothing_of_a_lane_that_is_paused_and_resumed_meanwhile) {
  ScriptedHandler handler(clock);
  handler.hold();
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks(lane, 10);
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));
  begin_read(*node, lane);

  must(node->set_state(lane, LaneState::paused));
  must(node->set_state(lane, LaneState::active));
  node->settle();
  faulty.release_reads();
  handler.release();

  ASSERT_TRUE(eventually([&] { return all_done(10); }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(SlowRead, runs_nothing_of_a_lane_that_is_paused_meanwhile) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  faulty.hold_reads();
  must(node->enqueue(make_tasks(lane, 3)));
  ASSERT_TRUE(eventually([&] { return faulty.reads_held() == 1; }));

  must(node->set_state(lane, LaneState::paused));
  node->settle();
  faulty.release_reads();
  make_known(*node, handler, make_lane());

  EXPECT_EQ(waiting(lane), 3);
  EXPECT_EQ(handler.count(), 1u);
  must(node->set_state(lane, LaneState::active));
  EXPECT_TRUE(eventually([&] { return waiting(lane) == 0; }));
}

TEST_P(SlowRead, goes_on_when_all_that_memory_held_has_been_taken_out_of_the_table) {
  ScriptedHandler handler(clock);
  handler.hold();
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks(lane, kMoreThanMemoryHolds);
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));
  node->settle();

  store.write([&](db::Tx& tx) {
    return tx.exec("DELETE FROM tasks WHERE lane_id = $1 AND opened_at IS NULL AND id <= $2",
                   {lane, tasks[kLaneTasksInMemoryMax - 1].id});
  });
  handler.release();

  EXPECT_TRUE(eventually([&] { return all_done(102); }));
}

/// Commits of one connection wait while others go on: so on PostgreSQL only.
class SlowCommit : public SlowRead {};

INSTANTIATE_TEST_SUITE_P(Engines, SlowCommit, ::testing::Values(db::Engine::postgres),
                         ::testing::engine_name);

TEST_P(SlowCommit, of_all_that_a_slow_read_has_seen_does_not_keep_the_rest_of_the_lane_waiting) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  make_known(*node, handler, lane);
  handler.hold_records();
  const std::vector<Task> tasks = make_tasks(lane, kMoreThanMemoryHolds);
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return handler.count() == 1 + kLaneTasksInMemoryMax; }));
  // What memory holds has run, and waits to be recorded; the read sees all of that still.
  begin_read(*node, lane);

  handler.release_records();
  ASSERT_TRUE(eventually([&] { return waiting() == 100; }));
  node->settle();
  faulty.release_reads();

  ASSERT_TRUE(eventually([&] { return all_done(tasks.size() + 1); }));
  expect_each_ran_once(handler, tasks);
}

class StoppingShard : public ShardTest {};

INSTANTIATE_TEST_SUITE_P(Engines, StoppingShard, ::testing::both_engines(), ::testing::engine_name);

TEST_P(StoppingShard, waits_for_what_runs_and_records_it_and_leaves_the_rest_for_the_next_start) {
  ScriptedHandler handler(clock);
  handler.hold();
  auto node = start_node(handler);
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks(lane, 10);
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));

  auto stopped = std::async(std::launch::async, [&] { node->stop(); });
  EXPECT_EQ(stopped.wait_for(20ms), std::future_status::timeout);
  handler.release();
  stopped.get();

  EXPECT_EQ(recorded(Verdict::Kind::done), 2);
  EXPECT_EQ(waiting(), 8);
  EXPECT_EQ(store.integer("SELECT count(*) FROM tasks WHERE opened_at IS NOT NULL"), 0);
  node = start_node(handler);
  must(node->recover());
  ASSERT_TRUE(eventually([&] { return all_done(10); }));
  expect_each_ran_once(handler, tasks);
}

TEST_P(StoppingShard, takes_nothing_that_comes_too_late) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler);
  const LaneId lane = make_lane();
  make_known(*node, handler, lane);
  node->drain();

  must(node->enqueue(make_tasks(lane, 1)));
  node->settle();

  EXPECT_EQ(waiting(), 1);
  EXPECT_EQ(handler.count(), 1u);
}

TEST_P(StoppingShard, ends_although_the_store_fails) {
  ScriptedHandler handler(clock);
  handler.hold();
  const auto node = start_node(handler);
  must(node->enqueue(make_tasks(make_lane(), 5)));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));

  faulty.refuse_writes(1'000'000);
  handler.release();
  node->stop();

  EXPECT_EQ(waiting(), 5);
  EXPECT_EQ(store.integer("SELECT count(*) FROM tasks WHERE opened_at IS NOT NULL"), 2);
}

}  // namespace

}  // namespace queue
