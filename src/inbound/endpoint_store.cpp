#include "format/json.hpp"
#include "inbound/endpoint.hpp"

namespace inbound {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr const char* kSelect =
    "SELECT id, tenant_id, integration_id, endpoint_path, name, source, event_types, handler_type,"
    " target_service, ip_whitelist, signature_header, signature_algorithm, signature_scheme,"
    " signature_config, paths, routes, dedup_window_seconds, retention_days, rate_limit_requests,"
    " rate_limit_window, status, is_enabled, version, created_by, created_at, updated_at, dedup, on_conflict"
    " FROM webhook_endpoints";

std::string list_json(const std::vector<std::string>& texts) {
  std::string out;
  format::JsonWriter json(out);
  json.begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
  return out;
}

std::string config_json(const SchemeConfig& config) {
  std::string out;
  format::JsonWriter json(out);
  json.begin_object();
  for (const auto& [key, value] : config) json.key(key).value(value);
  json.end_object();
  return out;
}

/// What we wrote ourselves must read; if it does not, the store is damaged.
Result<format::Document> stored_json(const db::Row& row, int column) {
  auto document = format::parse_json(row.string(column));
  if (document) return document;
  return fail(Code::corrupt, "endpoint " + row.uuid(0).str() + " has a damaged column; restore a backup");
}

Result<std::vector<std::string>> read_list(const db::Row& row, int column) {
  XD_TRY(const auto document, stored_json(row, column));
  std::vector<std::string> texts;
  for (const format::Value& text : document.root().elements()) texts.emplace_back(text.text());
  return texts;
}

Result<EndpointStatus> stored_status(const db::Row& row, int column) {
  for (const auto status : {EndpointStatus::active, EndpointStatus::paused, EndpointStatus::disabled}) {
    if (row.text(column) == name(status)) return status;
  }
  return fail(Code::corrupt,
              "its status '" + row.string(column) +
                  "' is none that this version of Crossdock knows; run the version that wrote it");
}

/// Everything that may be damaged.
Result<void> read_parts(const db::Row& row, Endpoint& endpoint) {
  XD_TRY(endpoint.status, stored_status(row, 20));
  XD_TRY(endpoint.event_types, read_list(row, 6));
  XD_TRY(endpoint.ip_whitelist, read_list(row, 9));
  XD_DO(stored_json(row, 12));
  endpoint.signature_scheme = row.string(12);
  XD_TRY(const auto config, stored_json(row, 13));
  for (const format::Member& setting : config.root().members()) {
    endpoint.signature_config.emplace(setting.key, setting.value.text());
  }
  XD_TRY(const auto paths, stored_json(row, 14));
  endpoint.paths_of_scheme = paths.root().is_null();
  for (const PathMember& member : kPathMembers) {
    const format::Value* places = paths.root().find(member.name);
    if (places == nullptr) continue;
    Places& read = endpoint.paths.*member.places;
    if (places->is_string()) read = Places(places->text());
    for (const format::Value& place : places->elements()) read.list.emplace_back(place.text());
  }
  XD_TRY(const auto routes, stored_json(row, 15));
  for (const format::Value& one : routes.root().elements()) {
    Route& route = endpoint.routes.emplace_back();
    for (const RouteMember& member : kRouteMembers) {
      if (const format::Value* text = one.find(member.name)) route.*member.text = std::string(text->text());
    }
    if (const format::Value* id = one.find("subscription_id")) {
      route.subscription = base::Uuid::parse(id->text());
    }
    route.ignore = one.find("ignore") != nullptr;
  }
  return {};
}

Endpoint read_endpoint(const db::Row& row) {
  Endpoint result;
  result.id = row.id<EndpointId>(0);
  result.tenant = row.id<TenantId>(1);
  if (!row.is_null(2)) result.integration = row.uuid(2);
  result.path = row.string(3);
  result.name = row.string(4);
  result.source = row.string(5);
  result.handler_type = row.string(7);
  result.target_service = row.maybe_string(8);
  result.signature_header = row.maybe_string(10);
  result.signature_algorithm = row.maybe_string(11);
  result.dedup_window = std::chrono::seconds{row.integer(16)};
  if (const auto days = row.maybe_integer(17)) result.retention_days = static_cast<int>(*days);
  if (!row.is_null(18)) {
    result.rate_limit = {static_cast<std::size_t>(row.integer(18)), std::chrono::seconds{row.integer(19)}};
  }
  result.is_enabled = row.flag(21);
  result.version = row.integer(22);
  if (!row.is_null(23)) result.created_by = row.uuid(23);
  result.created = row.time(24);
  result.updated = row.time(25);
  if (!row.is_null(26)) result.dedup = parse_dedup(row.text(26));
  result.holds_conflicts = row.text(27) == "hold";
  if (auto read = read_parts(row, result); !read) result.broken = read.error().message;
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

/// The columns that a change may change. Owns the texts its arguments point to.
struct Settings {
  explicit Settings(const Endpoint& given)
      : e(given),
        types(list_json(e.event_types)),
        addresses(list_json(e.ip_whitelist)),
        config(config_json(e.signature_config)),
        paths(e.paths_of_scheme ? "null" : paths_json(e.paths)),
        routes(routes_json(e.routes)) {
    if (!e.rate_limit) return;
    requests = static_cast<std::int64_t>(e.rate_limit->requests);
    window = std::chrono::duration_cast<std::chrono::seconds>(e.rate_limit->window).count();
  }

  /// $1 is the id, $2 the tenant, $3 … $26 what the statements name.
  std::vector<db::Arg> args() const {
    return {e.id,
            e.tenant,
            e.integration,
            e.path,
            e.name,
            e.source,
            types,
            e.handler_type,
            e.target_service,
            addresses,
            e.signature_header,
            e.signature_algorithm,
            e.signature_scheme,
            config,
            paths,
            routes,
            e.dedup_window.count(),
            e.retention_days,
            requests,
            window,
            name(e.status),
            e.is_enabled,
            e.version,
            e.updated,
            e.dedup ? std::optional(name(*e.dedup)) : std::nullopt,
            e.holds_conflicts ? "hold" : "process"};
  }

  const Endpoint& e;
  std::string types;
  std::string addresses;
  std::string config;
  std::string paths;
  std::string routes;
  std::optional<std::int64_t> requests{};
  std::optional<std::int64_t> window{};
};

}  // namespace

Result<void> insert_endpoint(db::Tx& tx, const crypto::KeyRing& ring, const Endpoint& endpoint) {
  const Settings settings(endpoint);
  std::vector<db::Arg> args = settings.args();
  args.insert(args.end(), {endpoint.created_by, endpoint.created});
  XD_DO(tx.exec(
      "INSERT INTO webhook_endpoints (id, tenant_id, integration_id, endpoint_path, name, source,"
      " event_types, handler_type, target_service, ip_whitelist, signature_header,"
      " signature_algorithm, signature_scheme, signature_config, paths, routes,"
      " dedup_window_seconds, retention_days, rate_limit_requests, rate_limit_window, status,"
      " is_enabled, version, updated_at, dedup, on_conflict, created_by, created_at) VALUES ($1, $2, $3,"
      " $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,"
      " $25, $26, $27, $28)",
      args));
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
  const Settings settings(endpoint);
  XD_TRY(const auto changed,
         tx.exec("UPDATE webhook_endpoints SET integration_id = $3, endpoint_path = $4, name = $5,"
                 " source = $6, event_types = $7, handler_type = $8, target_service = $9,"
                 " ip_whitelist = $10, signature_header = $11, signature_algorithm = $12,"
                 " signature_scheme = $13, signature_config = $14, paths = $15, routes = $16,"
                 " dedup_window_seconds = $17, retention_days = $18, rate_limit_requests = $19,"
                 " rate_limit_window = $20, status = $21, is_enabled = $22, version = $23,"
                 " updated_at = $24, dedup = $25, on_conflict = $26 WHERE id = $1 AND tenant_id = $2 AND "
                 "version = $23 - 1",
                 settings.args()));
  return changed == 1;
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
         select(tx, ring, {std::string(kSelect) + " WHERE id = $1 AND tenant_id = $2", {id, tenant}, kAll}));
  return found.empty() ? nullptr : std::move(found.front());
}

Result<std::vector<EndpointPtr>> all_endpoints(db::Tx& tx, const crypto::KeyRing& ring) {
  return select(tx, ring, {std::string(kSelect) + " WHERE 1 = 1", {}, kAll});
}

Result<std::vector<EndpointPtr>> list_endpoints(db::Tx& tx, const crypto::KeyRing& ring, TenantId tenant,
                                                const db::Page& page) {
  db::PageQuery query(std::string(kSelect) + " WHERE tenant_id = $1", {tenant}, page);
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
