// An operation: long work that somebody asked for, done in pieces by the queue, with progress and an end.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/words.hpp"
#include "queue/queue.hpp"

namespace operation {

using base::name;
using base::TenantId;
using OperationId = base::Id<struct OperationTag>;

enum class Status : std::uint8_t { pending, running, completed, failed, cancelled };
inline constexpr base::Word<Status> kStatuses[] = {{Status::pending, "PENDING"},
                                                   {Status::running, "RUNNING"},
                                                   {Status::completed, "COMPLETED"},
                                                   {Status::failed, "FAILED"},
                                                   {Status::cancelled, "CANCELLED"}};
constexpr std::span<const base::Word<Status>> words_of(Status) { return kStatuses; }

struct Operation {
  OperationId id{};
  std::optional<TenantId> tenant{};  ///< none: the platform's own
  std::string kind{};                ///< "DELIVERY_REPLAY"; which handler works is the task's business
  Status status = Status::pending;
  std::optional<base::Uuid> target{};  ///< the one thing it is about, where there is one
  std::string parameters = "{}";       ///< JSON, as they were asked for
  std::string cursor{};                ///< how far it has come; the handler's business
  std::optional<std::int64_t> total{};
  std::int64_t done = 0;    ///< of total, those that were passed over included
  std::int64_t failed = 0;  ///< of done, those for which nothing could be done
  std::map<std::string, std::int64_t, std::less<>> reasons{};  ///< how many failed for which reason
  std::string error{};
  std::optional<base::Uuid> created_by{};
  base::Time created{};
  std::optional<base::Time> started{};
  std::optional<base::Time> finished{};
  base::Time updated{};

  bool ended() const { return status != Status::pending && status != Status::running; }
  void fail_one(std::string_view reason) { ++failed, ++reasons[std::string(reason)]; }
  /// The lane its one task waits in: no operation holds up another.
  queue::LaneId lane() const { return queue::LaneId{id.uuid}; }
};

/// Stores a new operation, and with it the lane and the task that make it happen.
base::Result<void> start(db::Tx& tx, queue::Queue& queue, const Operation& operation,
                         std::string_view task_kind);

/// Writes a piece's progress, in the transaction that does the piece. `after` differs from `before` in cursor
/// or status; with one that has ended its lane goes. False, and nothing is written, where the operation is no
/// longer what it was before: it was cancelled, or another node has done the piece.
base::Result<bool> advance(db::Tx& tx, queue::Queue& queue, const Operation& before, const Operation& after);

/// Ends it at once: after this no piece of it is done. False where it had ended.
base::Result<bool> cancel(db::Tx& tx, queue::Queue& queue, const Operation& operation, base::Time now);

/// Ends it as FAILED with a message that says what to do; nothing where it has ended.
base::Result<void> fail(db::Tx& tx, queue::Queue& queue, OperationId id, std::string message, base::Time now);

/// For record() of a handler whose runs always have a report: an operation without one was not run, because
/// the process ended so often in the midst of it that the queue gives it up. It ends as FAILED.
base::Result<void> fail_given_up(db::Tx& tx, queue::Queue& queue, std::span<const queue::Finished> finished,
                                 base::Time now);

// The table operations. tenant none: those of the platform.
base::Result<void> insert_operation(db::Tx& tx, const Operation& operation);
base::Result<bool> update_operation(db::Tx& tx, const Operation& before, const Operation& after);
base::Result<std::optional<Operation>> find_operation(db::Tx& tx, OperationId id);
struct OperationQuery {
  std::optional<TenantId> tenant{};
  std::string kind{};  ///< empty: any
  std::vector<Status> statuses{};
  db::Page page{};
};
/// Newest first, within kPageBytesMax. What it looks at is bounded by the page, however many others there
/// are.
base::Result<std::vector<Operation>> list_operations(db::Tx& tx, const OperationQuery& query);

/// How long an operation that has ended can be looked at.
inline constexpr auto kOperationPeriod = std::chrono::days{30};
/// Removes operations that ended longer ago than that, at most `limit`; returns how many.
base::Result<std::int64_t> forget_operations(db::Tx& tx, base::Time now, std::size_t limit);

}  // namespace operation
