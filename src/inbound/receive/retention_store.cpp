#include "inbound/receive/index.hpp"

namespace inbound {

using base::Result;

/// Of one piece, because each may look through its tenant's newest events.
constexpr int kEndedAtOnce = 20;

Result<std::int64_t> forget_keys(db::Tx& tx, base::Time now, std::size_t most) {
  return tx.exec(
      "DELETE FROM received_keys WHERE (key, endpoint_id) IN (SELECT key, endpoint_id FROM received_keys"
      " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
      {now, most});
}

namespace {

/// An endpoint that keeps what it received for a number of days.
constexpr auto kOfOneBatch = std::chrono::seconds{1};

struct Keeping {
  EndpointId endpoint{};
  TenantId tenant{};
  base::Uuid before{};  ///< it keeps what has this id, or a later one
  bool retired = false;
};

Result<std::vector<Keeping>> all_that_forget(db::Tx& tx, base::Time now) {
  std::vector<Keeping> all;
  XD_DO(tx.query(
      "SELECT id, tenant_id, retention_days, 0 FROM webhook_endpoints WHERE retention_days IS NOT NULL"
      " UNION ALL SELECT id, tenant_id, retention_days, 1 FROM retired_endpoints",
      {}, [&](const db::Row& row) {
        const std::chrono::days kept{row.integer(2)};
        all.push_back({row.id<EndpointId>(0), row.id<TenantId>(1), base::first_uuid_of(now - kept),
                       row.integer(3) != 0});
      }));
  return all;
}

struct Old {
  std::vector<base::Uuid> ids{};
  std::set<base::Uuid> batches{};
};

Result<Old> find_old(db::Tx& tx, const Keeping& keeping, const Indexed& indexed, std::size_t most) {
  // What waits stays, however old it is: it has no result yet. Nothing waits any more without an endpoint.
  const std::string results = std::string(keeping.retired ? " LEFT JOIN" : " JOIN") +
                              " received_results r ON r.tenant_id = e.tenant_id AND r.id = e.id";
  Old old;
  const auto take = [&](const db::Row& row) {
    old.ids.push_back(row.uuid(0));
    if (!row.is_null(1)) old.batches.insert(row.uuid(1));
  };
  if (tx.engine() == db::Engine::postgres) {
    XD_DO(tx.query("SELECT e.id, e.batch_id FROM received_events e" + results +
                       " WHERE e.endpoint_id = $1 AND e.id < $2 ORDER BY e.id LIMIT $3",
                   {keeping.endpoint, keeping.before, most}, take));
    return old;
  }
  // What is not in the index yet is some minutes old.
  XD_DO(tx.query(
      "SELECT e.id, e.batch_id FROM received_index i CROSS JOIN received_events e"
      " ON e.tenant_id = i.tenant_id AND e.id = i.id" +
          results + " WHERE i.tenant_id = $1 AND i.endpoint_id = $2 AND i.id < $3 ORDER BY i.id LIMIT $4",
      {keeping.tenant, keeping.endpoint, std::min(keeping.before, indexed.until), most}, take));
  return old;
}

/// Forgets the endpoint itself where it has nothing left.
Result<void> end_if_empty(db::Tx& tx, const Keeping& keeping, const Indexed& indexed) {
  const std::string sql = "DELETE FROM retired_endpoints WHERE id = $1 AND NOT EXISTS ";
  if (tx.engine() == db::Engine::postgres) {
    XD_DO(tx.exec(sql + "(SELECT 1 FROM received_events WHERE endpoint_id = $1)", {keeping.endpoint}));
    return {};
  }
  XD_DO(tx.exec(sql +
                    "(SELECT 1 FROM received_index WHERE tenant_id = $2 AND endpoint_id = $1) AND NOT EXISTS"
                    " (SELECT 1 FROM received_events WHERE tenant_id = $2 AND id > $3 AND endpoint_id = $1)",
                {keeping.endpoint, keeping.tenant, indexed.until}));
  return {};
}

Result<void> remove(db::Tx& tx, const Keeping& keeping, const Old& old) {
  std::vector<db::Arg> args;
  std::vector<db::Arg> entries;
  std::vector<db::Arg> batches;
  for (const base::Uuid& id : old.ids) {
    args.insert(args.end(), {keeping.tenant, id});
    entries.insert(entries.end(), {keeping.tenant, keeping.endpoint, id});
  }
  // The ids of its elements follow each other, from that of the batch on.
  for (const base::Uuid& id : old.batches)
    batches.insert(batches.end(), {keeping.tenant, id, base::first_uuid_of(base::time_of(id) + kOfOneBatch)});
  XD_DO(tx.each("DELETE FROM received_events WHERE tenant_id = $1 AND id = $2", 2, args));
  XD_DO(tx.each("DELETE FROM received_results WHERE tenant_id = $1 AND id = $2", 2, args));
  const std::string if_last =
      " WHERE tenant_id = $1 AND id = $2 AND NOT EXISTS (SELECT 1 FROM received_events e"
      " WHERE e.tenant_id = $1 AND e.id >= $2 AND e.id < $3 AND e.batch_id = $2)";
  for (const char* table : {"received_batches", "received_heads"})
    XD_DO(tx.each("DELETE FROM " + std::string(table) + if_last, 3, batches));
  if (tx.engine() == db::Engine::postgres) return {};
  return tx.each("DELETE FROM received_index WHERE tenant_id = $1 AND endpoint_id = $2 AND id = $3", 3,
                 entries);
}

}  // namespace

Result<std::int64_t> forget_received(db::Tx& tx, base::Time now, std::size_t most) {
  Indexed indexed;
  if (tx.engine() == db::Engine::sqlite) {
    XD_TRY(indexed, find_indexed(tx));
  }
  XD_TRY(const auto all, all_that_forget(tx, now));
  std::int64_t removed = 0;
  int ended = 0;
  for (const Keeping& keeping : all) {
    XD_TRY(const Old old, find_old(tx, keeping, indexed, most));
    if (keeping.retired && old.ids.empty() && ++ended <= kEndedAtOnce)
      XD_DO(end_if_empty(tx, keeping, indexed));
    XD_DO(remove(tx, keeping, old));
    removed += static_cast<std::int64_t>(old.ids.size());
  }
  return removed;
}

}  // namespace inbound
