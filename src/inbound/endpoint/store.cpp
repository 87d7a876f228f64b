#include "format/json.hpp"
#include "inbound/endpoint/endpoint.hpp"

namespace inbound {

namespace {

using base::Result;

Endpoint read_endpoint(const db::Row& row) {
  Endpoint result;
  if (auto loaded = endpoints().load(row, nullptr, result); !loaded) result.broken = loaded.error().message;
  return result;
}

Result<std::vector<EndpointPtr>> with_secrets(db::Tx& tx, const crypto::KeyRing& ring,
                                              std::vector<Endpoint> read) {
  std::vector<EndpointPtr> result;
  for (Endpoint& endpoint : read) {
    XD_TRY(auto found, tenant::find_secrets(tx, ring, endpoint.secret_owner()));
    endpoint.secrets = std::move(found.secrets);
    if (endpoint.broken.empty()) endpoint.broken = found.broken;
    endpoint.secrets_closed = std::move(found.broken);
    result.push_back(std::make_shared<const Endpoint>(std::move(endpoint)));
  }
  return result;
}

Result<std::vector<EndpointPtr>> select(db::Tx& tx, const crypto::KeyRing& ring, db::PageQuery query) {
  std::vector<Endpoint> read;
  XD_DO(query.run(tx, read, read_endpoint));
  return with_secrets(tx, ring, std::move(read));
}

/// At most what is shown of it takes: a page that was cut for its bytes must look full to the list.
std::size_t shown_bytes(const Endpoint& endpoint) {
  std::size_t bytes = endpoint.signature_scheme.size() + paths_json(endpoint.paths).size() +
                      routes_json(endpoint.routes).size();
  for (const std::string& type : endpoint.event_types) bytes += type.size();
  for (const auto& [key, value] : endpoint.signature_config) bytes += key.size() + value.size();
  return bytes;
}

constexpr db::Page kAll{.limit = std::numeric_limits<std::int64_t>::max()};

}  // namespace

Result<void> insert_endpoint(db::Tx& tx, const crypto::KeyRing& ring, const Endpoint& endpoint) {
  XD_DO(endpoints().insert(tx, nullptr, endpoint));
  for (const tenant::SigningSecret& secret : endpoint.secrets) {
    XD_DO(tenant::insert_secret(tx, ring, endpoint.secret_owner(), secret));
  }
  XD_DO(
      tx.exec("INSERT INTO endpoint_stats (endpoint_id, tenant_id, total_received, total_processed,"
              " total_failed) VALUES ($1, $2, 0, 0, 0)",
              {endpoint.id, endpoint.tenant}));
  return {};
}

Result<bool> update_endpoint(db::Tx& tx, const Endpoint& endpoint) {
  return endpoints().update(tx, nullptr, endpoint);
}

Result<bool> delete_endpoint(db::Tx& tx, TenantId tenant, EndpointId id) {
  XD_DO(tx.exec(
      "INSERT INTO retired_endpoints (id, tenant_id, retention_days) SELECT id, tenant_id, retention_days"
      " FROM webhook_endpoints WHERE id = $1 AND tenant_id = $2 AND retention_days IS NOT NULL",
      {id, tenant}));
  XD_TRY(const auto deleted,
         tx.exec("DELETE FROM webhook_endpoints WHERE id = $1 AND tenant_id = $2", {id, tenant}));
  if (deleted == 0) return false;
  XD_DO(tenant::drop_secrets(tx, Endpoint{.id = id, .tenant = tenant}.secret_owner()));
  // What is counted and not added up yet is left out when it is.
  for (const char* table : {"endpoint_stats", "endpoint_refusals", "refused_requests"})
    XD_DO(tx.exec(std::string("DELETE FROM ") + table + " WHERE endpoint_id = $1", {id}));
  if (tx.engine() == db::Engine::sqlite) {
    XD_DO(
        tx.exec("INSERT INTO endpoint_deletions (only, count) VALUES (1, 1)"
                " ON CONFLICT (only) DO UPDATE SET count = count + 1"));
  }
  return true;
}

Result<std::int64_t> count_deletions(db::Tx& tx) {
  std::int64_t count = 0;
  XD_DO(tx.query("SELECT count FROM endpoint_deletions", {},
                 [&](const db::Row& row) { count = row.integer(0); }));
  return count;
}

Result<EndpointPtr> find_endpoint(db::Tx& tx, const crypto::KeyRing& ring, TenantId tenant, EndpointId id) {
  XD_TRY(auto found,
         select(tx, ring, {endpoints().select() + " WHERE id = $1 AND tenant_id = $2", {id, tenant}, kAll}));
  return found.empty() ? nullptr : std::move(found.front());
}

Result<std::vector<EndpointPtr>> all_endpoints(db::Tx& tx, const crypto::KeyRing& ring) {
  return select(tx, ring, {endpoints().select() + " WHERE 1 = 1", {}, kAll});
}

Result<std::vector<EndpointPtr>> list_endpoints(db::Tx& tx, const crypto::KeyRing& ring, TenantId tenant,
                                                const db::Page& page) {
  db::PageQuery query(endpoints().select() + " WHERE tenant_id = $1", {tenant}, page);
  std::vector<Endpoint> read;
  XD_DO(query.run_within_bytes(tx, read, read_endpoint, shown_bytes,
                               [](const Endpoint& endpoint) { return endpoint.id.uuid; }));
  return with_secrets(tx, ring, std::move(read));
}

Result<std::string> mark_of_endpoints(db::Tx& tx) {
  std::string mark;
  XD_DO(
      tx.query("SELECT count(*), CAST(COALESCE(sum(version), 0) AS BIGINT), COALESCE(max(updated_at), 0)"
               " FROM webhook_endpoints",
               {}, [&](const db::Row& row) {
                 for (int column = 0; column < 3; ++column) mark += std::to_string(row.integer(column)) + "/";
               }));
  return mark;
}

Result<std::set<EndpointId>> hold_endpoints(db::Tx& tx,
                                            const std::set<std::pair<TenantId, EndpointId>>& wanted) {
  std::vector<db::Arg> args;
  for (const auto& [tenant, id] : wanted) args.insert(args.end(), {id, tenant});
  // On SQLite by an index that has all that is asked for: the rows themselves are large, and far apart.
  const std::string sql =
      tx.engine() == db::Engine::postgres
          ? "SELECT id FROM webhook_endpoints WHERE id = $1 AND tenant_id = $2 FOR KEY SHARE"
          : "SELECT id FROM webhook_endpoints INDEXED BY webhook_endpoints_by_tenant"
            " WHERE id = $1 AND tenant_id = $2";
  std::set<EndpointId> held;
  XD_DO(tx.each(sql, 2, args, [&](std::size_t, std::int64_t, const db::Row* row) {
    if (row != nullptr) held.insert(row->id<EndpointId>(0));
  }));
  return held;
}

Result<std::vector<EndpointId>> some_endpoints(db::Tx& tx, TenantId tenant, std::size_t limit) {
  std::vector<EndpointId> found;
  XD_DO(tx.query("SELECT id FROM webhook_endpoints WHERE tenant_id = $1 ORDER BY id LIMIT $2",
                 {tenant, limit}, [&](const db::Row& row) { found.push_back(row.id<EndpointId>(0)); }));
  return found;
}

Result<std::int64_t> count_endpoints(db::Tx& tx, TenantId tenant) {
  std::int64_t count = 0;
  XD_DO(tx.query("SELECT count(*) FROM webhook_endpoints WHERE tenant_id = $1", {tenant},
                 [&](const db::Row& row) { count = row.integer(0); }));
  return count;
}

}  // namespace inbound
