#include <gtest/gtest.h>

#include <random>

#include "queue/scheduler_test.hpp"

namespace queue {

namespace {

using ::testing::ids_of;
using ::testing::make_lane_id;
using ::testing::make_task;
using namespace std::chrono_literals;

class OrderedLane : public ::testing::Test {
 protected:
  OrderedLane() { scheduler.set_policy(lane, {.ordered = true}); }

  Task add(const std::string& key) {
    Task task = make_task({.lane = lane});
    task.order_key = key;
    scheduler.add(task);
    return task;
  }
  std::vector<TaskId> take() { return ids_of(scheduler.take()); }
  /// Ends a task well, and for good.
  void finish(const Task& task) {
    scheduler.release(task, Signal::success);
    scheduler->free_key(task, scheduler.now);
  }

  const LaneId lane = make_lane_id();
  TestedScheduler scheduler{100};
};

using Ids = std::vector<TaskId>;

TEST_F(OrderedLane, runs_one_task_of_a_key_at_a_time_and_other_keys_beside_it) {
  const Task a1 = add("a");
  const Task a2 = add("a");
  const Task b1 = add("b");

  EXPECT_EQ(take(), (Ids{a1.id, b1.id}));
  finish(b1);
  EXPECT_EQ(take(), Ids{});
  finish(a1);
  EXPECT_EQ(take(), Ids{a2.id});
}

TEST_F(OrderedLane, keeps_a_key_held_after_its_task_has_ended_until_it_is_freed) {
  const Task first = add("a");
  const Task second = add("a");
  take();

  scheduler.release(first, Signal::success);
  EXPECT_EQ(take(), Ids{});
  scheduler->free_key(first, scheduler.now);
  EXPECT_EQ(take(), Ids{second.id});
}

TEST_F(OrderedLane, says_whether_others_wait_behind_a_task) {
  const Task first = add("a");
  const Task alone = add("b");
  EXPECT_FALSE(scheduler->holds_up_others(first));
  const Task second = add("a");
  take();
  EXPECT_TRUE(scheduler->holds_up_others(first));
  EXPECT_FALSE(scheduler->holds_up_others(alone));
  finish(first);
  EXPECT_FALSE(scheduler->holds_up_others(second));
  EXPECT_FALSE(scheduler->holds_up_others(make_task({.lane = make_lane_id()})));
}

TEST_F(OrderedLane, lets_others_of_a_key_wait_while_the_first_waits_for_a_retry) {
  const Task first = add("a");
  const Task second = add("a");
  take();
  scheduler.release(first, Signal::failure);
  scheduler->park_key(lane, "a", first.id);

  EXPECT_EQ(take(), Ids{});
  scheduler.add(first);
  EXPECT_EQ(take(), Ids{first.id});
  finish(first);
  EXPECT_EQ(take(), Ids{second.id});
}

TEST_F(OrderedLane, takes_those_that_wait_in_the_order_of_their_ids_however_they_came) {
  add("a");
  const Task second = make_task({.lane = lane});
  Task third = make_task({.lane = lane});
  Task other = second;
  other.order_key = third.order_key = "a";
  scheduler.add(third);
  scheduler.add(other);
  ASSERT_LT(second.id, third.id);

  const std::vector<Task> taken = scheduler.take_one_by_one(10);

  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[1].id, second.id);
  EXPECT_EQ(taken[2].id, third.id);
}

TEST_F(OrderedLane, runs_tasks_without_a_key_side_by_side) {
  add("");
  add("");
  EXPECT_EQ(take().size(), 2u);
}

TEST_F(OrderedLane, forgets_who_holds_a_key_in_the_table_when_the_table_is_read_anew) {
  const Task gone = add("a");
  const Task second = add("a");
  take();
  scheduler.release(gone, Signal::failure);
  scheduler->park_key(lane, "a", gone.id);

  EXPECT_EQ(ids_of(scheduler->drop_parked(lane, {})), Ids{second.id});
  scheduler.add(second);
  EXPECT_EQ(take(), Ids{second.id});
}

TEST_F(OrderedLane, does_not_forget_a_holder_that_came_into_the_table_after_the_reading_began) {
  const Task first = add("a");
  const Task second = add("a");
  take();
  scheduler.release(first, Signal::failure);
  scheduler->park_key(lane, "a", first.id);

  EXPECT_TRUE(scheduler->drop_parked(lane, {first.id}).empty());
  scheduler.add(second);
  EXPECT_EQ(take(), Ids{});
}

TEST_F(OrderedLane, does_not_forget_a_holder_that_runs) {
  const Task first = add("a");
  take();

  EXPECT_TRUE(scheduler->drop_parked(lane, {}).empty());
  add("a");
  EXPECT_EQ(take(), Ids{});
  finish(first);
  EXPECT_EQ(take().size(), 1u);
}

TEST_F(OrderedLane, gives_back_all_that_does_not_run) {
  const Task running = add("a");
  take();
  const Task waiting = add("a");
  const Task ready = add("b");

  EXPECT_EQ(ids_of(scheduler->drop_ready(lane)), (Ids{ready.id, waiting.id}));
  scheduler.add(ready);
  scheduler.add(waiting);
  EXPECT_EQ(take(), Ids{ready.id}) << "the other one still runs";
  finish(running);
  EXPECT_EQ(take(), Ids{waiting.id});
}

TEST_F(OrderedLane, lets_all_go_when_order_is_no_longer_asked_for) {
  add("a");
  add("a");
  add("a");

  scheduler.set_policy(lane, {});

  EXPECT_EQ(scheduler.take_one_by_one(10).size(), 3u);
}

TEST_F(OrderedLane, is_never_out_of_order_whatever_happens) {
  std::minstd_rand random(11);
  for (int round = 0; round < 20; ++round) {
    const LaneId one = make_lane_id();
    TestedScheduler tested{20};
    tested.set_policy(one, {.ordered = true});
    std::map<std::string, std::vector<TaskId>> left;
    for (int i = 0; i < 200; ++i) {
      Task task = make_task({.lane = one});
      task.order_key = std::string(1, static_cast<char>('a' + random() % 5));
      left[task.order_key].push_back(task.id);
      tested.add(task);
    }
    std::vector<Task> running;
    std::vector<Task> parked;
    for (int step = 0; step < 100'000 && (!running.empty() || !parked.empty() || tested->ready(one) > 0);
         ++step) {
      if (auto task = tested.next()) {
        ASSERT_EQ(task->id, left[task->order_key].front());
        running.push_back(*task);
        continue;
      }
      if (!running.empty() && random() % 2 == 0) {
        const Task task = running[random() % running.size()];
        std::erase_if(running, [&](const Task& other) { return other.id == task.id; });
        const bool done = random() % 3 != 0;
        tested.release(task, done ? Signal::success : Signal::failure);
        if (done) {
          left[task.order_key].erase(left[task.order_key].begin());
          tested->free_key(task, tested.now);
        } else {
          tested->park_key(one, task.order_key, task.id);
          parked.push_back(task);
        }
      } else if (!parked.empty()) {
        tested.add(parked.back());
        parked.pop_back();
      }
    }
    for (const auto& [key, ids] : left) EXPECT_TRUE(ids.empty()) << key;
  }
}

/// How slots are shared.
TEST(Shares, leave_some_slots_to_lanes_that_answer_well_however_many_others_there_are) {
  TestedScheduler scheduler(64);
  const LaneId healthy = make_lane_id();
  scheduler.add(make_task({.lane = healthy}));
  scheduler.take_one_by_one(1);
  for (int i = 0; i < 200; ++i) {
    const LaneId unknown = make_lane_id();
    scheduler.add(make_task({.lane = unknown}));
    scheduler.add(make_task({.lane = unknown}));
  }

  EXPECT_EQ(scheduler.take().size(), 56u) << "an eighth is kept";
  scheduler.add(make_task({.lane = healthy}));
  const auto task = scheduler.next();
  ASSERT_TRUE(task);
  EXPECT_EQ(task->lane, healthy);
}

TEST(Shares, give_probes_some_slots_and_no_more) {
  TestedScheduler scheduler(Scheduler::Options{.slots = 200, .circuit = {.failures = 1, .open = 60s}});
  for (int i = 0; i < 50; ++i) {
    const LaneId dead = make_lane_id();
    scheduler.add(make_task({.lane = dead}));
    const auto task = scheduler.next();
    scheduler.release(*task, Signal::failure);
    scheduler.add(make_task({.lane = dead}));
  }
  EXPECT_TRUE(scheduler.take().empty());
  EXPECT_EQ(scheduler->wakes_at(), kThen + 60s);

  scheduler.now += 60s;

  EXPECT_EQ(scheduler.take().size(), 10u);
}

TEST(Shares, let_bulk_tasks_go_after_the_others_of_their_lane) {
  TestedScheduler scheduler(100);
  const LaneId lane = make_lane_id();
  Task bulk = make_task({.lane = lane});
  bulk.bulk = true;
  scheduler.add(bulk);
  const Task fresh = make_task({.lane = lane});
  scheduler.add(fresh);

  EXPECT_EQ(ids_of(scheduler.take_one_by_one(10)), (std::vector<TaskId>{fresh.id, bulk.id}));
}

TEST(Shares, let_a_lane_with_a_rate_sleep_until_it_may_go_on) {
  TestedScheduler scheduler(100);
  const LaneId lane = make_lane_id();
  scheduler.set_policy(lane, {.rate = base::Rate{2, 10s}});
  for (int i = 0; i < 5; ++i) scheduler.add(make_task({.lane = lane}));

  EXPECT_EQ(scheduler.take_one_by_one(10).size(), 2u);
  EXPECT_EQ(scheduler->wakes_at(), kThen + 10s);
  scheduler.now += 10s;
  EXPECT_EQ(scheduler.take_one_by_one(10).size(), 2u);
  scheduler.now += 10s;
  EXPECT_EQ(scheduler.take_one_by_one(10).size(), 1u);
  EXPECT_EQ(scheduler->wakes_at(), std::nullopt);
}

}  // namespace

}  // namespace queue
