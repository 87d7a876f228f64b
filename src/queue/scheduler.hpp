// Decides which task runs next: fair between tenants, then between their lanes, never over what a lane may
// bear.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "queue/flow.hpp"
#include "queue/round.hpp"
#include "queue/task.hpp"

namespace queue {

/// The tasks of one shard that are in memory and may run, and how many run. Pure: no I/O, time is passed in.
///
/// Slots are divided into shares (flow.hpp): each has some that only it may begin in when it has work, and a
/// most; the rest is lent to whoever comes first, fast ones before the others. Inside a share deficit round
/// robin over tenants (a task costs 1 and 1 more for each 16 KiB of payload), then round robin over lanes, a
/// few tasks each; in a lane first come first served, bulk tasks last. In an ordered lane the first task of a
/// key holds it until free_key(); the others of that key wait behind it.
class Scheduler {
 public:
  struct Options {
    std::size_t slots = base::limits::kInFlightPerShard;
    Breaker::Policy circuit{};
  };
  explicit Scheduler(const Options& options);

  /// Makes a task ready to run, or lets it wait for its key.
  void add(Task task, base::Time now);

  /// The next task to run, or nothing when no lane with a ready task has room. Takes a slot until release().
  std::optional<Task> next(base::Time now);
  /// When next() is to be asked again although nothing was added or released.
  std::optional<base::Time> wakes_at() const;

  /// Gives the slot of a task back and tells its lane how it went; returns what that made of its circuit.
  std::optional<Breaker::Change> release(const Task& task, Signal signal, std::chrono::microseconds took,
                                         base::Time now);
  // Keys of ordered lanes; nothing for others.
  /// The task is gone for good: the next one of its key becomes ready.
  void free_key(const Task& task, base::Time now);
  /// The task holds its key from outside the scheduler.
  void hold_key(const Task& task);
  /// The task holds its key and waits in the table for its time.
  void park_key(LaneId lane, const std::string& key, TaskId holder);
  /// The same, unless somebody is known to hold it: one that runs holds it also where a later one waits.
  void park_free_key(LaneId lane, const std::string& key, TaskId holder);
  /// Forgets the keys whose holders wait in the table, but for those in `keep`: the table is about to tell
  /// them anew. Returns the tasks that waited behind them.
  std::vector<Task> drop_parked(LaneId lane, const std::unordered_set<TaskId>& keep);

  void set_policy(LaneId lane, const LanePolicy& policy, base::Time now);
  /// The same, unless something was said of the lane already.
  void set_default_policy(LaneId lane, const LanePolicy& policy);
  /// A circuit that the store has, with its number: it counts unless the policy has a higher one.
  void restore_circuit(LaneId lane, const Breaker::Open& open, std::int64_t circuit_no);
  /// The lane is not this scheduler's any more, so its circuit is not either.
  void drop_circuit(LaneId lane, base::Time now);
  /// How many lanes have a circuit that is not closed.
  std::size_t open_circuits() const { return open_circuits_; }
  /// Stops or continues a lane; its ready tasks stay. One that continues begins with a ramp.
  void set_paused(LaneId lane, bool paused, base::Time now);

  /// Removes the tasks of a lane that do not run (they stay in the table).
  std::vector<Task> drop_ready(LaneId lane);
  /// Removes those that wait for their key.
  std::vector<Task> drop_waiting(LaneId lane);

  std::size_t ready(LaneId lane) const;
  /// Tasks that wait behind others of their key.
  std::size_t waiting(LaneId lane) const;
  /// Whether any of them waits behind this one.
  bool holds_up_others(const Task& task) const;
  std::size_t running() const { return running_; }
  bool ordered(LaneId lane) const;
  /// How many tasks of the lane are worth having at hand: one where its circuit is open, few where it is slow
  /// or unproven, more where it delivers.
  std::size_t appetite(LaneId lane, base::Time now) const;
  /// How many tasks of the lane may run at once.
  std::size_t width(LaneId lane, base::Time now) const;

 private:
  struct Key {
    TaskId holder{};
    bool parked = false;  // the holder is in the table only
    std::map<TaskId, Task> waiting{};
  };
  struct Lane {
    Lane(LaneId id, const Breaker::Policy& circuit) : id(id), flow(circuit) {}

    LaneId id;
    base::TenantId tenant{};
    Flow flow;
    std::size_t running = 0;
    bool paused = false;
    bool listed = false;   // stands in a round
    std::size_t turn = 0;  // tasks it has begun since its turn came
    std::optional<base::Time> sleeps_until{};
    std::list<Task> fresh{};
    std::list<Task> bulk{};
    std::unordered_map<std::string, Key> keys{};

    bool has_ready() const { return !fresh.empty() || !bulk.empty(); }
    Share share(base::Time now) const;
  };
  /// How many of the slots a share may use.
  struct Bounds {
    std::size_t reserved = 0;
    std::size_t most = 0;
  };

  Lane& lane_of(LaneId id);
  /// nullptr: nothing was said of it yet.
  Lane* find(LaneId id) const;
  void make_ready(Lane& lane, Task task, base::Time now);
  void list(Lane& lane, base::Time now);
  /// Does something to a lane's flow that may open or close its circuit.
  template <class Change>
  void change_circuit(Flow& flow, Change change);
  void wake(base::Time now);
  std::optional<Share> pick() const;
  std::optional<Task> take_from(Share share, base::Time now);
  static bool can_go_on(Lane& lane, Share share, base::Time now);
  void go_on(Lane& lane, Share share, base::Time now);

  Options options_;
  std::array<Bounds, kShares> bounds_;
  std::array<Round<Lane>, kShares> rounds_;
  std::array<std::size_t, kShares> running_in_{};
  std::size_t running_ = 0;
  std::size_t open_circuits_ = 0;
  // Of thousands of lanes the next one is in no cache of the processor: it is found with few looks.
  boost::unordered_flat_map<LaneId, std::unique_ptr<Lane>, std::hash<LaneId>> lanes_;
  std::set<std::pair<base::Time, LaneId>> sleepers_;
};

}  // namespace queue
