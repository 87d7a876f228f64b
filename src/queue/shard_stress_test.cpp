// Everything at once, from several threads: whatever happens, each task is done exactly once.
#include <atomic>
#include <random>
#include <thread>

#include "queue/shard_test.hpp"

namespace queue {

namespace {

using ::testing::eventually;
using ::testing::must;
using ::testing::Node;
using ::testing::ScriptedHandler;

constexpr std::size_t kProducers = 4;
constexpr std::size_t kTasksOfEach = 800;
constexpr std::size_t kLanes = 12;

class BusyShards : public ShardTest {
 protected:
  BusyShards() {
    for (std::size_t i = 0; i < kLanes; ++i) lanes.push_back(make_lane());
  }

  /// Enqueues in transactions of 1 … 40 tasks for random lanes.
  std::vector<Task> produce(Node& node, unsigned seed) {
    std::minstd_rand random(seed);
    std::vector<Task> all;
    while (all.size() < kTasksOfEach) {
      std::vector<Task> some;
      for (std::size_t count = 1 + random() % 40; count > 0; --count) {
        some.push_back(make_tasks(lanes[random() % kLanes], 1).front());
      }
      std::ranges::copy(some, std::back_inserter(all));
      must(node.enqueue(std::move(some)));
    }
    return all;
  }

  /// Runs the producers, each on a thread of its own, while disturb() is called again and again.
  template <class Disturb>
  std::vector<Task> produce_all(Node& node, Disturb disturb) {
    std::vector<std::vector<Task>> parts(kProducers);
    std::atomic<std::size_t> busy = kProducers;
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < kProducers; ++i) {
        threads.emplace_back([&, i] {
          parts[i] = produce(node, static_cast<unsigned>(i + 1));
          --busy;
        });
      }
      while (busy > 0) disturb();
    }
    std::vector<Task> all;
    for (const auto& part : parts) std::ranges::copy(part, std::back_inserter(all));
    return all;
  }

  std::vector<LaneId> lanes;
};

INSTANTIATE_TEST_SUITE_P(Engines, BusyShards, ::testing::both_engines(), ::testing::engine_name);

TEST_P(BusyShards, run_each_of_very_many_tasks_once) {
  ScriptedHandler handler(clock);
  const auto node = start_node(handler, {.shards = 2});

  const std::vector<Task> tasks = produce_all(*node, [] { std::this_thread::yield(); });

  ASSERT_TRUE(eventually([&] { return waiting() == 0; }));
  node->stop();
  expect_each_ran_once(handler, tasks);
  EXPECT_EQ(recorded(Verdict::Kind::done), static_cast<std::int64_t>(tasks.size()));
}

TEST_P(BusyShards, lose_nothing_while_lanes_are_paused_and_resumed_and_reads_are_slow) {
  // Every fifth task wants to be tried once more, at once.
  ScriptedHandler handler(clock, [&](const Task& task) {
    const bool again = task.attempt == 0 && task.id.uuid.bytes.back() % 5 == 0;
    return Outcome{again ? Verdict::retry_at(clock.now()) : Verdict::done(), Signal::success};
  });
  const auto node = start_node(handler, {.shards = 2});
  std::minstd_rand random(42);

  const std::vector<Task> tasks = produce_all(*node, [&] {
    const LaneId lane = lanes[random() % kLanes];
    switch (random() % 4) {
      case 0: must(node->set_state(lane, LaneState::paused)); break;
      case 1: must(node->set_state(lane, LaneState::active)); break;
      case 2: node->queue().look({lane}); break;
      default:
        faulty.hold_reads();
        node->settle();
        faulty.release_reads();
    }
  });
  for (const LaneId lane : lanes) must(node->set_state(lane, LaneState::active));

  ASSERT_TRUE(eventually([&] { return waiting() == 0; }));
  node->stop();
  EXPECT_EQ(recorded(Verdict::Kind::done), static_cast<std::int64_t>(tasks.size()));
  EXPECT_EQ(recorded(Verdict::Kind::unknown), 0);
  std::map<TaskId, int> runs;
  for (const auto& run : handler.runs()) ++runs[run.task];
  for (const Task& task : tasks) EXPECT_EQ(runs[task.id], task.id.uuid.bytes.back() % 5 == 0 ? 2 : 1);
}

}  // namespace

}  // namespace queue
