// The tables tasks and lanes.
#pragma once

#include <set>
#include <span>
#include <unordered_set>
#include <vector>

#include "db/page.hpp"
#include "queue/task.hpp"

namespace queue {

using base::Result;

/// What a node holds of a lane: on PostgreSQL every write carries the epoch, so that a stale owner changes
/// nothing.
struct Lease {
  LaneId lane{};
  base::TenantId tenant{};
  LaneState state = LaneState::active;
  std::int64_t epoch = 0;
  std::optional<Breaker::Open> circuit{};  ///< nothing while it is closed
  std::int64_t circuit_no = 0;
  std::string kind{};
};

Result<void> insert_lane(db::Tx& tx, LaneId lane, base::TenantId tenant, std::string_view kind,
                         LaneState state);
/// An active lane of the deployment, which has no tenant; false where it is there already.
Result<bool> insert_lane_once(db::Tx& tx, LaneId lane, std::string_view kind);
/// Keeps everybody else away from a lane of the tenant until the transaction ends. Whoever closes tasks locks
/// the lane first, so a change of what belongs to a lane (its subscription, the statistics, its tasks) does
/// the same before anything else: without one order for all, PostgreSQL would have to break deadlocks.
Result<void> lock_lane(db::Tx& tx, base::TenantId tenant, LaneId lane);
Result<void> set_lane_state(db::Tx& tx, LaneId lane, LaneState state);
/// Removes the lane and its tasks; returns how many tasks there were.
Result<std::int64_t> delete_lane(db::Tx& tx, LaneId lane);

/// A lane that has tasks, and the youngest of them.
struct Busy {
  LaneId lane{};
  TaskId youngest{};
  bool operator==(const Busy&) const = default;
};
/// Lanes that have tasks, found by skipping from lane to lane: costs by lanes, not by tasks.
Result<std::vector<Busy>> lanes_with_tasks(db::Tx& tx);

/// SQLite: reads the lane. PostgreSQL: takes it for the node, when nobody alive holds it. Nothing when it
/// does not exist or is another node's.
Result<std::optional<Lease>> acquire(db::Tx& tx, LaneId lane, const base::Uuid& node);
/// A process that serves lanes. The id is its own, the name that of the place it runs at, which the process
/// after it has as well.
struct Node {
  base::Uuid id{};
  std::string name{};
};
/// Gives all lanes of the node back at once, at the end.
Result<void> release_all(db::Tx& tx, const base::Uuid& node);
/// Says that the node lives, for `lease` from now by the database's clock. False where nothing was known of
/// it, or its lease had been ended.
Result<bool> renew(db::Tx& tx, const Node& node, std::chrono::seconds lease);
/// The same for one that begins. Whatever a process of its name left behind has no lease any more, so that
/// its lanes are free at once. Should that process live nevertheless, it changes nothing of the lanes that
/// are taken from it: they have another owner and another epoch by then. Forgets nodes that ended a day ago.
Result<void> begin_lease(db::Tx& tx, const Node& node, std::chrono::seconds lease);

Result<void> insert_tasks(db::Tx& tx, std::span<const Task> tasks);

/// Where the tasks of a lane begin. On PostgreSQL the entries of closed tasks stay in the indexes until they
/// are vacuumed, and reading from the very beginning walks over all of them; the owner of a lane knows what
/// is gone.
struct Begin {
  TaskId id{};       ///< no task that does not wait for its time stands before this; in an ordered lane none
  base::Time due{};  ///< of those that wait for their time none is due before this

  /// With room for what others commit late: transactions end in another order than their ids were made in.
  Begin earlier(std::chrono::microseconds room) const;
  /// Takes in that this task stands there, of an unordered lane.
  void lower_to(const Task& task);
  void lower_to(const Begin& other);
};
/// Where nothing is known to stand: what others are lowered from.
inline constexpr Begin kNowhere{.id = {.uuid = {.bytes = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                                          255, 255, 255, 255, 255, 255}}},
                                .due = base::Time::max()};

struct Loaded {
  std::vector<Task> tasks;
  /// Those among them whose last attempt was begun by somebody and never ended.
  std::vector<bool> opened;
  bool more = false;                   ///< there are further ones that could run now
  bool whole = false;                  ///< of an ordered lane: all that it has was looked at
  std::optional<base::Time> next_due;  ///< of the earliest that waits for its time
  /// Of an ordered lane: those that wait for their time and hold their keys meanwhile.
  std::vector<std::pair<std::string, TaskId>> parked;
  /// Of an ordered lane that was read by keys: the last key looked at, "" after all of them.
  std::string last_key;
  /// Filled by the shard: those that memory had when reading began. They come without their payloads, and
  /// must not run from here.
  std::unordered_set<TaskId> held{};
  Begin begin{};  ///< where the lane began when it was read
};
/// The oldest tasks of a lane that may run now, at most `limit` of the fresh and of the timed ones, by due
/// time; looked for from `from` on.
Result<Loaded> load(db::Tx& tx, LaneId lane, base::Time now, std::size_t limit, const Begin& from = {});
/// The same of an ordered lane, by id: all of them with those that wait where there are less than `limit`;
/// else the first task of each key after `after_key`, at most `limit`, so that a key with very many tasks
/// hides no other.
Result<Loaded> load_ordered(db::Tx& tx, LaneId lane, base::Time now, std::size_t limit,
                            const std::string& after_key, const Begin& from = {});

struct Opening {
  LaneId lane{};
  TaskId id{};
  std::int64_t epoch = 0;
};
/// Marks that an attempt of each task begins now; false for a task that is gone or whose lane is not ours any
/// more.
Result<std::vector<bool>> open(db::Tx& tx, std::span<const Opening> openings, const base::Uuid& node,
                               base::Time now);

struct Closing {
  const Task* task = nullptr;
  const Outcome* outcome = nullptr;
  std::int64_t epoch = 0;
  bool again = false;  ///< an earlier try may have been stored, only its answer was lost
};
/// Applies the verdicts; false where that changed nothing because the task was gone or the lane is not ours.
Result<std::vector<bool>> close(db::Tx& tx, std::span<const Closing> closings, const base::Uuid& node);

/// Keeps how far a long task has come: gives it these args instead of those it has. False when it is gone or
/// somebody else has brought it further meanwhile.
Result<bool> advance_args(db::Tx& tx, const Task& task, std::string_view args);

/// Whether an attempt was made already.
enum class Tried : std::uint8_t { any, no, yes };
/// Tasks that wait in a lane, for lists.
Result<std::vector<Task>> pending(db::Tx& tx, LaneId lane, const db::Page& page, Tried tried = Tried::any);
/// Those about one thing: among ids from `from` to `to`, and whenever they were made those that have args.
Result<std::vector<Task>> about(db::Tx& tx, LaneId lane, const base::Uuid& ref, const base::Uuid& from,
                                const base::Uuid& to);
/// What tasks are about, as far as it is less than `before`. Looks at all there are: for retention, in a
/// read.
Result<std::set<base::Uuid>> refs_before(db::Tx& tx, const base::Uuid& before);
/// Whether a task that came long after what it is about, a replay, is about this.
Result<bool> is_replayed(db::Tx& tx, const base::Uuid& ref);
/// A waiting task of the tenant: one look into each of its lanes.
Result<std::optional<Task>> find_task(db::Tx& tx, base::TenantId tenant, TaskId id);

/// An order_key of a lane. Its text outlives the question.
struct KeyInLane {
  LaneId lane{};
  std::string_view key{};
};
/// For each, whether a task with that key waits in that lane.
base::Result<std::vector<bool>> has_tasks_of(db::Tx& tx, std::span<const KeyInLane> keys);

}  // namespace queue
