// Lanes and who holds them. A lease is a matter of several nodes, so of PostgreSQL.
#include <gtest/gtest.h>

#include "queue/queue_store.hpp"
#include "testing/core_db.hpp"
#include "testing/tasks.hpp"

namespace queue {

namespace {

using namespace std::chrono_literals;
using ::testing::ids_of;
using ::testing::make_lane_id;
using ::testing::make_tasks;
using ::testing::make_tenant_id;

constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};

class LaneStore : public ::testing::StoreTest {
 protected:
  LaneId make_lane(LaneState state = LaneState::active) {
    const LaneId lane = make_lane_id();
    store.write([&](db::Tx& tx) { return insert_lane(tx, lane, tenant, "test", state); });
    return lane;
  }
  std::optional<Lease> acquired(LaneId lane, const base::Uuid& by) {
    return store.write([&](db::Tx& tx) { return acquire(tx, lane, by); });
  }
  void renewed(const base::Uuid& by, std::chrono::seconds lease) {
    store.write([&](db::Tx& tx) { return renew(tx, {by}, lease); });
  }
  void begins(const Node& one) {
    store.write([&](db::Tx& tx) { return begin_lease(tx, one, 60s); });
  }
  std::vector<Task> insert(LaneId lane, std::size_t count) {
    std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, count);
    store.write([&](db::Tx& tx) { return insert_tasks(tx, tasks); });
    return tasks;
  }
  std::vector<bool> opened(const std::vector<Opening>& openings, const base::Uuid& by) {
    return store.write([&](db::Tx& tx) { return open(tx, openings, by, kNow); });
  }
  bool closed(const Task& task, Verdict verdict, const base::Uuid& by, std::int64_t epoch) {
    const Outcome outcome{verdict};
    const std::vector<Closing> closings = {{&task, &outcome, epoch}};
    return store.write([&](db::Tx& tx) { return close(tx, closings, by); }).at(0);
  }
  Loaded loaded(LaneId lane) {
    return store.read([&](db::Tx& tx) { return load(tx, lane, kNow, 100); });
  }

  const base::TenantId tenant = make_tenant_id();
  const base::Uuid node = base::make_uuid(kNow);
  const base::Uuid other = base::make_uuid(kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, LaneStore, ::testing::both_engines(), ::testing::engine_name);

TEST_P(LaneStore, gives_a_lane_with_its_tenant_and_state) {
  const LaneId active = make_lane(LaneState::active);
  const LaneId paused = make_lane(LaneState::paused);

  ASSERT_TRUE(acquired(active, node));
  EXPECT_EQ(acquired(active, node)->lane, active);
  EXPECT_EQ(acquired(active, node)->tenant, tenant);
  EXPECT_EQ(acquired(active, node)->state, LaneState::active);
  EXPECT_EQ(acquired(paused, node)->state, LaneState::paused);
}

TEST_P(LaneStore, gives_nothing_for_a_lane_that_does_not_exist) {
  EXPECT_FALSE(acquired(make_lane_id(), node));
}

TEST_P(LaneStore, changes_the_state_of_a_lane) {
  const LaneId lane = make_lane();
  const auto set = [&](LaneState state) {
    store.write([&](db::Tx& tx) { return set_lane_state(tx, lane, state); });
  };

  set(LaneState::paused);
  EXPECT_EQ(acquired(lane, node)->state, LaneState::paused);
  set(LaneState::active);
  EXPECT_EQ(acquired(lane, node)->state, LaneState::active);
}

TEST_P(LaneStore, refuses_a_second_lane_of_the_same_id) {
  const LaneId lane = make_lane();

  const auto again =
      store->write_now([&](db::Tx& tx) { return insert_lane(tx, lane, tenant, "test", LaneState::active); });

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, base::Code::conflict);
}

TEST_P(LaneStore, makes_a_lane_of_the_deployment_once_and_leaves_the_one_there_is_as_it_is) {
  const LaneId lane = make_lane_id();
  const auto make_once = [&](LaneId one) {
    return store.write([&](db::Tx& tx) { return insert_lane_once(tx, one, "test"); });
  };

  EXPECT_TRUE(make_once(lane));
  EXPECT_EQ(acquired(lane, node)->tenant, base::TenantId{});
  EXPECT_EQ(acquired(lane, node)->state, LaneState::active);
  const LaneId paused = make_lane(LaneState::paused);
  for (const LaneId there : {lane, paused}) EXPECT_FALSE(make_once(there));
  EXPECT_EQ(acquired(paused, node)->tenant, tenant);
  EXPECT_EQ(acquired(paused, node)->state, LaneState::paused);
}

class SharedLanes : public LaneStore {};

INSTANTIATE_TEST_SUITE_P(Engines, SharedLanes, ::testing::Values(db::Engine::postgres),
                         ::testing::engine_name);

TEST_P(SharedLanes, are_held_by_one_live_node) {
  const LaneId lane = make_lane();
  renewed(node, 60s);
  renewed(other, 60s);

  EXPECT_TRUE(acquired(lane, node));
  EXPECT_FALSE(acquired(lane, other));
}

TEST_P(SharedLanes, are_taken_over_with_the_next_epoch_when_the_lease_of_the_owner_has_ended) {
  const LaneId lane = make_lane();
  renewed(node, 60s);
  const auto first = acquired(lane, node);
  ASSERT_TRUE(first);
  renewed(node, -1s);

  const auto second = acquired(lane, other);

  ASSERT_TRUE(second);
  EXPECT_EQ(second->epoch, first->epoch + 1);
}

TEST_P(SharedLanes, are_taken_over_when_the_owner_is_not_known_at_all) {
  const LaneId lane = make_lane();
  ASSERT_TRUE(acquired(lane, node));  // it never said that it lives

  EXPECT_TRUE(acquired(lane, other));
}

TEST_P(SharedLanes, go_to_whoever_asks_first_after_they_were_given_back) {
  const LaneId lane = make_lane();
  const LaneId kept = make_lane();
  renewed(node, 60s);
  renewed(other, 60s);
  ASSERT_TRUE(acquired(lane, node));
  ASSERT_TRUE(acquired(kept, other));

  store.write([&](db::Tx& tx) { return release_all(tx, node); });

  EXPECT_FALSE(acquired(kept, node));
  EXPECT_TRUE(acquired(lane, other));
  EXPECT_EQ(store.integer("SELECT count(*) FROM nodes WHERE id = $1", {node}), 0);
}

TEST_P(SharedLanes, are_free_at_once_for_the_process_that_comes_back_under_their_owners_name) {
  const LaneId lane = make_lane();
  const LaneId foreign = make_lane();
  begins({node, "here"});
  begins({other, "there"});
  ASSERT_TRUE(acquired(foreign, other));
  const auto before = acquired(lane, node);
  const std::vector<Task> tasks = insert(lane, 1);
  const base::Uuid again = base::make_uuid(kNow);

  begins({again, "here"});

  const auto after = acquired(lane, again);
  ASSERT_TRUE(before && after);
  EXPECT_GT(after->epoch, before->epoch);
  EXPECT_FALSE(acquired(foreign, again));
  // Should the first one live still, it changes nothing, and hears of it.
  EXPECT_EQ(opened({{lane, tasks[0].id, before->epoch}}, node), std::vector<bool>{false});
  EXPECT_FALSE(closed(tasks[0], Verdict::done(), node, before->epoch));
  EXPECT_FALSE(store.write([&](db::Tx& tx) { return renew(tx, {node, "here"}, 60s); }));
  EXPECT_TRUE(store.write([&](db::Tx& tx) { return renew(tx, {node, "here"}, 60s); }));
  EXPECT_FALSE(acquired(lane, node));
  EXPECT_EQ(opened({{lane, tasks[0].id, after->epoch}}, again), std::vector<bool>{true});
}

TEST_P(SharedLanes, forget_nodes_that_ended_a_day_ago) {
  renewed(node, -25h);
  begins({other, "there"});
  EXPECT_EQ(store.integer("SELECT count(*) FROM nodes"), 1);
}

TEST_P(SharedLanes, keep_their_epoch_when_their_owner_asks_for_them_again) {
  const LaneId lane = make_lane();
  const auto first = acquired(lane, node);
  const auto second = acquired(lane, node);

  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->epoch, first->epoch);
}

TEST_P(SharedLanes, stay_with_a_node_that_renews_its_lease) {
  const LaneId lane = make_lane();
  renewed(node, -1s);
  ASSERT_TRUE(acquired(lane, node));
  renewed(node, 60s);

  EXPECT_FALSE(acquired(lane, other));
  EXPECT_EQ(store.integer("SELECT count(*) FROM nodes"), 1);
}

TEST_P(SharedLanes, let_a_stale_owner_open_nothing) {
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = insert(lane, 1);
  const auto stale = acquired(lane, node);
  const auto fresh = acquired(lane, other);
  ASSERT_TRUE(stale && fresh);

  EXPECT_EQ(opened({{lane, tasks[0].id, stale->epoch}}, node), std::vector<bool>{false});
  EXPECT_EQ(opened({{lane, tasks[0].id, fresh->epoch}}, node), std::vector<bool>{false});
  EXPECT_EQ(opened({{lane, tasks[0].id, stale->epoch}}, other), std::vector<bool>{false});
  EXPECT_EQ(loaded(lane).opened, std::vector<bool>{false});
  EXPECT_EQ(opened({{lane, tasks[0].id, fresh->epoch}}, other), std::vector<bool>{true});
}

TEST_P(SharedLanes, let_a_stale_owner_close_nothing) {
  const LaneId lane = make_lane();
  const Task task = insert(lane, 1).front();
  const auto stale = acquired(lane, node);
  ASSERT_TRUE(stale);
  ASSERT_EQ(opened({{lane, task.id, stale->epoch}}, node), std::vector<bool>{true});
  const auto fresh = acquired(lane, other);
  ASSERT_TRUE(fresh);

  for (const Verdict& verdict :
       {Verdict::done(), Verdict::retry_at(kNow), Verdict{Verdict::Kind::unknown, kNow}}) {
    EXPECT_FALSE(closed(task, verdict, node, stale->epoch));
  }

  const Loaded found = loaded(lane);
  ASSERT_EQ(ids_of(found.tasks), std::vector<TaskId>{task.id});
  EXPECT_EQ(found.tasks[0].attempts_opened(), 0);
  EXPECT_EQ(found.opened, std::vector<bool>{true});
  EXPECT_TRUE(closed(task, Verdict::done(), other, fresh->epoch));
}

TEST_P(SharedLanes, are_fenced_each_for_itself) {
  const LaneId lost = make_lane();
  const LaneId held = make_lane();
  const Task in_lost = insert(lost, 1).front();
  const Task in_held = insert(held, 1).front();
  const auto stale = acquired(lost, node);
  const auto lease = acquired(held, node);
  ASSERT_TRUE(acquired(lost, other));

  EXPECT_EQ(opened({{lost, in_lost.id, stale->epoch}, {held, in_held.id, lease->epoch}}, node),
            (std::vector<bool>{false, true}));
}

TEST_P(SharedLanes, judge_each_write_by_its_own_epoch) {
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = insert(lane, 3);
  const auto before = acquired(lane, node);
  ASSERT_TRUE(acquired(lane, other));
  const auto after = acquired(lane, node);
  ASSERT_EQ(after->epoch, before->epoch + 2);

  EXPECT_EQ(opened({{lane, tasks[0].id, before->epoch}, {lane, tasks[1].id, after->epoch}}, node),
            (std::vector<bool>{false, true}));
  EXPECT_EQ(opened({{lane, tasks[1].id, after->epoch}, {lane, tasks[2].id, before->epoch}}, node),
            (std::vector<bool>{true, false}));
}

}  // namespace

}  // namespace queue
