// A scheduler at a time that the test sets, which remembers what runs.
#pragma once

#include <deque>

#include "queue/scheduler.hpp"
#include "testing/tasks.hpp"

namespace queue {

inline constexpr base::Time kThen{std::chrono::microseconds{1'800'000'000'000'000}};

class TestedScheduler {
 public:
  /// Circuits never open, unless the options say so.
  explicit TestedScheduler(std::size_t slots)
      : TestedScheduler(Scheduler::Options{.slots = slots, .circuit = {.failures = 1'000'000'000}}) {}
  explicit TestedScheduler(const Scheduler::Options& options) : scheduler_(options) {}

  void add(Task task) { scheduler_.add(std::move(task), now); }
  void add(std::vector<Task> tasks) {
    for (Task& task : tasks) add(std::move(task));
  }
  std::optional<Task> next() {
    auto task = scheduler_.next(now);
    if (task) running_.push_back(*task);
    return task;
  }
  /// Ends the oldest task of the lane that runs.
  std::optional<Breaker::Change> release(LaneId lane, Signal signal,
                                         std::chrono::microseconds took = std::chrono::milliseconds{1}) {
    return end(std::ranges::find(running_, lane, &Task::lane), signal, took);
  }
  std::optional<Breaker::Change> release(const Task& task, Signal signal) {
    return end(std::ranges::find(running_, task.id, &Task::id), signal, std::chrono::milliseconds{1});
  }
  void set_paused(LaneId lane, bool paused) { scheduler_.set_paused(lane, paused, now); }
  void set_policy(LaneId lane, const LanePolicy& policy) { scheduler_.set_policy(lane, policy, now); }
  std::size_t window(LaneId lane) const { return scheduler_.width(lane, now); }

  /// Takes tasks until there is none, or so many, and gives no slot back.
  std::vector<Task> take(std::size_t most = 1000) {
    std::vector<Task> taken;
    while (taken.size() < most) {
      auto task = next();
      if (!task) break;
      taken.push_back(std::move(*task));
    }
    return taken;
  }
  /// The same where each task has ended, well and for good, before the next one is asked for.
  std::vector<Task> take_one_by_one(std::size_t most) {
    std::vector<Task> taken;
    while (taken.size() < most) {
      auto task = next();
      if (!task) break;
      release(*task, Signal::success);
      scheduler_.free_key(*task, now);
      taken.push_back(std::move(*task));
    }
    return taken;
  }

  Scheduler* operator->() { return &scheduler_; }

  base::Time now = kThen;

 private:
  std::optional<Breaker::Change> end(std::vector<Task>::iterator task, Signal signal,
                                     std::chrono::microseconds took) {
    const auto change = scheduler_.release(*task, signal, took, now);
    running_.erase(task);
    return change;
  }

  Scheduler scheduler_;
  std::vector<Task> running_;
};

}  // namespace queue
