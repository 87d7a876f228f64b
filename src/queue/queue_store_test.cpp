#include "queue/queue_store.hpp"

#include <gtest/gtest.h>

#include <random>

#include "testing/core_db.hpp"
#include "testing/tasks.hpp"

namespace queue {

namespace {

using namespace std::chrono_literals;
using base::TenantId;
using ::testing::ids_of;
using ::testing::make_lane_id;
using ::testing::make_task;
using ::testing::make_tasks;
using ::testing::make_tenant_id;

constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};

/// The statements of tasks as one node sees them; on PostgreSQL it holds the lanes.
class TaskStore : public ::testing::StoreTest {
 protected:
  LaneId make_lane() {
    const LaneId lane = make_lane_id();
    epochs[lane] = store.write([&](db::Tx& tx) -> Result<std::int64_t> {
      if (tx.engine() == db::Engine::postgres) XD_DO(renew(tx, {node}, 60s));
      XD_DO(insert_lane(tx, lane, tenant, "test", LaneState::active));
      XD_TRY(const auto lease, acquire(tx, lane, node));
      return lease->epoch;
    });
    return lane;
  }
  void insert(const std::vector<Task>& tasks) {
    store.write([&](db::Tx& tx) { return insert_tasks(tx, tasks); });
  }
  std::vector<LaneId> busy() {
    std::vector<LaneId> lanes;
    for (const Busy& one : store.read(lanes_with_tasks)) lanes.push_back(one.lane);
    return lanes;
  }
  Loaded loaded(LaneId lane, std::size_t limit = 100, base::Time now = kNow) {
    return store.read([&](db::Tx& tx) { return load(tx, lane, now, limit); });
  }
  std::vector<bool> opened(const std::vector<Task>& tasks) {
    std::vector<Opening> openings;
    for (const Task& task : tasks) openings.push_back({task.lane, task.id, epochs[task.lane]});
    return store.write([&](db::Tx& tx) { return open(tx, openings, node, kNow); });
  }
  std::vector<bool> closed(const std::vector<std::pair<Task, Verdict>>& verdicts) {
    std::vector<Outcome> outcomes;
    for (const auto& [task, verdict] : verdicts) outcomes.push_back({verdict});
    std::vector<Closing> closings;
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      const Task& task = verdicts[i].first;
      closings.push_back({&task, &outcomes[i], epochs[task.lane]});
    }
    return store.write([&](db::Tx& tx) { return close(tx, closings, node); });
  }

  const base::Uuid node = base::make_uuid(kNow);
  const TenantId tenant = make_tenant_id();
  std::map<LaneId, std::int64_t> epochs;
};

INSTANTIATE_TEST_SUITE_P(Engines, TaskStore, ::testing::both_engines(), ::testing::engine_name);

TEST_P(TaskStore, keeps_every_member_of_a_task) {
  Task task = make_task({.lane = make_lane(), .tenant = tenant, .now = kNow, .due = kNow - 5s});
  task.order_key = "order-42";
  task.ref = base::make_uuid(kNow);
  task.args = R"({"replay_no":1})";
  insert({task});

  const Loaded found = loaded(task.lane);

  ASSERT_EQ(found.tasks.size(), 1u);
  const Task& read = found.tasks.front();
  EXPECT_EQ(read.lane, task.lane);
  EXPECT_EQ(read.id, task.id);
  EXPECT_EQ(read.tenant, tenant);
  EXPECT_EQ(read.kind, task.kind);
  EXPECT_EQ(read.due, task.due);
  EXPECT_EQ(read.created, kNow);
  EXPECT_EQ(read.attempt, 0);
  EXPECT_EQ(read.unknown_attempts, 0);
  EXPECT_TRUE(read.timed);
  EXPECT_EQ(read.order_key, task.order_key);
  EXPECT_EQ(read.ref, task.ref);
  EXPECT_EQ(read.args, task.args);
  EXPECT_EQ(found.opened, std::vector<bool>{false});
}

TEST_P(TaskStore, finds_each_lane_with_tasks_once) {
  std::vector<LaneId> lanes;
  for (const std::size_t count : {1, 50, 3}) {
    lanes.push_back(make_lane());
    insert(make_tasks({.lane = lanes.back(), .tenant = tenant, .now = kNow}, count));
  }
  make_lane();  // has none
  std::ranges::sort(lanes);

  EXPECT_EQ(busy(), lanes);
}

TEST_P(TaskStore, tells_the_youngest_task_of_each_lane) {
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 20);
  insert(tasks);
  closed({{tasks.back(), Verdict::done()}});

  EXPECT_EQ(store.read(lanes_with_tasks), (std::vector<Busy>{{lane, tasks[18].id}}));
}

TEST_P(TaskStore, reads_a_lane_from_where_its_owner_knows_it_to_begin) {
  const LaneId lane = make_lane();
  const std::vector<Task> fresh = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 20);
  std::vector<Task> timed;
  for (int i = 0; i < 4; ++i) {
    timed.push_back(make_task({.lane = lane, .tenant = tenant, .now = kNow, .due = kNow - (9s - i * 1s)}));
  }
  insert(fresh);
  insert(timed);

  const Loaded whole = loaded(lane);
  EXPECT_EQ(whole.tasks.size(), 24u);
  EXPECT_EQ(whole.begin.id, fresh[0].id);
  EXPECT_EQ(whole.begin.due, kNow - 9s);
  const Begin from{.id = fresh[15].id, .due = kNow - 7s};
  const Loaded rest = store.read([&](db::Tx& tx) { return load(tx, lane, kNow, 100, from); });
  EXPECT_EQ(rest.tasks.size(), 5 + 2u);
  EXPECT_EQ(rest.begin.id, fresh[15].id);
  EXPECT_EQ(rest.begin.due, kNow - 7s);
}

TEST_P(TaskStore, an_empty_lane_begins_now) {
  const LaneId lane = make_lane();
  EXPECT_EQ(loaded(lane).begin.id.uuid, base::first_uuid_of(kNow));
  EXPECT_EQ(loaded(lane).begin.due, kNow);
}

TEST(BeginOfLane, leaves_room_for_late_commits_and_is_lowered_by_what_stands_before) {
  const TaskId old = make_task({.now = kNow}).id;
  Begin begin{.id = TaskId{base::first_uuid_of(kNow + 10s)}, .due = kNow + 10s};
  EXPECT_EQ(begin.earlier(2s).id.uuid, base::first_uuid_of(kNow + 8s));
  EXPECT_EQ(begin.earlier(2s).due, kNow + 8s);
  begin.lower_to(Begin{.id = old, .due = kNow - 3s});
  EXPECT_EQ(begin.id, old);
  EXPECT_EQ(begin.due, kNow - 3s);
  begin.lower_to(kNowhere);
  EXPECT_EQ(begin.id, old);
  EXPECT_TRUE(Begin{}.earlier(2s).id.is_nil());
}

TEST(BeginOfLane, goes_by_the_time_that_a_task_waits_for_and_by_the_id_of_one_that_does_not) {
  const Begin before{.id = TaskId{base::first_uuid_of(kNow + 10s)}, .due = kNow + 10s};
  const Task fresh = make_task({.now = kNow});
  const Task retry = make_task({.now = kNow - 24h, .due = kNow + 5s});
  Begin begin = before;
  begin.lower_to(retry);
  EXPECT_EQ(begin.id, before.id) << "or everything since it was made would be read with each retry";
  EXPECT_EQ(begin.due, kNow + 5s);
  begin.lower_to(fresh);
  EXPECT_EQ(begin.id, fresh.id);
  EXPECT_EQ(begin.due, kNow + 5s);
}

TEST_P(TaskStore, reads_the_first_tasks_of_keys_from_where_the_lane_begins) {
  const LaneId lane = make_lane();
  std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 12);
  for (std::size_t i = 0; i < tasks.size(); ++i)
    tasks[i].order_key = std::string(1, static_cast<char>('a' + i % 6));
  insert(tasks);

  const Begin from{.id = tasks[8].id};
  const Loaded found = store.read([&](db::Tx& tx) { return load_ordered(tx, lane, kNow, 3, "", from); });

  EXPECT_EQ(ids_of(found.tasks), ids_of({tasks[8], tasks[9], tasks[10]}));
  EXPECT_EQ(found.last_key, "e");
}

TEST_P(TaskStore, finds_no_lane_where_there_are_no_tasks) {
  make_lane();
  EXPECT_TRUE(busy().empty());
}

TEST_P(TaskStore, loads_fresh_tasks_in_the_order_of_their_ids) {
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 20);
  std::vector<Task> shuffled = tasks;
  std::ranges::shuffle(shuffled, std::minstd_rand(7));
  insert(shuffled);

  const Loaded found = loaded(lane);

  EXPECT_EQ(ids_of(found.tasks), ids_of(tasks));
  EXPECT_FALSE(found.more);
  EXPECT_FALSE(found.next_due);
}

TEST_P(TaskStore, loads_only_the_oldest_up_to_the_limit_and_says_that_there_are_more) {
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 10);
  insert(tasks);

  const Loaded some = loaded(lane, 4);
  EXPECT_EQ(ids_of(some.tasks), ids_of({tasks.begin(), tasks.begin() + 4}));
  EXPECT_TRUE(some.more);
  EXPECT_FALSE(loaded(lane, 11).more);
}

TEST_P(TaskStore, loads_timed_tasks_that_are_due_and_says_when_the_next_one_is) {
  const LaneId lane = make_lane();
  const auto timed = [&](base::Time due) {
    return make_task({.lane = lane, .tenant = tenant, .now = kNow, .due = due});
  };
  const std::vector<Task> tasks = {timed(kNow + 60s), timed(kNow), timed(kNow + 1us), timed(kNow - 60s)};
  insert(tasks);

  const Loaded found = loaded(lane);

  EXPECT_EQ(ids_of(found.tasks), ids_of({tasks[3], tasks[1]}));
  EXPECT_EQ(found.next_due, kNow + 1us);
  EXPECT_FALSE(found.more);
  EXPECT_EQ(loaded(lane, 100, kNow + 60s).tasks.size(), 4u);
  EXPECT_EQ(loaded(lane, 100, kNow + 60s).next_due, std::nullopt);
}

TEST_P(TaskStore, says_that_there_are_more_when_the_due_ones_reach_the_limit) {
  const LaneId lane = make_lane();
  insert(make_tasks({.lane = lane, .tenant = tenant, .now = kNow, .due = kNow}, 5));

  EXPECT_EQ(loaded(lane, 4).tasks.size(), 4u);
  EXPECT_TRUE(loaded(lane, 4).more);
}

TEST_P(TaskStore, loads_a_retry_that_is_due_before_fresh_tasks_that_came_later) {
  const LaneId lane = make_lane();
  const Task retry = make_task({.lane = lane, .tenant = tenant, .now = kNow - 60s, .due = kNow - 30s});
  const std::vector<Task> earlier = make_tasks({.lane = lane, .tenant = tenant, .now = kNow - 40s}, 2);
  const std::vector<Task> later = make_tasks({.lane = lane, .tenant = tenant, .now = kNow - 20s}, 2);
  insert(later);
  insert(earlier);
  insert({retry});

  EXPECT_EQ(ids_of(loaded(lane).tasks), ids_of({earlier[0], earlier[1], retry, later[0], later[1]}));
}

TEST_P(TaskStore, loads_nothing_of_another_lane) {
  const LaneId lane = make_lane();
  insert(make_tasks({.lane = make_lane(), .tenant = tenant, .now = kNow}, 3));
  insert({make_task({.lane = make_lane(), .tenant = tenant, .now = kNow, .due = kNow + 1s})});

  const Loaded found = loaded(lane);

  EXPECT_TRUE(found.tasks.empty());
  EXPECT_FALSE(found.next_due);
}

TEST_P(TaskStore, says_of_each_task_whether_its_attempt_could_be_opened) {
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 4);
  insert({tasks[0], tasks[2], tasks[3]});

  EXPECT_EQ(opened({tasks[0], tasks[1], tasks[2]}), (std::vector<bool>{true, false, true}));

  const Loaded found = loaded(lane);
  EXPECT_EQ(ids_of(found.tasks), ids_of({tasks[0], tasks[2], tasks[3]}));
  EXPECT_EQ(found.opened, (std::vector<bool>{true, true, false}));
}

TEST_P(TaskStore, opens_and_closes_nothing_when_asked_for_nothing) {
  EXPECT_TRUE(opened({}).empty());
  EXPECT_TRUE(closed({}).empty());
}

TEST_P(TaskStore, removes_what_is_done) {
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 3);
  insert(tasks);
  opened(tasks);

  EXPECT_EQ(closed({{tasks[0], Verdict::done()}, {tasks[2], Verdict::done()}}), std::vector<bool>(2, true));

  EXPECT_EQ(ids_of(loaded(lane).tasks), ids_of({tasks[1]}));
}

TEST_P(TaskStore, lets_a_retry_wait_for_its_moment_and_counts_the_attempt) {
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 1);
  insert(tasks);
  opened(tasks);

  EXPECT_EQ(closed({{tasks[0], Verdict::retry_at(kNow + 60s)}}), std::vector<bool>{true});

  EXPECT_TRUE(loaded(lane).tasks.empty());
  EXPECT_EQ(loaded(lane).next_due, kNow + 60s);
  const Loaded due = loaded(lane, 100, kNow + 60s);
  ASSERT_EQ(due.tasks.size(), 1u);
  EXPECT_EQ(due.tasks[0].attempt, 1);
  EXPECT_EQ(due.tasks[0].unknown_attempts, 0);
  EXPECT_EQ(due.opened, std::vector<bool>{false});
}

TEST_P(TaskStore, counts_an_attempt_of_unknown_outcome_apart) {
  const LaneId lane = make_lane();
  std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 1);
  insert(tasks);
  opened(tasks);
  tasks[0].attempt = 2;

  closed({{tasks[0], Verdict{Verdict::Kind::unknown, kNow}}});

  const Loaded due = loaded(lane);
  ASSERT_EQ(due.tasks.size(), 1u);
  EXPECT_EQ(due.tasks[0].attempt, 2);
  EXPECT_EQ(due.tasks[0].unknown_attempts, 1);
  EXPECT_EQ(due.tasks[0].attempts_opened(), 3);
  EXPECT_EQ(due.opened, std::vector<bool>{false});
}

TEST_P(TaskStore, says_of_each_verdict_whether_it_changed_anything) {
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 5);
  insert({tasks[1], tasks[3], tasks[4]});
  const Verdict retry = Verdict::retry_at(kNow);

  EXPECT_EQ(closed({{tasks[0], retry},
                    {tasks[1], Verdict::done()},
                    {tasks[2], Verdict::done()},
                    {tasks[3], retry},
                    {tasks[4], Verdict{Verdict::Kind::unknown, kNow}}}),
            (std::vector<bool>{false, true, false, true, true}));
}

TEST_P(TaskStore, removes_a_lane_with_its_tasks_and_says_how_many_there_were) {
  const LaneId lane = make_lane();
  const LaneId other = make_lane();
  insert(make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 7));
  insert(make_tasks({.lane = other, .tenant = tenant, .now = kNow}, 1));

  EXPECT_EQ(store.write([&](db::Tx& tx) { return delete_lane(tx, lane); }), 7);

  EXPECT_EQ(busy(), std::vector<LaneId>{other});
  EXPECT_FALSE(store.write([&](db::Tx& tx) { return acquire(tx, lane, node); }));
}

TEST_P(TaskStore, keeps_how_far_a_long_task_has_come) {
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 2);
  insert(tasks);

  const auto advance = [&](db::Tx& tx) { return advance_args(tx, tasks[0], "as far as this"); };
  EXPECT_TRUE(store.write(advance));
  EXPECT_FALSE(store.write(advance)) << "somebody else brought it further";

  EXPECT_EQ(loaded(lane).tasks[0].args, "as far as this");
  EXPECT_EQ(loaded(lane).tasks[1].args, "");
}

TEST_P(TaskStore, lists_the_tasks_of_a_lane_in_pages_newest_first) {
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 5);
  insert(tasks);
  insert(make_tasks({.lane = make_lane(), .tenant = tenant, .now = kNow}, 1));
  const auto page = [&](const db::Page& wanted) {
    return ids_of(store.read([&](db::Tx& tx) { return pending(tx, lane, wanted); }));
  };

  EXPECT_EQ(page({.limit = 2}), ids_of({tasks[4], tasks[3]}));
  EXPECT_EQ(page({.before = tasks[3].id.uuid, .limit = 2}), ids_of({tasks[2], tasks[1]}));
  EXPECT_EQ(page({.after = tasks[1].id.uuid, .limit = 2}), ids_of({tasks[3], tasks[2]}));
}

TEST_P(TaskStore, finds_the_tasks_about_one_thing_among_a_range_of_ids) {
  const LaneId lane = make_lane();
  std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 5);
  const base::Uuid thing = base::make_uuid(kNow);
  for (const std::size_t i : {0, 1, 3, 4}) tasks[i].ref = thing;
  insert(tasks);

  const auto found =
      store.read([&](db::Tx& tx) { return about(tx, lane, thing, tasks[1].id.uuid, tasks[3].id.uuid); });

  EXPECT_EQ(ids_of(found), ids_of({tasks[1], tasks[3]}));
}

TEST_P(TaskStore, finds_a_waiting_task_for_its_own_tenant_only) {
  make_lane();
  const LaneId lane = make_lane();
  const std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 2);
  insert(tasks);
  const auto found = [&](TenantId of, TaskId id) {
    return store.read([&](db::Tx& tx) { return find_task(tx, of, id); });
  };

  ASSERT_TRUE(found(tenant, tasks[1].id));
  EXPECT_EQ(found(tenant, tasks[1].id)->id, tasks[1].id);
  EXPECT_FALSE(found(make_tenant_id(), tasks[1].id));
  EXPECT_FALSE(found(tenant, TaskId::make(kNow)));
}

}  // namespace

}  // namespace queue
