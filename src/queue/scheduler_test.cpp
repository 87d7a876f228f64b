#include "queue/scheduler_test.hpp"

#include <gtest/gtest.h>

#include <random>

namespace queue {

namespace {

using base::TenantId;
using ::testing::ids_of;
using ::testing::make_lane_id;
using ::testing::make_task;
using ::testing::make_tasks;
using ::testing::make_tenant_id;

constexpr std::size_t kManySlots = 1000;

std::ptrdiff_t count_of(const std::vector<Task>& tasks, TenantId tenant) {
  return std::ranges::count(tasks, tenant, &Task::tenant);
}
std::ptrdiff_t count_of(const std::vector<Task>& tasks, LaneId lane) {
  return std::ranges::count(tasks, lane, &Task::lane);
}

/// Lets the lane run `size` tasks at once.
void widen(TestedScheduler& scheduler, LaneId lane, std::size_t size) {
  while (scheduler.window(lane) < size) {
    scheduler.add(make_task({.lane = lane}));
    scheduler.take_one_by_one(1);
  }
}

TEST(Scheduler, gives_the_tasks_of_a_lane_first_come_first_served) {
  TestedScheduler scheduler(kManySlots);
  const std::vector<Task> tasks = make_tasks({.lane = make_lane_id()}, 20);
  scheduler.add(tasks);

  EXPECT_EQ(ids_of(scheduler.take_one_by_one(100)), ids_of(tasks));
  EXPECT_EQ(scheduler->running(), 0u);
}

TEST(Scheduler, has_nothing_to_give_when_nothing_was_added) {
  TestedScheduler scheduler(kManySlots);

  EXPECT_FALSE(scheduler.next());
  EXPECT_EQ(scheduler->ready(make_lane_id()), 0u);
  EXPECT_EQ(scheduler.window(make_lane_id()), base::limits::kLaneWindowStart);
}

TEST(Scheduler, runs_no_more_of_a_lane_than_its_window) {
  TestedScheduler scheduler(kManySlots);
  const LaneId lane = make_lane_id();
  scheduler.add(make_tasks({.lane = lane}, 100));

  EXPECT_EQ(scheduler.take().size(), 2u);
  scheduler.release(lane, Signal::neutral);
  EXPECT_EQ(scheduler.take().size(), 1u);
  scheduler.release(lane, Signal::success);
  scheduler.release(lane, Signal::success);

  EXPECT_EQ(scheduler.window(lane), 3u);
  EXPECT_EQ(scheduler.take().size(), 3u);
  EXPECT_EQ(scheduler->ready(lane), 94u);
}

TEST(Scheduler, starts_nothing_in_a_lane_that_runs_more_than_its_halved_window) {
  TestedScheduler scheduler(kManySlots);
  const LaneId lane = make_lane_id();
  widen(scheduler, lane, 8);
  scheduler.add(make_tasks({.lane = lane}, 100));
  ASSERT_EQ(scheduler.take().size(), 8u);

  scheduler.release(lane, Signal::overload);
  EXPECT_EQ(scheduler.window(lane), 4u);
  for (int left = 7; left >= 4; --left) {
    EXPECT_TRUE(scheduler.take().empty()) << left << " run";
    scheduler.release(lane, Signal::neutral);
  }

  EXPECT_EQ(scheduler.take().size(), 1u);
}

TEST(Scheduler, runs_no_more_tasks_than_it_has_slots) {
  TestedScheduler scheduler(3);
  std::vector<LaneId> lanes;
  for (int i = 0; i < 5; ++i) lanes.push_back(make_lane_id());
  for (const LaneId lane : lanes) scheduler.add(make_tasks({.lane = lane}, 5));

  const std::vector<Task> first = scheduler.take();
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(scheduler->running(), 3u);
  scheduler.release(first[0].lane, Signal::success);

  EXPECT_EQ(scheduler.take().size(), 1u);
  EXPECT_EQ(scheduler->running(), 3u);
}

TEST(Scheduler, gives_each_tenant_the_same_share_however_much_one_of_them_has) {
  TestedScheduler scheduler(kManySlots);
  const TenantId flooding = make_tenant_id();
  const TenantId quiet = make_tenant_id();
  const TenantId quieter = make_tenant_id();
  for (int i = 0; i < 10; ++i) {
    scheduler.add(make_tasks({.lane = make_lane_id(), .tenant = flooding}, 1000));
  }
  scheduler.add(make_tasks({.lane = make_lane_id(), .tenant = quiet}, 500));
  scheduler.add(make_tasks({.lane = make_lane_id(), .tenant = quieter}, 500));

  const std::vector<Task> taken = scheduler.take_one_by_one(1200);

  // The first task of each lane, which has proven nothing, goes by another round.
  EXPECT_NEAR(count_of(taken, flooding), 400, 18);
  EXPECT_NEAR(count_of(taken, quiet), 400, 18);
  EXPECT_NEAR(count_of(taken, quieter), 400, 18);
}

TEST(Scheduler, serves_a_tenant_that_comes_late_within_one_turn_of_each_other) {
  TestedScheduler scheduler(kManySlots);
  for (int i = 0; i < 3; ++i) {
    scheduler.add(make_tasks({.lane = make_lane_id(), .tenant = make_tenant_id()}, 1000));
  }
  scheduler.take_one_by_one(100);
  const TenantId late = make_tenant_id();
  scheduler.add(make_task({.lane = make_lane_id(), .tenant = late}));

  EXPECT_EQ(count_of(scheduler.take_one_by_one(3 * 8 + 1), late), 1);
}

TEST(Scheduler, saves_up_no_share_for_a_tenant_that_had_nothing) {
  TestedScheduler scheduler(kManySlots);
  const TenantId busy = make_tenant_id();
  const TenantId idle = make_tenant_id();
  const LaneId lane = make_lane_id();
  scheduler.add(make_tasks({.lane = make_lane_id(), .tenant = busy}, 2000));
  scheduler.add(make_task({.lane = lane, .tenant = idle}));
  scheduler.take_one_by_one(1000);
  scheduler.add(make_tasks({.lane = lane, .tenant = idle}, 1000));

  EXPECT_NEAR(count_of(scheduler.take_one_by_one(100), idle), 50, 8);
}

TEST(Scheduler, takes_the_lanes_of_a_tenant_in_turn) {
  TestedScheduler scheduler(kManySlots);
  const TenantId tenant = make_tenant_id();
  const LaneId full = make_lane_id();
  const LaneId small = make_lane_id();
  const LaneId smaller = make_lane_id();
  scheduler.add(make_tasks({.lane = full, .tenant = tenant}, 1000));
  scheduler.add(make_tasks({.lane = small, .tenant = tenant}, 50));
  scheduler.add(make_tasks({.lane = smaller, .tenant = tenant}, 50));

  const std::vector<Task> taken = scheduler.take_one_by_one(3 * 48);

  EXPECT_NEAR(count_of(taken, full), 48, 8);
  EXPECT_NEAR(count_of(taken, small), 48, 8);
  EXPECT_NEAR(count_of(taken, smaller), 48, 8);
}

TEST(Scheduler, begins_a_few_tasks_of_a_lane_together) {
  TestedScheduler scheduler(kManySlots);
  const TenantId tenant = make_tenant_id();
  const LaneId one = make_lane_id();
  const LaneId other = make_lane_id();
  for (const LaneId lane : {one, other}) widen(scheduler, lane, 10);
  for (const LaneId lane : {one, other}) scheduler.add(make_tasks({.lane = lane, .tenant = tenant}, 100));

  const std::vector<Task> taken = scheduler.take(18);

  const auto lanes_of = [&](std::size_t from, std::size_t count) {
    std::set<LaneId> lanes;
    for (std::size_t i = from; i < from + count; ++i) lanes.insert(taken[i].lane);
    return lanes.size();
  };
  ASSERT_EQ(taken.size(), 18u);
  EXPECT_EQ(lanes_of(0, 8), 1u);
  EXPECT_EQ(lanes_of(8, 8), 1u);
  EXPECT_NE(taken[0].lane, taken[8].lane);
}

TEST(Scheduler, goes_on_with_other_lanes_while_the_window_of_one_is_full) {
  TestedScheduler scheduler(kManySlots);
  const TenantId tenant = make_tenant_id();
  const LaneId sick = make_lane_id();
  const LaneId healthy = make_lane_id();
  scheduler.add(make_tasks({.lane = sick, .tenant = tenant}, 100));
  ASSERT_EQ(scheduler.take().size(), 2u);
  scheduler.add(make_tasks({.lane = healthy, .tenant = tenant}, 100));

  const std::vector<Task> taken = scheduler.take_one_by_one(1000);

  EXPECT_EQ(count_of(taken, healthy), 100);
  EXPECT_EQ(count_of(taken, sick), 0);
}

TEST(Scheduler, counts_a_large_payload_as_many_small_ones) {
  constexpr std::size_t kLarge = 1 << 20;
  constexpr std::ptrdiff_t kCostOfLarge = 1 + kLarge / (16 << 10);
  TestedScheduler scheduler(kManySlots);
  const TenantId large = make_tenant_id();
  const TenantId small = make_tenant_id();
  const LaneId lane = make_lane_id();
  for (Task& task : make_tasks({.lane = lane, .tenant = large}, 100)) {
    task.payload_bytes = kLarge;
    scheduler.add(std::move(task));
  }
  scheduler.add(make_tasks({.lane = make_lane_id(), .tenant = small}, 10'000));

  const std::vector<Task> taken = scheduler.take_one_by_one(20 * (kCostOfLarge + 1));

  EXPECT_NEAR(count_of(taken, large) * kCostOfLarge, count_of(taken, small), kCostOfLarge + 8);
  EXPECT_NEAR(count_of(taken, large), 20, 1);
}

TEST(Scheduler, gives_large_payloads_all_there_is_when_nobody_else_waits) {
  TestedScheduler scheduler(kManySlots);
  const LaneId lane = make_lane_id();
  for (Task& task : make_tasks({.lane = lane}, 50)) {
    task.payload_bytes = 25 << 20;
    scheduler.add(std::move(task));
  }

  EXPECT_EQ(scheduler.take_one_by_one(100).size(), 50u);
}

TEST(Scheduler, keeps_the_tasks_of_a_paused_lane_until_it_goes_on) {
  TestedScheduler scheduler(kManySlots);
  const LaneId lane = make_lane_id();
  const std::vector<Task> tasks = make_tasks({.lane = lane}, 2);
  scheduler.add(tasks[0]);
  scheduler.set_paused(lane, true);
  scheduler.add(tasks[1]);

  EXPECT_FALSE(scheduler.next());
  EXPECT_EQ(scheduler->ready(lane), 2u);
  scheduler.set_paused(lane, false);

  EXPECT_EQ(ids_of(scheduler.take_one_by_one(10)), ids_of(tasks));
}

TEST(Scheduler, starts_nothing_when_a_task_of_a_paused_lane_ends) {
  TestedScheduler scheduler(kManySlots);
  const LaneId lane = make_lane_id();
  scheduler.add(make_tasks({.lane = lane}, 10));
  ASSERT_EQ(scheduler.take().size(), 2u);
  scheduler.set_paused(lane, true);

  scheduler.release(lane, Signal::success);

  EXPECT_FALSE(scheduler.next());
  EXPECT_EQ(scheduler->running(), 1u);
}

TEST(Scheduler, takes_no_notice_of_the_pause_of_a_lane_it_does_not_know) {
  TestedScheduler scheduler(kManySlots);
  scheduler.set_paused(make_lane_id(), true);
  EXPECT_FALSE(scheduler.next());
}

TEST(Scheduler, drops_the_ready_tasks_of_a_lane_and_leaves_the_others) {
  TestedScheduler scheduler(kManySlots);
  const LaneId dropped = make_lane_id();
  const LaneId kept = make_lane_id();
  const std::vector<Task> tasks = make_tasks({.lane = dropped}, 5);
  scheduler.add(tasks);
  const std::vector<Task> others = make_tasks({.lane = kept}, 2);
  scheduler.add(others);

  EXPECT_EQ(ids_of(scheduler->drop_ready(dropped)), ids_of(tasks));

  EXPECT_EQ(scheduler->ready(dropped), 0u);
  EXPECT_EQ(ids_of(scheduler.take()), ids_of(others));
  const std::vector<Task> later = make_tasks({.lane = dropped}, 1);
  scheduler.add(later);
  EXPECT_EQ(ids_of(scheduler.take()), ids_of(later));
  EXPECT_TRUE(scheduler->drop_ready(make_lane_id()).empty());
}

/// What must hold after each of very many random steps.
class RandomSteps {
 public:
  explicit RandomSteps(unsigned seed) : random_(seed) {
    for (int i = 0; i < 6; ++i) lanes_.push_back({make_lane_id(), tenants_[i % 3]});
  }

  void step() {
    switch (number(6)) {
      case 0:
      case 1: add_some(); break;
      case 2: end_one(); break;
      case 3:
      case 4: toggle_pause(); break;
      default: take_one(); break;
    }
  }

  /// Runs all that is left.
  void finish() {
    for (Lane& lane : lanes_) {
      lane.paused = false;
      scheduler_.set_paused(lane.id, false);
    }
    do {
      while (!running_.empty()) end_one();
      take_one();
    } while (!running_.empty());
    for (const Lane& lane : lanes_) {
      EXPECT_TRUE(lane.waiting.empty());
      EXPECT_EQ(scheduler_->ready(lane.id), 0u);
    }
    EXPECT_EQ(scheduler_->running(), 0u);
  }

 private:
  static constexpr std::size_t kSlots = 7;
  struct Lane {
    LaneId id;
    TenantId tenant;
    std::deque<TaskId> waiting{};
    std::size_t running = 0;
    bool paused = false;
  };

  std::size_t number(std::size_t below) { return random_() % below; }
  Lane& lane_of(LaneId id) { return *std::ranges::find(lanes_, id, &Lane::id); }

  void add_some() {
    Lane& lane = lanes_[number(lanes_.size())];
    for (Task& task : make_tasks({.lane = lane.id, .tenant = lane.tenant}, number(4))) {
      task.payload_bytes = number(3) * (20 << 10);
      lane.waiting.push_back(task.id);
      scheduler_.add(std::move(task));
    }
  }

  void take_one() {
    auto task = scheduler_.next();
    if (!task) {
      const bool someone_could =
          running_.size() < kSlots && std::ranges::any_of(
                                          lanes_,
                                          [&](const Lane& lane) {
                                            return !lane.paused && !lane.waiting.empty() &&
                                                   lane.running < scheduler_.window(lane.id);
                                          });
      EXPECT_FALSE(someone_could);
      return;
    }
    Lane& lane = lane_of(task->lane);
    ASSERT_FALSE(lane.paused);
    ASSERT_FALSE(lane.waiting.empty());
    ASSERT_EQ(task->id, lane.waiting.front());
    lane.waiting.pop_front();
    ASSERT_LE(++lane.running, scheduler_.window(lane.id));
    running_.push_back(std::move(*task));
    ASSERT_LE(running_.size(), kSlots);
    ASSERT_EQ(scheduler_->running(), running_.size());
  }

  Task take_out_of_running() {
    std::swap(running_[number(running_.size())], running_.back());
    Task task = std::move(running_.back());
    running_.pop_back();
    --lane_of(task.lane).running;
    return task;
  }

  void end_one() {
    if (running_.empty()) return;
    const Task task = take_out_of_running();
    scheduler_.release(task, static_cast<Signal>(number(4)));
  }

  void toggle_pause() {
    Lane& lane = lanes_[number(lanes_.size())];
    if (lane.waiting.empty() && lane.running == 0) return;  // the scheduler may not know it yet
    lane.paused = !lane.paused;
    scheduler_.set_paused(lane.id, lane.paused);
  }

  std::minstd_rand random_;
  TestedScheduler scheduler_{kSlots};
  std::vector<TenantId> tenants_ = {make_tenant_id(), make_tenant_id(), make_tenant_id()};
  std::vector<Lane> lanes_;
  std::vector<Task> running_;
};

TEST(Scheduler, keeps_its_promises_whatever_the_order_of_things) {
  for (unsigned seed = 1; seed <= 20 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomSteps steps(seed);
    for (int i = 0; i < 2000 && !::testing::Test::HasFailure(); ++i) steps.step();
    steps.finish();
  }
}

}  // namespace

}  // namespace queue
