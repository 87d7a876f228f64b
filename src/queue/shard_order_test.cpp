// Ordered lanes on real stores: whatever fails, the tasks of a key run one after the other.
#include <random>

#include "queue/shard_test.hpp"

namespace queue {

namespace {

using namespace std::chrono_literals;
using ::testing::eventually;
using ::testing::must;
using ::testing::ScriptedHandler;

class OrderedShard : public ShardTest {
 protected:
  /// Tasks of so many keys, in turn.
  std::vector<Task> make_keyed(LaneId lane, std::size_t count, std::size_t keys) {
    std::vector<Task> tasks = make_tasks(lane, count);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].order_key = "key-" + std::to_string(i % keys);
      key_of[tasks[i].id] = tasks[i].order_key;
    }
    return tasks;
  }
  /// Fails now and then; the same task not more than a few times in a row.
  ScriptedHandler::Script flaky(std::chrono::milliseconds retry) {
    return [this, retry](const Task& task) -> Outcome {
      const std::lock_guard lock(mutex);
      const bool fails = random() % 4 == 0 && task.attempt < 3;
      if (fails) return {Verdict::retry_at(clock.now() + retry), Signal::neutral};
      done.push_back(task.id);
      return {Verdict::done(), Signal::success};
    };
  }
  void start(Handler& handler, LaneId lane) {
    node = start_node(handler);
    node->on_shard([lane](Shard& shard) { shard.set_policy(lane, {.ordered = true}); });
  }
  /// Every task once, those of a key in the order of their ids, and no attempt of one before the end of
  /// another.
  void expect_in_order(const ScriptedHandler& handler, const std::vector<Task>& tasks) {
    expect_in_order(handler, tasks.size());
  }
  void expect_in_order(const ScriptedHandler& handler, std::size_t tasks) {
    std::map<std::string, TaskId> last;
    for (const TaskId id : done) {
      TaskId& before = last[key_of.at(id)];
      EXPECT_LT(before, id) << key_of.at(id);
      before = id;
    }
    EXPECT_EQ(done.size(), tasks);
    std::map<std::string, TaskId> at;
    for (const auto& run : handler.runs()) {
      TaskId& current = at[key_of.at(run.task)];
      EXPECT_LE(current, run.task) << "an attempt after a later one of its key";
      current = run.task;
    }
  }

  /// What was read from the table came with its payload each time.
  static void expect_hydrated(const ScriptedHandler& handler) {
    const auto runs = handler.runs();
    EXPECT_EQ(std::ranges::count(runs, false, &ScriptedHandler::Run::hydrated), 0);
  }

  /// Waits for longer than eventually(): there is much to do.
  bool comes_to(std::int64_t tasks) {
    for (int i = 0; i < 6; ++i) {
      if (eventually([&] { return waiting() == tasks; })) return true;
    }
    return false;
  }

  std::unique_ptr<::testing::Node> node;
  std::map<TaskId, std::string> key_of;
  std::mutex mutex;
  std::minstd_rand random{5};
  std::vector<TaskId> done;
};

TEST_P(OrderedShard, runs_what_arrives_in_order_though_some_fails) {
  ScriptedHandler handler(clock, flaky(20ms));
  const LaneId lane = make_lane();
  start(handler, lane);
  const std::vector<Task> tasks = make_keyed(lane, 300, 20);

  for (std::size_t i = 0; i < tasks.size(); i += 30) {
    must(node->enqueue({tasks.begin() + static_cast<std::ptrdiff_t>(i),
                        tasks.begin() + static_cast<std::ptrdiff_t>(i + 30)}));
  }

  ASSERT_TRUE(comes_to(0));
  node->stop();
  expect_in_order(handler, tasks);
}

TEST_P(OrderedShard, runs_a_backlog_that_memory_cannot_hold_in_order) {
  ScriptedHandler handler(clock, flaky(20ms));
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_keyed(lane, 3000, 700);
  insert(tasks);
  start(handler, lane);

  must(node->recover());

  ASSERT_TRUE(comes_to(0));
  node->stop();
  expect_in_order(handler, tasks);
  expect_hydrated(handler);
}

TEST_P(OrderedShard, runs_what_arrives_while_memory_is_full_in_order) {
  ScriptedHandler handler(clock, flaky(1ms));
  const LaneId lane = make_lane();
  start(handler, lane);
  std::vector<Task> tasks = make_keyed(lane, 1, 1);
  must(node->enqueue(tasks));
  ASSERT_TRUE(comes_to(0));
  handler.hold();
  const std::vector<Task> more = make_keyed(lane, 2 * base::limits::kLaneTasksInMemoryMax, 3);
  for (std::size_t i = 0; i < more.size(); i += 128) {
    must(node->enqueue({more.begin() + static_cast<std::ptrdiff_t>(i),
                        more.begin() + static_cast<std::ptrdiff_t>(i + 128)}));
    node->settle();
  }

  handler.release();

  ASSERT_TRUE(comes_to(0));
  node->stop();
  std::ranges::copy(more, std::back_inserter(tasks));
  expect_in_order(handler, tasks);
}

TEST_P(OrderedShard, is_not_held_up_by_one_key_with_very_many_tasks_that_waits_for_a_retry) {
  ScriptedHandler handler(clock, [this](const Task& task) -> Outcome {
    if (task.order_key == "stuck") return {Verdict::retry_at(clock.now() + 1h), Signal::neutral};
    return {Verdict::done(), Signal::success};
  });
  const LaneId lane = make_lane();
  std::vector<Task> tasks = make_tasks(lane, 1000);
  for (Task& task : tasks) task.order_key = "stuck";
  for (Task& task : make_keyed(lane, 50, 50)) tasks.push_back(std::move(task));
  insert(tasks);
  start(handler, lane);

  must(node->recover());

  ASSERT_TRUE(comes_to(1000));
  const std::vector<Task> later = make_keyed(lane, 50, 10);
  must(node->enqueue(later));
  EXPECT_TRUE(comes_to(1000));
  node->stop();
  EXPECT_EQ(std::ranges::count(handler.runs(), tasks[0].id, &ScriptedHandler::Run::task), 1);
  EXPECT_EQ(handler.count(), 101u);
}

TEST_P(OrderedShard, goes_on_with_a_key_whose_first_task_was_cancelled) {
  ScriptedHandler handler(clock, [this](const Task& task) -> Outcome {
    if (task.args == "fails") return {Verdict::retry_at(clock.now() + 1h), Signal::neutral};
    return {Verdict::done(), Signal::success};
  });
  const LaneId lane = make_lane();
  start(handler, lane);
  std::vector<Task> tasks = make_keyed(lane, 2, 1);
  tasks[0].args = "fails";
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return recorded(Verdict::Kind::retry_at) == 1; }));

  store.write([&](db::Tx& tx) { return tx.exec("DELETE FROM tasks WHERE id = $1", {tasks[0].id}); });
  node->on_shard([lane](Shard& shard) { shard.wake(lane); });

  EXPECT_TRUE(eventually([&] { return waiting() == 0; }));
  node->stop();
}

TEST_P(OrderedShard, tries_the_first_of_a_key_again_after_a_crash_before_the_others) {
  ScriptedHandler handler(clock, flaky(1ms));
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_keyed(lane, 4, 1);
  insert(tasks);
  store.write(
      [&](db::Tx& tx) { return tx.exec("UPDATE tasks SET opened_at = 1 WHERE id = $1", {tasks[0].id}); });
  start(handler, lane);

  must(node->recover());

  ASSERT_TRUE(comes_to(0));
  node->stop();
  EXPECT_EQ(recorded(Verdict::Kind::unknown), 1);
  expect_in_order(handler, tasks);
}

TEST_P(OrderedShard, keeps_the_order_where_it_is_paused_and_resumed_during_a_read) {
  ScriptedHandler handler(clock, flaky(1ms));
  const LaneId lane = make_lane();
  start(handler, lane);
  std::vector<Task> tasks = make_keyed(lane, 1, 1);
  must(node->enqueue(tasks));
  ASSERT_TRUE(comes_to(0));
  handler.hold();
  std::vector<Task> more = make_keyed(lane, 8, 4);  // two of the keys run, the others are ready
  const Task last = more.back();                    // behind one that is ready
  more.pop_back();
  must(node->enqueue(more));
  ASSERT_TRUE(eventually([&] { return handler.running() >= 2; }));
  faulty.hold_reads();
  node->on_shard([lane](Shard& shard) { shard.set_state(lane, LaneState::active); });
  ASSERT_TRUE(eventually([&] { return faulty.reads_held() == 1; }));
  must(node->enqueue({last}));

  must(node->set_state(lane, LaneState::paused));
  must(node->set_state(lane, LaneState::active));
  node->settle();
  faulty.release_reads();
  for (int i = 0; i < 20; ++i) node->settle();
  handler.release();

  ASSERT_TRUE(comes_to(0));
  node->stop();
  expect_in_order(handler, 9);
}

TEST_P(OrderedShard, keeps_the_order_of_what_was_there_before_it_was_ordered) {
  ScriptedHandler handler(clock, [this](const Task& task) -> Outcome {
    const std::lock_guard lock(mutex);
    if (task.attempt == 0) return {Verdict::retry_at(clock.now() + 20ms), Signal::neutral};
    done.push_back(task.id);
    return {Verdict::done(), Signal::success};
  });
  handler.hold();
  node = start_node(handler);
  const LaneId lane = make_lane();
  std::vector<Task> tasks = make_tasks(lane, 2);  // they take the places there are
  for (const Task& task : tasks) key_of[task.id] = task.id.str();
  std::ranges::copy(make_keyed(lane, 6, 1), std::back_inserter(tasks));
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return handler.running() == 2; }));

  node->on_shard([lane](Shard& shard) { shard.set_policy(lane, {.ordered = true}); });
  handler.release();

  ASSERT_TRUE(comes_to(0));
  node->stop();
  expect_in_order(handler, tasks);
}

TEST_P(OrderedShard, forgets_nothing_that_waited_for_its_time_before_it_was_ordered) {
  ScriptedHandler handler(clock, [this](const Task& task) -> Outcome {
    if (task.attempt < 2) return {Verdict::retry_at(clock.now() + (task.attempt + 1) * 200ms)};
    return {Verdict::done(), Signal::success};
  });
  node = start_node(handler);
  const LaneId lane = make_lane();
  std::vector<Task> tasks = make_tasks(lane, 1);
  tasks[0].id = TaskId{base::first_uuid_of(clock.now() - 1h)};
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return recorded(Verdict::Kind::retry_at) == 2; }));

  node->on_shard([lane](Shard& shard) { shard.set_policy(lane, {.ordered = true}); });

  EXPECT_TRUE(eventually([&] { return waiting() == 0; }));
}

/// Tasks that wait for their time among others of their key, as a replay with a rate makes them.
class TimedTasksOfAKey : public OrderedShard {
 protected:
  /// Tasks of one key; those with a delay wait for it.
  std::vector<Task> make_delayed(LaneId lane, const std::vector<std::chrono::milliseconds>& delays) {
    std::vector<Task> tasks = make_keyed(lane, delays.size(), 1);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].timed = delays[i] > 0ms;
      tasks[i].due = clock.now() + delays[i];
    }
    return tasks;
  }
  /// Starts the lane and has run one task of the key, so that memory takes in what arrives.
  void start_known(Handler& handler, LaneId lane) {
    start(handler, lane);
    must(node->enqueue(make_delayed(lane, {0ms})));
    ASSERT_TRUE(comes_to(0));
  }
  ScriptedHandler::Script all_is_well() {
    return [this](const Task& task) -> Outcome {
      const std::lock_guard lock(mutex);
      done.push_back(task.id);
      return {Verdict::done(), Signal::success};
    };
  }
};

TEST_P(TimedTasksOfAKey, do_not_begin_beside_one_that_runs) {
  ScriptedHandler handler(clock, all_is_well());
  const LaneId lane = make_lane();
  start_known(handler, lane);
  handler.hold();
  const std::vector<Task> tasks = make_delayed(lane, {0ms, 30ms, 60ms});
  must(node->enqueue(tasks));
  ASSERT_TRUE(eventually([&] { return handler.running() == 1; }));

  ASSERT_TRUE(eventually([&] { return clock.now() > tasks[2].due + 50ms; }));
  for (int i = 0; i < 20; ++i) node->settle();
  EXPECT_EQ(handler.running(), 1u);
  handler.release();

  ASSERT_TRUE(comes_to(0));
  node->stop();
  expect_in_order(handler, tasks.size() + 1);
}

TEST_P(TimedTasksOfAKey, are_not_overtaken_by_what_arrives_later) {
  ScriptedHandler handler(clock, all_is_well());
  const LaneId lane = make_lane();
  start_known(handler, lane);
  std::vector<Task> tasks = make_delayed(lane, {0ms, 100ms});
  must(node->enqueue(tasks));
  const std::vector<Task> later = make_delayed(lane, {0ms, 0ms});
  must(node->enqueue(later));

  ASSERT_TRUE(comes_to(0));
  node->stop();
  std::ranges::copy(later, std::back_inserter(tasks));
  expect_in_order(handler, tasks.size() + 1);
}

TEST_P(TimedTasksOfAKey, come_at_their_time_though_others_wait_for_later) {
  ScriptedHandler handler(clock, all_is_well());
  const LaneId lane = make_lane();
  start(handler, lane);
  must(node->enqueue(make_delayed(lane, {20ms, 1h, 2h})));

  EXPECT_TRUE(comes_to(2));
  node->stop();
}

TEST_P(TimedTasksOfAKey, keep_those_behind_them_waiting_in_a_lane_that_memory_cannot_hold) {
  ScriptedHandler handler(clock, all_is_well());
  const LaneId lane = make_lane();
  std::vector<Task> tasks = make_keyed(lane, 900, 3);
  tasks[3].timed = true;
  tasks[3].due = clock.now() + 1h;
  insert(tasks);
  start(handler, lane);

  must(node->recover());

  EXPECT_TRUE(comes_to(299));
  for (int i = 0; i < 20; ++i) node->settle();
  EXPECT_EQ(handler.count(), 601u);
  node->stop();
}

TEST_P(OrderedShard, reads_no_lane_over_and_over_whose_tasks_wait_and_do_not_fit_into_memory) {
  ScriptedHandler handler(
      clock, [this](const Task&) { return Outcome{Verdict::retry_at(clock.now() + 1h), Signal::neutral}; });
  handler.set_payload_bytes(1000);
  const LaneId lane = make_lane();
  insert(make_keyed(lane, 200, 1));
  node = start_node(handler, {.shard = {.bytes_max = 20'000}});
  node->on_shard([lane](Shard& shard) { shard.set_policy(lane, {.ordered = true}); });

  must(node->recover());

  ASSERT_TRUE(eventually([&] { return recorded(Verdict::Kind::retry_at) == 1; }));
  for (int i = 0; i < 200; ++i) node->settle();
  EXPECT_LT(handler.hydrations(), 10u);
  node->stop();
}

INSTANTIATE_TEST_SUITE_P(Engines, TimedTasksOfAKey, ::testing::both_engines(), ::testing::engine_name);
INSTANTIATE_TEST_SUITE_P(Engines, OrderedShard, ::testing::both_engines(), ::testing::engine_name);

}  // namespace

}  // namespace queue
