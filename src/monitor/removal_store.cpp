#include "monitor/removal.hpp"
#include "outbound/history/search.hpp"

namespace monitor {

namespace {

using base::Result;
using base::TenantId;

/// The tables that have rows of tenants, but for those of deliveries, in order: as the store itself knows
/// them, so that none is forgotten.
Result<std::vector<std::string>> tables_of_tenants(db::Tx& tx) {
  const char* const list =
      tx.engine() == db::Engine::sqlite
          ? "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.name = 'tenant_id'"
            " WHERE m.type = 'table' AND m.name NOT IN ('webhook_deliveries', 'delivery_attempts')"
          : "SELECT CAST(c.table_name AS TEXT) FROM information_schema.columns c"
            " WHERE c.table_schema = current_schema() AND c.column_name = 'tenant_id'"
            " AND c.table_name NOT IN ('webhook_deliveries', 'delivery_attempts')";
  std::vector<std::string> tables;
  XD_DO(tx.query(list, {}, [&](const db::Row& row) { tables.push_back(row.string(0)); }));
  std::ranges::sort(tables);
  return tables;
}

Result<std::int64_t> remove_from(db::Tx& tx, const std::string& table, TenantId tenant, std::size_t limit) {
  if (tx.engine() == db::Engine::postgres) {
    return tx.exec("DELETE FROM " + table + " WHERE ctid = ANY (ARRAY(SELECT ctid FROM " + table +
                       " WHERE tenant_id = $1 LIMIT $2))",
                   {tenant, limit});
  }
  std::string key;
  XD_DO(tx.query("SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk", {table},
                 [&](const db::Row& row) { key += (key.empty() ? "" : ", ") + row.string(0); }));
  if (key.empty()) key = "rowid";
  return tx.exec("DELETE FROM " + table + " WHERE (" + key + ") IN (SELECT " + key + " FROM " + table +
                     " WHERE tenant_id = $1 LIMIT $2)",
                 {tenant, limit});
}

Result<std::int64_t> remove_deliveries_on_postgres(db::Tx& tx, TenantId tenant, std::size_t limit) {
  std::vector<db::Arg> keys;
  std::vector<std::pair<base::Uuid, base::Uuid>> found;
  XD_DO(tx.query("SELECT subscription_id, id FROM webhook_deliveries WHERE tenant_id = $1 LIMIT $2",
                 {tenant, limit}, [&](const db::Row& row) { found.emplace_back(row.uuid(0), row.uuid(1)); }));
  std::vector<db::Arg> ids;
  for (const auto& [subscription, id] : found) {
    keys.insert(keys.end(), {subscription, id});
    ids.emplace_back(id);
  }
  XD_DO(tx.each("DELETE FROM webhook_deliveries WHERE subscription_id = $1 AND id = $2", 2, keys));
  XD_DO(tx.each("DELETE FROM delivery_attempts WHERE delivery_id = $1", 1, ids));
  return static_cast<std::int64_t>(found.size());
}

/// With what delivery_index says of them: there they are found by their owners only.
Result<std::int64_t> remove_deliveries_on_sqlite(db::Tx& tx, TenantId tenant, std::size_t limit) {
  struct Found {
    std::int64_t seq;
    base::Uuid id;
    base::Uuid subscription;
    base::Uuid event;
  };
  std::vector<Found> found;
  XD_DO(outbound::index_finished(tx, 1));
  XD_DO(tx.query(
      "SELECT d.seq, d.id, d.subscription_id, d.event_id FROM delivery_index i"
      " CROSS JOIN webhook_deliveries d ON d.seq = i.seq WHERE i.owner_id = $1 AND i.list = 0 LIMIT $2",
      {tenant, limit},
      [&](const db::Row& row) { found.push_back({row.integer(0), row.uuid(1), row.uuid(2), row.uuid(3)}); }));
  std::vector<db::Arg> entries;
  std::vector<db::Arg> rows;
  std::vector<db::Arg> ids;
  for (const Found& one : found) {
    entries.insert(entries.end(), {tenant, one.id, one.subscription, one.id, one.event, one.id});
    rows.emplace_back(one.seq);
    ids.emplace_back(one.id);
  }
  XD_DO(tx.each("DELETE FROM delivery_index WHERE owner_id = $1 AND list IN (0, 1) AND id = $2", 2, entries));
  XD_DO(tx.each("DELETE FROM webhook_deliveries WHERE seq = $1", 1, rows));
  XD_DO(tx.each("DELETE FROM delivery_attempts WHERE delivery_id = $1", 1, ids));
  // All that are left are in the index; the numbers of those that were the last may be given anew.
  XD_DO(tx.exec("UPDATE delivery_indexed SET seq = COALESCE((SELECT MAX(seq) FROM webhook_deliveries), 0)"));
  return static_cast<std::int64_t>(found.size());
}

}  // namespace

Result<std::int64_t> count_deliverable(db::Tx& tx, TenantId tenant) {
  std::int64_t count = 0;
  XD_DO(tx.query(
      "SELECT count(*) FROM lanes l JOIN tasks t ON t.lane_id = l.id"
      " WHERE l.tenant_id = $1 AND l.kind IN ('deliver', 'fanout', 'inbound') AND l.state = 'ACTIVE'",
      {tenant}, [&](const db::Row& row) { count = row.integer(0); }));
  return count;
}

Result<std::vector<outbound::SubscriptionId>> some_subscriptions(db::Tx& tx, TenantId tenant,
                                                                 std::size_t limit) {
  std::vector<outbound::SubscriptionId> found;
  XD_DO(tx.query("SELECT id FROM webhook_subscriptions WHERE tenant_id = $1 ORDER BY id LIMIT $2",
                 {tenant, limit},
                 [&](const db::Row& row) { found.push_back(row.id<outbound::SubscriptionId>(0)); }));
  return found;
}

Result<Removed> remove_rows(db::Tx& tx, TenantId tenant, const std::string& table, std::size_t limit) {
  if (table.empty()) {
    XD_TRY(const auto deliveries, tx.engine() == db::Engine::sqlite
                                      ? remove_deliveries_on_sqlite(tx, tenant, limit)
                                      : remove_deliveries_on_postgres(tx, tenant, limit));
    if (deliveries > 0) return Removed{deliveries, ""};
  }
  XD_TRY(const auto tables, tables_of_tenants(tx));
  for (const std::string& one : tables) {
    if (one < table) continue;
    XD_TRY(const auto removed, remove_from(tx, one, tenant, limit));
    if (removed > 0) return Removed{removed, one};
  }
  return Removed{};
}

Result<void> remove_tenant(db::Tx& tx, TenantId tenant) {
  XD_DO(tenant::delete_tenant(tx, tenant));
  return {};
}

}  // namespace monitor
