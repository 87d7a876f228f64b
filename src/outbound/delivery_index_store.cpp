#include "outbound/delivery_rows.hpp"
#include "outbound/delivery_search.hpp"

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

}  // namespace outbound
