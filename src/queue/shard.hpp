// The queue's part on one thread: holds lanes, brings their tasks to their handlers, and writes what became
// of them.
#pragma once

#include <map>
#include <set>
#include <unordered_set>

#include "base/batcher.hpp"
#include "base/clock.hpp"
#include "queue/queue_store.hpp"
#include "queue/scheduler.hpp"

namespace queue {

/// One per thread; everything here runs on it. A lane belongs to one shard of the node.
///
/// A task's way: arrived (right from the commit that made it, or read from the table) → ready → picked by the
/// scheduler → opened (its attempt is on disk before anything leaves) → run → closed (verdict and domain
/// writes in one transaction) → forgotten. A lane holds at most kLaneTasksInMemoryMax tasks in memory; what
/// does not fit stays in the table and is read when there is room ("spilled"). After a crash, a task that is
/// read with its attempt open is one whose attempt nobody ended: it becomes an attempt of outcome unknown and
/// is due again.
class Shard {
 public:
  struct Options {
    std::size_t slots = base::limits::kInFlightPerShard;
    std::size_t bytes_max = base::limits::kQueueBytesInMemory / 2;
    base::Uuid node{};
    Breaker::Policy circuit{};
  };

  Shard(asio::any_io_executor executor, db::Db& store, const base::Clock& clock, Options options);

  /// Before the first task. The handler outlives the shard.
  void add_handler(std::string kind, Handler& handler);

  /// Tasks whose enqueuing transaction was just committed.
  void arrived(std::vector<Task> tasks);
  /// The lane has tasks in the table (found at start, or by looking).
  void wake(LaneId lane);
  /// The same, unless the shard has work of this lane in hand or in mind already, and has read it since the
  /// youngest task came.
  void look(const Busy& lane);
  /// While suspended nothing is picked; when it ends, every lane is acquired anew.
  void set_suspended(bool suspended);
  void set_state(LaneId lane, LaneState state);
  /// What the owner of the lane asks of it from now on; lanes that nothing is said of have the default.
  void set_policy(LaneId lane, const LanePolicy& policy);
  /// The lane was deleted: its tasks are gone, runs in flight end as stale.
  void forget_lane(LaneId lane);
  /// Stops picking tasks and waits for those in flight.
  asio::awaitable<void> stop();

  std::size_t running() const { return scheduler_.running(); }
  std::size_t in_memory() const { return tasks_in_memory_; }

 private:
  /// What a lane that delivers may always hold, however full the memory is.
  static constexpr std::size_t kTasksAlways = 4;
  /// After an id was made it may take so long until others see the task. Who comes later is found by the
  /// look at a whole lane.
  static constexpr auto kLateCommits = std::chrono::seconds{2};

  struct Lane {
    explicit Lane(LaneId id) : id(id) {}

    LaneId id;
    std::int64_t epoch = 0;
    bool known = false;   // state and epoch were read
    bool spilled = true;  // the table may hold tasks that memory does not
    bool loading = false;
    bool again = false;       // while loading: to be done once more when it has ended
    bool state_told = false;  // while its row is read: the state was changed, and told
    bool queued = false;      // stands in load_queue_
    bool gone = false;
    LaneState state = LaneState::active;
    std::unordered_set<TaskId> in_memory;         // ready, running, or being closed
    std::unordered_set<TaskId> closed_meanwhile;  // while loading: the reader may have seen them still
    bool read_is_void = false;                    // what it knew was given up since the read began
    std::vector<Task> arrived_meanwhile;          // while loading: the reader may or may not have seen them
    Begin begin{};                                // where it is read from, but for a look at all of it
    Begin lowest_meanwhile = kNowhere;            // of what came since the last read began
    std::optional<base::Time> read_whole{};       // when it was last read from its very beginning
    std::optional<base::Time> reading_whole{};    // while loading: since when it is read from there
    std::optional<base::Time> next_due;
    std::string last_key;      // ordered: how far the keys were read
    bool keys_unread = false;  // ordered: one may be able to run that the next round over the keys would find
  };
  Lane& lane_of(LaneId id);
  void arrive(Task task);
  void stands_in_table(Lane& lane, const Task& task);
  bool take_into_memory(Lane& lane, Task task);
  void pump();
  void count_circuits();
  base::Task<void> perform(Task task);
  enum class Opened : std::uint8_t { yes, not_now, refused };
  asio::awaitable<Opened> open(const Task& task);
  void doubt(Lane& lane);
  asio::awaitable<void> finish(Task& task, Outcome& outcome);
  void forget(const Task& task);

  void want_load(Lane& lane);
  void read_again(Lane& lane);
  void start_loads();
  base::Task<void> load_lane(LaneId id);
  base::Task<Loaded> read_lane(LaneId id);
  base::Task<Loaded> read_lane_from(LaneId id, Begin from);
  Begin begin_of_read(Lane& lane);
  bool read_whole_within(const Lane& lane, std::chrono::seconds time) const;
  asio::awaitable<base::Result<bool>> learn(LaneId id);
  void loaded(Lane& lane, Loaded result);
  using LeftKeys = std::unordered_set<std::string>;
  void take_read(Lane& lane, Task task, LeftKeys& left);
  void leave(Lane& lane, const Task& task, LeftKeys& left);
  void renew_keys(Lane& lane, const Loaded& result);
  bool may_read_on(Lane& lane, const Loaded& result, bool unseen);
  std::unordered_set<std::string> make_room(Lane& lane);
  void give_up(Lane& lane);
  std::size_t room(const Lane& lane) const;
  bool hungry(const Lane& lane) const;
  bool remember(Lane& lane, const Task& task);
  base::Task<void> end_unknown(Task task);

  void set_due(Lane& lane, base::Time due);
  void clear_due(Lane& lane);
  std::optional<base::Time> next_moment() const;
  void arm_timer();
  void on_timer();

  using Openings = base::Batcher<Opening, bool>;
  using Closings = base::Batcher<Closing, bool>;
  base::Task<std::vector<bool>> flush_openings(Openings::Take take);
  base::Task<std::vector<bool>> flush_closings(Closings::Take take);
  base::Result<std::vector<bool>> apply(db::Tx& tx, std::span<const Closing> closings) const;

  asio::any_io_executor executor_;
  db::Db& store_;
  const base::Clock& clock_;
  Options options_;
  Scheduler scheduler_;
  std::map<std::string, Handler*, std::less<>> handlers_;
  boost::unordered_flat_map<LaneId, std::unique_ptr<Lane>, std::hash<LaneId>> lanes_;
  std::deque<LaneId> load_queue_;
  std::size_t loads_running_ = 0;
  std::set<std::pair<base::Time, LaneId>> due_;
  std::size_t tasks_in_memory_ = 0;
  std::size_t lanes_with_many_ = 0;  // that hold more than kTasksAlways
  std::size_t bytes_in_memory_ = 0;
  std::size_t circuits_counted_ = 0;
  bool stopping_ = false;
  bool suspended_ = false;
  asio::steady_timer timer_;
  std::optional<base::Time> armed_for_;
  base::Gate gate_;
  base::Gate writes_;  // of the batchers: open until the last verdict is written
  Openings openings_;
  Closings closings_;
};

}  // namespace queue
