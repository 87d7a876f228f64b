#include "inbound/receive/refusal.hpp"

namespace inbound {

namespace {

using base::Result;

constexpr const char* kSelect =
    "SELECT id, tenant_id, endpoint_id, reason, detail, method, target, headers, body, body_bytes, remote_ip,"
    " refused_at FROM refused_requests WHERE tenant_id = $1 AND endpoint_id = $2";

Refusal read_refusal(const db::Row& row) {
  return {.id = row.id<RefusalId>(0),
          .tenant = row.id<TenantId>(1),
          .endpoint = row.id<EndpointId>(2),
          .reason = row.string(3),
          .detail = row.string(4),
          .method = row.string(5),
          .target = row.string(6),
          .headers = row.string(7),
          .body = std::string(row.blob(8)),
          .body_bytes = row.integer(9),
          .remote_ip = row.string(10),
          .refused = row.time(11)};
}

Result<void> insert_kept(db::Tx& tx, const std::vector<Refusal>& kept) {
  std::vector<db::Arg> args;
  args.reserve(kept.size() * 12);
  for (const Refusal& r : kept) {
    args.insert(args.end(), {r.id, r.tenant, r.endpoint, r.reason, r.detail, r.method, r.target, r.headers,
                             db::Arg::blob(r.body), r.body_bytes, r.remote_ip, r.refused});
  }
  return tx.each(
      "INSERT INTO refused_requests (id, tenant_id, endpoint_id, reason, detail, method, target, headers, "
      "body,"
      " body_bytes, remote_ip, refused_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
      12, args);
}

}  // namespace

Result<void> add_refusals(db::Tx& tx, const RefusedRound& round) {
  std::set<std::pair<TenantId, EndpointId>> wanted;
  for (const auto& [endpoint, refused] : round) wanted.emplace(refused.tenant, endpoint);
  XD_TRY(const std::set<EndpointId> held, hold_endpoints(tx, wanted));
  std::vector<db::Arg> counts;
  std::vector<Refusal> kept;
  std::vector<db::Arg> full;
  // In the order of the map, which is one for all nodes, or two might wait for each other.
  for (const auto& [endpoint, refused] : round) {
    if (!held.contains(endpoint)) continue;
    for (const auto& [reason, count] : refused.counts)
      counts.insert(counts.end(), {endpoint, reason, refused.tenant, count});
    if (refused.kept.empty()) continue;
    kept.insert(kept.end(), refused.kept.begin(), refused.kept.end());
    full.insert(full.end(), {endpoint, kRefusalsKept - 1});
  }
  if (!counts.empty()) {
    XD_DO(tx.each(
        "INSERT INTO endpoint_refusals (endpoint_id, reason, tenant_id, count) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (endpoint_id, reason) DO UPDATE SET count = endpoint_refusals.count + excluded.count",
        4, counts));
  }
  if (kept.empty()) return {};
  XD_DO(insert_kept(tx, kept));
  return tx.each(
      "DELETE FROM refused_requests WHERE endpoint_id = $1 AND id < (SELECT id FROM refused_requests"
      " WHERE endpoint_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)",
      2, full);
}

Result<std::vector<Refusal>> list_refusals(db::Tx& tx, TenantId tenant, EndpointId endpoint,
                                           const db::Page& page) {
  std::vector<Refusal> found;
  db::PageQuery query(kSelect, {tenant, endpoint}, page);
  XD_DO(query.run(tx, found, read_refusal));
  return found;
}

Result<std::optional<Refusal>> find_refusal(db::Tx& tx, TenantId tenant, EndpointId endpoint, RefusalId id) {
  std::optional<Refusal> found;
  XD_DO(tx.query(std::string(kSelect) + " AND id = $3", {tenant, endpoint, id},
                 [&](const db::Row& row) { found = read_refusal(row); }));
  return found;
}

Result<std::int64_t> forget_refusals(db::Tx& tx, base::Time now, std::size_t most) {
  return tx.exec(
      "DELETE FROM refused_requests WHERE id IN (SELECT id FROM refused_requests WHERE refused_at < $1"
      " ORDER BY refused_at LIMIT $2)",
      {now - kRefusalsKeptFor, most});
}

}  // namespace inbound
