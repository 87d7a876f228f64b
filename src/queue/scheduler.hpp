// Decides which task runs next: fair between tenants, then between their lanes, never over a lane's window.
#pragma once

#include <deque>
#include <list>
#include <optional>
#include <unordered_map>

#include "queue/task.hpp"
#include "queue/window.hpp"

namespace queue {

/// The tasks of one shard that are in memory and may run, and how many run. Pure: no I/O, no clock. Deficit
/// round robin over tenants (a task costs 1 and 1 more for each 16 KiB of payload), plain round robin over a
/// tenant's lanes, in a lane first come first served.
class Scheduler {
 public:
  explicit Scheduler(std::size_t slots) : slots_(slots) {}

  /// Makes a task ready to run.
  void add(Task task);

  /// The next task to run, or nothing when no lane with a ready task has room. Takes a slot until release().
  std::optional<Task> next();

  /// Gives the slot of a task of this lane back and tells the lane's window how it went.
  void release(LaneId lane, Signal signal);

  /// Puts a task back at the head of its lane without running it, and gives its slot back.
  void put_back(Task task);

  /// Stops or continues a lane; its ready tasks stay.
  void set_paused(LaneId lane, bool paused);

  /// Removes the ready tasks of a lane (they stay in the table).
  std::vector<Task> drop_ready(LaneId lane);

  std::size_t ready(LaneId lane) const;
  std::size_t running() const { return running_; }
  std::size_t window(LaneId lane) const;

 private:
  struct Lane {
    LaneId id;
    base::TenantId tenant;
    Window window;
    std::size_t running = 0;
    bool paused = false;
    bool listed = false;  // stands in its tenant's round
    std::deque<Task> ready;

    bool can_run() const { return !paused && !ready.empty() && running < window.size(); }
  };
  struct Tenant {
    std::deque<Lane*> round;  // lanes that can run
    std::int64_t deficit = 0;
    bool listed = false;
  };

  Lane& lane_of(const Task& task);
  void list(Lane& lane);
  std::optional<Task> take_from(Tenant& tenant);
  void pass_turn();

  std::size_t slots_;
  std::size_t running_ = 0;
  std::unordered_map<LaneId, Lane> lanes_;
  std::unordered_map<base::TenantId, Tenant> tenants_;
  std::deque<Tenant*> round_;  // tenants with lanes that can run
};

}  // namespace queue
