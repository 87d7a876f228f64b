// /api/v1/operations: long work, how far it is, and how to stop it.
#include "api/core/input.hpp"
#include "api/core/page.hpp"
#include "api/operation/operation_json.hpp"
#include "api/operation/routes.hpp"
#include "inbound/process/replay.hpp"
#include "outbound/history/cancel.hpp"
#include "outbound/history/deletion.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using operation::Operation;
using operation::OperationId;
using outbound::ReplayOutcomes;

constexpr const char* kUnknown =
    "there is no operation with this id; they are kept for 30 days after their end";

std::optional<base::TenantId> owner(const Call& call) {
  return call.tenant ? std::optional(call.tenant->id) : std::nullopt;
}

Result<Operation> find_or_fail(const Call& call, db::Tx& tx, OperationId id) {
  XD_TRY(auto found, operation::find_operation(tx, id));
  if (!found || found->tenant != owner(call)) return fail(Code::not_found, kUnknown);
  return std::move(*found);
}

bool makes_deliveries(const Operation& operation) {
  return operation.kind == outbound::kReplayOperation || operation.kind == outbound::kRecoveryOperation;
}

Result<std::optional<ReplayOutcomes>> outcomes_of(db::Tx& tx, const Operation& operation) {
  if (!makes_deliveries(operation)) return std::optional<ReplayOutcomes>{};
  XD_TRY(const auto outcomes, outbound::outcomes_of(tx, *operation.tenant, operation.id));
  return std::optional(outcomes);
}

constexpr std::string_view kKinds[] = {outbound::kReplayOperation, inbound::kReplayOperation,
                                       outbound::kRecoveryOperation, outbound::kDeletionOperation,
                                       monitor::kRemovalOperation};

Result<std::string> read_kind(const Call& call) {
  std::string kind = query_value(call, "kind");
  if (kind.empty() || std::ranges::find(kKinds, kind) != std::end(kKinds)) return kind;
  std::string words;
  for (const std::string_view word : kKinds) words.append(words.empty() ? "" : ", ").append(word);
  return fail(Code::invalid, "kind is one of " + words, "BAD_REQUEST");
}

}  // namespace

void write_operation(format::JsonWriter& json, const Operation& operation,
                     const std::optional<ReplayOutcomes>& outcomes) {
  json.begin_object().key("id").value(operation.id).key("kind").value(operation.kind);
  json.key("status").value(operation::name(operation.status)).key("target_id");
  operation.target ? json.value(*operation.target) : json.null();
  json.key("parameters").raw(operation.parameters).key("progress").begin_object();
  json.key("total").value(operation.total).key("done").value(operation.done);
  json.key("failed").value(operation.failed).key("reasons").begin_object();
  for (const auto& [reason, count] : operation.reasons) json.key(reason).value(count);
  json.end_object().end_object().key("replays");
  if (outcomes) {
    const std::int64_t made = operation.done - operation.failed;
    const std::int64_t ended = outcomes->delivered + outcomes->failed + outcomes->cancelled;
    json.begin_object().key("delivered").value(outcomes->delivered).key("failed").value(outcomes->failed);
    json.key("cancelled").value(outcomes->cancelled);
    json.key("pending").value(std::max<std::int64_t>(0, made - ended)).end_object();
  } else {
    json.null();
  }
  json.key("error");
  operation.error.empty() ? json.null() : json.value(operation.error);
  json.key("created_by");
  operation.created_by ? json.value(*operation.created_by) : json.null();
  json.key("created_at").value(operation.created).key("started_at").value(operation.started);
  json.key("finished_at").value(operation.finished).end_object();
}

std::string operation_json(const Operation& operation, const std::optional<ReplayOutcomes>& outcomes) {
  std::string body;
  format::JsonWriter json(body);
  write_operation(json, operation, outcomes);
  return body;
}

Result<monitor::Pending> read_pending(const Call& call) {
  const std::string text = query_value(call, "pending");
  if (text.empty() || text == "cancel") return monitor::Pending::cancel;
  if (text == "drain") return monitor::Pending::drain;
  return fail(Code::invalid, "pending is cancel or drain", "BAD_REQUEST");
}

Operation make_operation(const Call& call, std::string kind) {
  const base::Time now = call.services.clock.now();
  Operation made{.id = OperationId::make(now), .tenant = owner(call), .kind = std::move(kind)};
  made.created_by = call.principal.key.uuid;
  made.created = now;
  made.updated = now;
  return made;
}

Result<Answer> start_operation(Call& call, db::Tx& tx, const Operation& made, std::string_view task_kind) {
  XD_TRY(const auto under_way,
         operation::list_operations(tx, {.tenant = made.tenant,
                                         .statuses = {operation::Status::pending, operation::Status::running},
                                         .page = {.limit = base::limits::kOperationsPerTenantMax}}));
  if (under_way.size() == base::limits::kOperationsPerTenantMax) {
    return fail(Code::conflict,
                "twenty operations are under way already; wait for the end of one, or cancel one");
  }
  XD_DO(operation::start(tx, call.services.queue, made, task_kind));
  auto entry = call.audit("operation.started", "operation", made.id.uuid);
  entry.tenant = made.tenant;
  entry.after = operation_json(made);
  XD_DO(tenant::insert_audit(tx, entry));
  return Answer{202, std::move(entry.after), {}, "/api/v1/operations/" + made.id.str()};
}

base::Task<http::Response> list_operations(Call& call) {
  XD_CO_TRY(const PageRequest page, read_page(call, {"status", "kind"}));
  XD_CO_TRY(const auto statuses, query_words<operation::Status>(call, "status"));
  XD_CO_TRY(std::string kind, read_kind(call));
  const operation::OperationQuery query{owner(call), std::move(kind), statuses, page.rows()};
  XD_CO_TRY(auto rows, co_await call.services.store.read(
                           [&](db::Tx& tx) { return operation::list_operations(tx, query); }));
  co_return list_response(
      page, std::move(rows), [](const Operation& one) { return one.id.uuid; },
      [](format::JsonWriter& json, const Operation& one) { write_operation(json, one); });
}

base::Task<http::Response> get_operation(Call& call) {
  XD_CO_TRY(const auto id, id_param<OperationId>(call, "id"));
  XD_CO_TRY(std::string body, co_await call.services.store.read([&](db::Tx& tx) -> Result<std::string> {
    XD_TRY(const Operation found, find_or_fail(call, tx, id));
    XD_TRY(const auto outcomes, outcomes_of(tx, found));
    return operation_json(found, outcomes);
  }));
  co_return json_response(200, std::move(body));
}

base::Task<http::Response> cancel_operation(Call& call) {
  XD_CO_TRY(const auto id, id_param<OperationId>(call, "id"));
  bool cancel_waiting = false;
  if (!call.request.body.empty()) {
    XD_CO_TRY(const auto document, co_await read_json(call));
    Input input(document.root(), "#");
    cancel_waiting = input.boolean("cancel_waiting").value_or(false);
    XD_CO_DO(input.finish());
  }
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const Operation known, find_or_fail(call, tx, id));
    if (!makes_deliveries(known) && known.kind != inbound::kReplayOperation)
      return fail(Code::conflict, "a deletion cannot be stopped once it has begun");
    const base::Time now = call.services.clock.now();
    XD_TRY(const bool cancelled, operation::cancel(tx, call.services.queue, known, now));
    if (!cancelled && !cancel_waiting) {
      return fail(Code::conflict,
                  "this operation has ended (" + std::string(operation::name(known.status)) +
                      "); to end what it made and still waits, send {\"cancel_waiting\": true}");
    }
    if (cancel_waiting) {
      XD_DO(outbound::cancel_waiting(
          tx, {.tenant = *known.tenant, .operation = id.uuid},
          {"OPERATION_CANCELLED", "the operation that made this delivery was cancelled", now}));
    }
    XD_TRY(const Operation after, find_or_fail(call, tx, id));
    XD_TRY(const auto outcomes, outcomes_of(tx, after));
    auto entry = call.audit("operation.cancelled", "operation", id.uuid);
    entry.before = operation_json(known);
    entry.after = operation_json(after, outcomes);
    XD_DO(tenant::insert_audit(tx, entry));
    return Answer{200, std::move(entry.after)};
  });
}

}  // namespace api
