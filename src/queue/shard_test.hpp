// What the tests of the queue's shards share: a node over a store that can be told to fail, and a scripted
// handler.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "testing/core_db.hpp"
#include "testing/eventually.hpp"
#include "testing/faulty_db.hpp"
#include "testing/node.hpp"
#include "testing/scripted_handler.hpp"
#include "testing/tasks.hpp"

namespace queue {

class ShardTest : public ::testing::StoreTest {
 protected:
  ShardTest() { store.write(::testing::ScriptedHandler::make_table); }

  /// A node with this handler, running.
  std::unique_ptr<::testing::Node> start_node(Handler& handler, ::testing::Node::Options options = {}) {
    if (options.shard.node.is_nil()) options.shard.node = base::make_uuid(clock.now());
    auto node = std::make_unique<::testing::Node>(faulty, clock, options);
    node->add_handler_everywhere(::testing::kTestKind, handler);
    node->start();
    return node;
  }

  LaneId make_lane(LaneState state = LaneState::active) {
    const LaneId lane = ::testing::make_lane_id();
    store.write([&](db::Tx& tx) { return insert_lane(tx, lane, tenant, ::testing::kTestKind, state); });
    return lane;
  }
  std::vector<Task> make_tasks(LaneId lane, std::size_t count) const {
    return ::testing::make_tasks({.lane = lane, .tenant = tenant, .now = clock.now()}, count);
  }
  /// Puts tasks into the table without telling any node.
  void insert(const std::vector<Task>& tasks) {
    store.write([&](db::Tx& tx) { return insert_tasks(tx, tasks); });
  }
  /// Makes the shard read the lane, so that it takes what arrives from then on without reading it back.
  void make_known(::testing::Node& node, const ::testing::ScriptedHandler& handler, LaneId lane) {
    const std::size_t before = handler.count();
    ::testing::must(node.enqueue(make_tasks(lane, 1)));
    ASSERT_TRUE(::testing::eventually([&] { return handler.count() == before + 1 && waiting(lane) == 0; }));
  }

  std::int64_t waiting() { return store.integer("SELECT count(*) FROM tasks"); }
  std::int64_t waiting(LaneId lane) {
    return store.integer("SELECT count(*) FROM tasks WHERE lane_id = $1", {lane});
  }
  /// Attempts that ended, as their transactions recorded them.
  std::int64_t recorded(Verdict::Kind kind) {
    return store.integer("SELECT count(*) FROM recorded WHERE stale = 0 AND verdict = $1",
                         {static_cast<std::int64_t>(kind)});
  }
  std::int64_t recorded_stale() { return store.integer("SELECT count(*) FROM recorded WHERE stale = 1"); }
  bool all_done(std::size_t count) {
    return recorded(Verdict::Kind::done) == static_cast<std::int64_t>(count) && waiting() == 0;
  }
  /// Every one of the tasks ran once, was recorded as done once, and is gone.
  void expect_each_ran_once(const ::testing::ScriptedHandler& handler, const std::vector<Task>& tasks) {
    std::map<TaskId, int> runs;
    for (const auto& run : handler.runs()) ++runs[run.task];
    for (const Task& task : tasks) EXPECT_EQ(runs[task.id], 1) << task.id.str();
    EXPECT_EQ(
        store.integer("SELECT count(*) FROM (SELECT task_id FROM recorded WHERE verdict = 0 AND stale = 0"
                      " GROUP BY task_id HAVING count(*) > 1) AS twice"),
        0);
    EXPECT_EQ(waiting(), 0);
  }

  const base::TenantId tenant = ::testing::make_tenant_id();
  base::SystemClock clock;
  ::testing::FaultyDb faulty{*store};
};

}  // namespace queue
