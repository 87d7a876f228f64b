// Operations that go through a long list piece by piece, at a pace: what they have in common.
#pragma once

#include "operation/operation.hpp"

namespace operation {

/// How far one has come, as its cursor: the last thing done, and with a rate when the next one may begin.
struct Cursor {
  base::Uuid after{};
  base::Time next{};
};
std::string write_cursor(const Cursor& cursor);
Cursor read_cursor(std::string_view text);

/// The moments at which things may begin, one after the other.
class Pace {
 public:
  Pace(std::optional<std::int64_t> per_second, base::Time next, base::Time now)
      : step_(per_second ? 1'000'000 / *per_second : 0), now_(now), due_(std::max(next, now)) {}

  /// How many things a piece has, at most `piece`.
  static std::size_t most(std::optional<std::int64_t> per_second, std::int64_t piece);

  /// Sets when the task is due.
  void take(queue::Task& task);
  base::Time next() const { return due_; }
  /// When the next piece is due: work is put into the lanes only a little ahead of its time, since what was
  /// not put there yet can be cancelled.
  base::Time next_piece() const;

 private:
  std::chrono::microseconds step_;
  base::Time now_;
  base::Time due_;
};

/// Runs an operation's task, which does one piece each time.
class PieceHandler : public queue::Handler {
 public:
  PieceHandler(db::Db& store, queue::Queue& queue, const base::Clock& clock)
      : store_(store), queue_(queue), clock_(clock) {}

  base::Result<void> hydrate(db::Tx&, std::span<queue::Task>) const override { return {}; }
  asio::awaitable<queue::Outcome> run(const queue::Task& task) override;
  base::Result<void> record(db::Tx& tx, std::span<const queue::Finished> finished) const override;

 protected:
  /// Does the next piece of an operation that has not ended. An error that trying again would not mend
  /// (invalid, corrupt, not_found) ends it as FAILED; after any other it is tried again in a second.
  virtual base::Task<queue::Verdict> perform(const Operation& known) = 0;

  /// A piece that makes tasks, within the transaction that writes it.
  struct Step {
    Operation after;
    Pace pace;
    std::vector<queue::Task> tasks{};

    void take(queue::Task task) { pace.take(tasks.emplace_back(std::move(task))); }
  };
  Step begin_step(const Operation& before, std::optional<std::int64_t> per_second) const;
  /// Writes its tasks, and how far the operation has come; last: that was all. Returns when the next piece is
  /// due. Error: conflict, when somebody else has done this one or cancelled it.
  base::Result<base::Time> end_step(db::Tx& tx, const Operation& before, Step step, const base::Uuid& reached,
                                    bool last) const;

  db::Db& store_;
  queue::Queue& queue_;
  const base::Clock& clock_;

 private:
  base::Task<queue::Verdict> perform(OperationId id);
  base::Task<void> fail(OperationId id, base::Error error);
};

/// How many of `count` things are loaded until they have so many bytes, some at a time (of the first there
/// are always some). load(begin, end) -> Result<bytes>.
template <class Load>
base::Result<std::size_t> load_within(std::size_t count, std::size_t bytes_max, std::size_t at_once,
                                      const Load& load) {
  std::size_t bytes = 0;
  std::size_t loaded = 0;
  while (loaded < count && bytes < bytes_max) {
    const std::size_t end = std::min(loaded + at_once, count);
    XD_TRY(const std::size_t more, load(loaded, end));
    bytes += more;
    loaded = end;
  }
  return loaded;
}

}  // namespace operation
