// A task: one durable thing that must happen later, waiting in a lane; and what its handler says when it ran.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/id.hpp"
#include "base/limits.hpp"
#include "base/rate.hpp"
#include "base/task.hpp"
#include "db/db.hpp"
#include "queue/breaker.hpp"

namespace queue {

using LaneId = base::Id<struct LaneTag>;
using TaskId = base::Id<struct TaskTag>;

/// ACTIVE: its tasks run. PAUSED: they are kept (HELD) until it is resumed.
enum class LaneState : std::uint8_t { active, paused };

/// Slots of a shard are shared between these, so that none of them can take all (ARCHITECTURE §4).
enum class Share : std::uint8_t {
  fast,   ///< lanes that answer well
  slow,   ///< those that are slow, fail, or have not shown yet how they are
  probe,  ///< those whose circuit is not closed
  bulk    ///< tasks of which there are very many, and nobody waits for
};
inline constexpr std::size_t kShares = 4;

struct Task {
  LaneId lane{};
  TaskId id{};
  base::TenantId tenant{};
  std::string kind{};  ///< which handler runs it
  base::Time due{};    ///< not before this
  base::Time created{};
  int attempt = 0;           ///< attempts that ended with a known outcome
  int unknown_attempts = 0;  ///< attempts cut off by a crash: sent or not, nobody knows
  bool timed = false;        ///< waits for due; otherwise it is taken in the order of ids
  std::string order_key{};
  base::Uuid ref{};    ///< what it is about; the handler's business
  std::string args{};  ///< small, opaque; the handler's business

  /// What run() needs, if the enqueuer had it at hand; otherwise the handler's hydrate() attaches it. Never
  /// stored.
  std::shared_ptr<const void> payload{};
  std::size_t payload_bytes = 0;
  bool bulk =
      false;  ///< one of very many that nobody waits for: goes after the others, in a share of its own
  Share share = Share::fast;  ///< set by the scheduler when it begins; probe: it finds out whether the other
                              ///< side works again

  int attempts_opened() const { return attempt + unknown_attempts; }
};

/// What the owner of a lane asks of it.
struct LanePolicy {
  bool ordered = false;  ///< tasks with the same order_key run one after the other, in the order of their ids
  std::size_t in_flight_max = base::limits::kLaneWindowMax;
  std::optional<base::Rate> rate{};
  std::int64_t circuit_no = 0;  ///< another number: the circuit is closed, whatever it has seen
  bool operator==(const LanePolicy&) const = default;
};

/// What becomes of a task after a run.
struct Verdict {
  enum class Kind : std::uint8_t {
    done,      ///< it is finished, well or for good
    retry_at,  ///< again at `at`
    unknown    ///< the process ended while it ran; again at `at`. Never given by a handler's run().
  };
  Kind kind = Kind::done;
  base::Time at{};

  static Verdict done() { return {}; }
  static Verdict retry_at(base::Time at) { return {Kind::retry_at, at}; }
};

/// What a run tells its lane about the other side. neutral: nothing; failure and overload count for its
/// circuit breaker, overload halves its window as well.
enum class Signal : std::uint8_t { success, neutral, failure, overload };

struct Outcome {
  Verdict verdict{};
  Signal signal = Signal::neutral;
  std::shared_ptr<void> report{};            ///< the handler's own, for record()
  std::optional<Breaker::Change> circuit{};  ///< of its lane, by this end; the queue fills it in
};

/// A task that ran, with its outcome, inside the transaction that applies the verdict.
struct Finished {
  const Task* task = nullptr;
  const Outcome* outcome = nullptr;
  /// The task's row was gone before this run ended (cancelled, or another node took the lane): the verdict
  /// changed nothing, only what happened may be recorded.
  bool stale = false;
  /// This may have been recorded before: the store's answer was lost, and it is told once more.
  bool again = false;
};

/// Runs the tasks of one kind. One instance for each shard; run() on the shard's thread, the other two on
/// database threads at any time, so they use nothing of the instance that changes.
class Handler {
 public:
  virtual ~Handler() = default;

  /// How lanes of this kind run unless something else is said of one.
  virtual LanePolicy lane_policy() const { return {}; }

  /// Attaches payloads to tasks that come from the table. A task whose payload is gone is left without: run()
  /// decides.
  virtual base::Result<void> hydrate(db::Tx& tx, std::span<Task> tasks) const = 0;

  /// Does the work. Never throws for what the outside does. The task outlives the coroutine.
  virtual asio::awaitable<Outcome> run(const Task& task) = 0;

  /// The circuit of the task's lane changed with this outcome, which is about to be recorded. On the shard's
  /// thread.
  virtual void circuit_changed(const Task& /*task*/, Outcome& /*outcome*/) {}

  /// The store does not take what this outcome's report tells. Leaves a report that it surely takes, so that
  /// the verdict stands; false where the task may as well run again.
  virtual bool shorten(Outcome& /*outcome*/) const { return false; }

  /// Writes what the runs mean for the domain, in the transaction that applies their verdicts.
  virtual base::Result<void> record(db::Tx& tx, std::span<const Finished> finished) const = 0;
};

}  // namespace queue
