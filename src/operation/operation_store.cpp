#include "format/json.hpp"
#include "operation/operation.hpp"

namespace operation {

namespace {

using base::Result;

constexpr const char* kSelect =
    "SELECT id, tenant_id, kind, status, target_id, parameters, cursor, total, done, failed, result, error,"
    " created_by, created_at, started_at, finished_at, updated_at FROM operations";

std::string reasons_json(const Operation& operation) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  for (const auto& [reason, count] : operation.reasons) json.key(reason).value(count);
  json.end_object();
  return text;
}

Operation read_operation(const db::Row& row) {
  Operation operation;
  operation.id = row.id<OperationId>(0);
  if (!row.is_null(1)) operation.tenant = row.id<TenantId>(1);
  operation.kind = row.string(2);
  operation.status = base::parse_word<Status>(row.text(3)).value_or(Status::failed);
  if (!row.is_null(4)) operation.target = row.uuid(4);
  operation.parameters = row.string(5);
  operation.cursor = row.string(6);
  operation.total = row.maybe_integer(7);
  operation.done = row.integer(8);
  operation.failed = row.integer(9);
  if (const auto reasons = format::parse_json(row.string(10))) {
    for (const format::Member& reason : reasons->root().members()) {
      operation.reasons.emplace(reason.key, reason.value.integer().value_or(0));
    }
  }
  operation.error = row.string(11);
  if (!row.is_null(12)) operation.created_by = row.uuid(12);
  operation.created = row.time(13);
  operation.started = row.maybe_time(14);
  operation.finished = row.maybe_time(15);
  operation.updated = row.time(16);
  return operation;
}

}  // namespace

Result<void> insert_operation(db::Tx& tx, const Operation& o) {
  const std::string reasons = reasons_json(o);
  XD_DO(
      tx.exec("INSERT INTO operations (id, tenant_id, kind, status, target_id, parameters, cursor, total, "
              "done, failed,"
              " result, error, created_by, created_at, started_at, finished_at, updated_at)"
              " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
              {o.id, o.tenant, o.kind, name(o.status), o.target, o.parameters, o.cursor, o.total, o.done,
               o.failed, reasons, o.error, o.created_by, o.created, o.started, o.finished, o.updated}));
  return {};
}

Result<bool> update_operation(db::Tx& tx, const Operation& before, const Operation& after) {
  const std::string reasons = reasons_json(after);
  XD_TRY(const auto changed,
         tx.exec(
             "UPDATE operations SET status = $4, cursor = $5, total = $6, done = $7, failed = $8,"
             " result = $9, error = $10, started_at = $11, finished_at = $12, updated_at = $13"
             " WHERE id = $1 AND status = $2 AND cursor = $3",
             {before.id, name(before.status), before.cursor, name(after.status), after.cursor, after.total,
              after.done, after.failed, reasons, after.error, after.started, after.finished, after.updated}));
  return changed == 1;
}

Result<std::optional<Operation>> find_operation(db::Tx& tx, OperationId id) {
  std::optional<Operation> found;
  XD_DO(tx.query(std::string(kSelect) + " WHERE id = $1", {id},
                 [&](const db::Row& row) { found = read_operation(row); }));
  return found;
}

namespace {

db::PageQuery of_owner(const std::string& select, const OperationQuery& query) {
  return query.tenant ? db::PageQuery(select + " WHERE tenant_id = $1", {*query.tenant}, query.page)
                      : db::PageQuery(select + " WHERE tenant_id IS NULL", {}, query.page);
}

/// Of what some have much of.
std::size_t bytes_of(const Operation& operation) {
  return operation.parameters.size() + operation.error.size();
}

/// The page's ids, each state's taken from its own part of an index.
Result<std::vector<OperationId>> filtered_ids(db::Tx& tx, const OperationQuery& query) {
  std::vector<Status> statuses = query.statuses;
  if (statuses.empty())
    std::ranges::transform(kStatuses, std::back_inserter(statuses), &base::Word<Status>::value);
  std::vector<OperationId> ids;
  for (const Status status : statuses) {
    db::PageQuery sql = of_owner("SELECT id FROM operations", query);
    sql.also(" AND status = $", name(status));
    if (!query.kind.empty()) sql.also(" AND kind = $", query.kind);
    std::vector<OperationId> some;
    XD_DO(sql.run(tx, some, [](const db::Row& row) { return row.id<OperationId>(0); }));
    ids.insert(ids.end(), some.begin(), some.end());
  }
  std::ranges::sort(ids, std::greater{});
  if (ids.size() <= query.page.limit) return ids;
  // Of a page that is read backwards those nearest to its end.
  const auto spare = static_cast<std::ptrdiff_t>(ids.size() - query.page.limit);
  query.page.after ? ids.erase(ids.begin(), ids.begin() + spare) : ids.erase(ids.end() - spare, ids.end());
  return ids;
}

}  // namespace

Result<std::vector<Operation>> list_operations(db::Tx& tx, const OperationQuery& query) {
  std::vector<Operation> operations;
  if (query.kind.empty() && query.statuses.empty()) {
    db::PageQuery sql = of_owner(kSelect, query);
    XD_DO(sql.run_within_bytes(tx, operations, read_operation, bytes_of,
                               [](const Operation& one) { return one.id.uuid; }));
    return operations;
  }
  XD_TRY(std::vector<OperationId> ids, filtered_ids(tx, query));
  if (query.page.after) std::ranges::reverse(ids);
  std::size_t bytes = 0;
  for (const OperationId id : ids) {
    if (bytes > base::limits::kPageBytesMax && operations.size() > 1) break;
    XD_TRY(auto found, find_operation(tx, id));
    if (!found) continue;
    bytes += bytes_of(*found);
    operations.push_back(std::move(*found));
  }
  if (query.page.after) std::ranges::reverse(operations);
  return operations;
}

Result<std::int64_t> forget_operations(db::Tx& tx, base::Time now, std::size_t limit) {
  return tx.exec(
      "DELETE FROM operations WHERE id IN (SELECT id FROM operations WHERE finished_at IS NOT NULL"
      " AND finished_at < $1 ORDER BY finished_at LIMIT $2)",
      {now - kOperationPeriod, limit});
}

}  // namespace operation
