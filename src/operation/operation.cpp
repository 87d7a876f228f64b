#include "operation/operation.hpp"

namespace operation {

base::Result<void> start(db::Tx& tx, queue::Queue& queue, const Operation& operation,
                         std::string_view task_kind) {
  XD_DO(insert_operation(tx, operation));
  const TenantId tenant = operation.tenant.value_or(TenantId{});
  XD_DO(queue.create_lane(tx, operation.lane(), tenant, task_kind));
  queue::Task task;
  task.lane = operation.lane();
  task.id = queue::TaskId::make(operation.created);
  task.tenant = tenant;
  task.kind = task_kind;
  task.due = operation.created;
  task.created = operation.created;
  task.ref = operation.id.uuid;
  return queue.enqueue(tx, {std::move(task)});
}

base::Result<bool> advance(db::Tx& tx, queue::Queue& queue, const Operation& before, const Operation& after) {
  XD_TRY(const bool written, update_operation(tx, before, after));
  if (written && after.ended()) XD_DO(queue.delete_lane(tx, after.lane()));
  return written;
}

namespace {

/// Ends it as `edit` says. Whoever does a piece at this moment may bring it further meanwhile; what counts is
/// where it is by then.
template <class Edit>
base::Result<bool> end(db::Tx& tx, queue::Queue& queue, std::optional<Operation> known, base::Time now,
                       Edit edit) {
  while (known && !known->ended()) {
    Operation after = *known;
    edit(after);
    after.finished = now;
    after.updated = now;
    XD_TRY(const bool written, advance(tx, queue, *known, after));
    if (written) return true;
    XD_TRY(known, find_operation(tx, after.id));
  }
  return false;
}

}  // namespace

base::Result<bool> cancel(db::Tx& tx, queue::Queue& queue, const Operation& operation, base::Time now) {
  return end(tx, queue, operation, now, [](Operation& after) { after.status = Status::cancelled; });
}

base::Result<void> fail(db::Tx& tx, queue::Queue& queue, OperationId id, std::string message,
                        base::Time now) {
  XD_TRY(auto known, find_operation(tx, id));
  XD_DO(end(tx, queue, std::move(known), now, [&](Operation& after) {
    after.status = Status::failed;
    after.error = std::move(message);
  }));
  return {};
}

base::Result<void> fail_given_up(db::Tx& tx, queue::Queue& queue, std::span<const queue::Finished> finished,
                                 base::Time now) {
  for (const queue::Finished& one : finished) {
    const bool given_up = one.outcome->verdict.kind == queue::Verdict::Kind::done && !one.outcome->report;
    if (!given_up || one.stale) continue;
    XD_DO(fail(tx, queue, OperationId{one.task->ref},
               "Crossdock was stopped too often in the midst of this; ask for it again", now));
  }
  return {};
}

}  // namespace operation
