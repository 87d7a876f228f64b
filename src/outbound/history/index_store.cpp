#include "outbound/history/history.hpp"
#include "outbound/history/rows.hpp"
#include "outbound/history/search.hpp"

namespace outbound {

using base::Result;

Result<void> index_finished(db::Tx& tx, std::int64_t rows_min) {
  if (tx.engine() != db::Engine::sqlite) return {};
  std::int64_t last = 0;
  std::int64_t indexed = 0;
  XD_DO(tx.query("SELECT (SELECT MAX(seq) FROM webhook_deliveries), (SELECT seq FROM delivery_indexed)", {},
                 [&](const db::Row& row) {
                   last = row.integer(0);
                   indexed = row.integer(1);
                 }));
  if (last - indexed < rows_min) return {};
  // In the order of the index, so that each of its pages is touched once.
  XD_DO(
      tx.exec("INSERT OR IGNORE INTO delivery_index (owner_id, list, id, seq)"
              " SELECT tenant_id, 0, id, seq FROM webhook_deliveries WHERE seq > $1"
              " UNION ALL SELECT subscription_id, 0, id, seq FROM webhook_deliveries WHERE seq > $1"
              " UNION ALL SELECT event_id, 0, id, seq FROM webhook_deliveries WHERE seq > $1"
              " UNION ALL SELECT tenant_id, 1, id, seq FROM webhook_deliveries NOT INDEXED"
              " WHERE seq > $1 AND status = 'SKIPPED'"
              " UNION ALL SELECT subscription_id, 1, id, seq FROM webhook_deliveries NOT INDEXED"
              " WHERE seq > $1 AND status = 'SKIPPED' ORDER BY 1, 2, 3",
              {indexed}));
  XD_DO(
      tx.exec("INSERT INTO delivery_indexed (only, seq) VALUES (1, $1)"
              " ON CONFLICT (only) DO UPDATE SET seq = excluded.seq",
              {last}));
  return {};
}

namespace {

/// A finished delivery of a tenant or a subscription, by the column that names the owner.
Result<std::optional<Delivery>> find_of(db::Tx& tx, std::string_view column, const base::Uuid& owner,
                                        DeliveryId id) {
  std::optional<Delivery> found;
  const auto read = [&](const db::Row& row) { found = read_delivery(row); };
  const std::string select = "SELECT " + std::string(kDeliveryColumns) + " FROM webhook_deliveries d ";
  const std::string is_it = std::string(column) + " = $1 AND d.id = $2";
  if (tx.engine() == db::Engine::postgres) {
    XD_DO(tx.query(select + "WHERE " + is_it, {owner, id}, read));
    return found;
  }
  XD_DO(tx.query(
      select + "WHERE d.seq = (SELECT seq FROM delivery_index WHERE owner_id = $1 AND list = 0 AND id = $2)",
      {owner, id}, read));
  if (found) return found;
  XD_DO(tx.query(
      select + "NOT INDEXED WHERE d.seq > COALESCE((SELECT seq FROM delivery_indexed), 0) AND " + is_it,
      {owner, id}, read));
  return found;
}

}  // namespace

Result<std::optional<Delivery>> find_finished(db::Tx& tx, TenantId tenant, DeliveryId id) {
  return find_of(tx, "d.tenant_id", tenant.uuid, id);
}

Result<bool> is_recorded(db::Tx& tx, SubscriptionId subscription, DeliveryId delivery, int attempt) {
  bool recorded = false;
  XD_DO(tx.query("SELECT 1 FROM delivery_attempts WHERE delivery_id = $1 AND attempt_number = $2",
                 {delivery, attempt}, [&](const db::Row&) { recorded = true; }));
  if (recorded) return true;
  XD_TRY(const auto finished, find_of(tx, "d.subscription_id", subscription.uuid, delivery));
  return finished && finished->last.number == attempt;
}

Result<std::vector<Delivery>> finished_of_event(db::Tx& tx, TenantId tenant, event::EventId event) {
  XD_TRY(auto found, search_finished(tx, {.tenant = tenant, .event = event, .page = {.limit = 1000}}));
  return std::move(found.deliveries);
}

namespace {

/// What is to be removed, and whom the index has it for.
struct OldDelivery {
  DeliveryId id{};
  std::int64_t seq = 0;
  base::Uuid owners[3];
  bool is_skipped = false;
};

/// SQLite: the first rows of the table, as long as they are old enough.
Result<std::vector<OldDelivery>> first_deliveries(db::Tx& tx, base::Time before, std::size_t limit) {
  std::vector<OldDelivery> old;
  bool reached = false;
  XD_DO(tx.query(
      "SELECT id, seq, tenant_id, subscription_id, event_id, status, completed_at FROM webhook_deliveries"
      " WHERE seq < (SELECT MAX(seq) FROM webhook_deliveries) ORDER BY seq LIMIT $1",
      {limit}, [&](const db::Row& row) {
        // In the order of commits, which is nearly that of their ends: one that is too young is the end.
        reached = reached || row.time(6) >= before;
        if (reached) return;
        old.push_back({.id = row.id<DeliveryId>(0),
                       .seq = row.integer(1),
                       .owners = {row.uuid(2), row.uuid(3), row.uuid(4)},
                       .is_skipped = row.text(5) == "SKIPPED"});
      }));
  return old;
}

Result<void> remove_first(db::Tx& tx, const std::vector<OldDelivery>& old) {
  std::int64_t indexed = 0;
  XD_DO(tx.query("SELECT seq FROM delivery_indexed", {},
                 [&](const db::Row& row) { indexed = row.integer(0); }));
  if (old.back().seq > indexed) XD_DO(index_finished(tx, 1));
  std::vector<db::Arg> entries;
  for (const OldDelivery& one : old) {
    for (const base::Uuid& owner : one.owners) {
      entries.insert(entries.end(), {owner, 0, one.id});
      if (one.is_skipped) entries.insert(entries.end(), {owner, 1, one.id});
    }
  }
  XD_DO(tx.each("DELETE FROM delivery_index WHERE owner_id = $1 AND list = $2 AND id = $3", 3, entries));
  XD_DO(tx.exec("DELETE FROM webhook_deliveries WHERE seq <= $1", {old.back().seq}));
  return {};
}

/// PostgreSQL: old rows of one tenant after the other.
Result<std::vector<OldDelivery>> remove_old(db::Tx& tx, base::Time before, std::size_t limit) {
  std::vector<base::Uuid> tenants;
  XD_DO(tx.query("SELECT id FROM tenants ORDER BY id", {},
                 [&](const db::Row& row) { tenants.push_back(row.uuid(0)); }));
  std::vector<OldDelivery> old;
  for (const base::Uuid& tenant : tenants) {
    if (old.size() >= limit) break;
    XD_DO(
        tx.query("DELETE FROM webhook_deliveries WHERE (subscription_id, id) IN (SELECT subscription_id, id"
                 " FROM webhook_deliveries WHERE tenant_id = $1 AND id < $2 AND completed_at < $3 ORDER BY "
                 "id LIMIT $4)"
                 " RETURNING id",
                 {tenant, base::first_uuid_of(before), before, limit - old.size()},
                 [&](const db::Row& row) { old.push_back({.id = row.id<DeliveryId>(0)}); }));
  }
  return old;
}

}  // namespace

Result<std::int64_t> forget_deliveries(db::Tx& tx, base::Time before, std::size_t limit) {
  std::vector<OldDelivery> old;
  if (tx.engine() == db::Engine::sqlite) {
    XD_TRY(old, first_deliveries(tx, before, limit));
    if (!old.empty()) XD_DO(remove_first(tx, old));
  } else {
    XD_TRY(old, remove_old(tx, before, limit));
  }
  std::vector<db::Arg> ids;
  for (const OldDelivery& one : old) ids.emplace_back(one.id);
  XD_DO(tx.each("DELETE FROM delivery_attempts WHERE delivery_id = $1", 1, ids));
  return static_cast<std::int64_t>(old.size());
}

}  // namespace outbound
