#include "outbound/replay/replay.hpp"

namespace outbound {

using base::Result;

Result<std::map<SubscriptionId, HeldSubscription>> hold_subscriptions(
    db::Tx& tx, TenantId tenant, const std::set<SubscriptionId>& wanted) {
  std::vector<db::Arg> args;
  for (const SubscriptionId& id : wanted) args.insert(args.end(), {id, tenant});
  std::string sql =
      "SELECT id, ordering, url FROM webhook_subscriptions WHERE id = $1 AND tenant_id = $2"
      " AND status <> 'DELETING'";
  if (tx.engine() == db::Engine::postgres) sql += " FOR KEY SHARE";
  std::map<SubscriptionId, HeldSubscription> held;
  XD_DO(tx.each(sql, 2, args, [&](std::size_t, std::int64_t, const db::Row* row) {
    if (row == nullptr) return;
    held.emplace(
        row->id<SubscriptionId>(0),
        HeldSubscription{base::parse_word<Ordering>(row->text(1)).value_or(Ordering::none), row->string(2)});
  }));
  return held;
}

Result<ReplayOutcomes> outcomes_of(db::Tx& tx, TenantId tenant, operation::OperationId id) {
  ReplayOutcomes outcomes;
  XD_DO(
      tx.query("SELECT status, count(*) FROM webhook_deliveries WHERE operation_id = $1 AND tenant_id = $2"
               " GROUP BY status",
               {id, tenant}, [&](const db::Row& row) {
                 std::int64_t& count = row.text(0) == "DELIVERED" ? outcomes.delivered
                                       : row.text(0) == "FAILED"  ? outcomes.failed
                                                                  : outcomes.cancelled;
                 count += row.integer(1);
               }));
  return outcomes;
}

}  // namespace outbound
