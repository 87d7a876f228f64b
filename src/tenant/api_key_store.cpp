#include "tenant/api_key.hpp"

namespace tenant {

namespace {

using base::Result;

constexpr const char* kSelect =
    "SELECT id, tenant_id, name, prefix, key_hash, role, scopes, expires_at, last_used_at, revoked_at, "
    "version, "
    "created_by, created_at, updated_at FROM api_keys";

/// Scopes are stored as their names with blanks between.
std::string join(const std::vector<Permission>& scopes) {
  std::string text;
  for (const Permission scope : scopes) text.append(text.empty() ? "" : " ").append(name(scope));
  return text;
}

std::vector<Permission> split(std::string_view text) {
  std::vector<Permission> scopes;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (const auto scope = base::parse_word<Permission>(text.substr(0, end))) scopes.push_back(*scope);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return scopes;
}

ApiKey read_key(const db::Row& row) {
  ApiKey key;
  key.id = row.id<ApiKeyId>(0);
  if (!row.is_null(1)) key.tenant = row.id<TenantId>(1);
  key.name = row.string(2);
  key.prefix = row.string(3);
  key.hash = std::string(row.blob(4));
  key.role = base::parse_word<Role>(row.text(5)).value_or(Role::viewer);
  key.scopes = split(row.text(6));
  key.expires = row.maybe_time(7);
  key.last_used = row.maybe_time(8);
  key.revoked = row.maybe_time(9);
  key.version = row.integer(10);
  if (!row.is_null(11)) key.created_by = row.uuid(11);
  key.created = row.time(12);
  key.updated = row.time(13);
  return key;
}

}  // namespace

Result<void> insert_key(db::Tx& tx, const ApiKey& key) {
  XD_DO(tx.exec(
      "INSERT INTO api_keys (id, tenant_id, name, prefix, key_hash, role, scopes, expires_at, version,"
      " created_by, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
      {key.id, key.tenant, key.name, key.prefix, db::Arg::blob(key.hash), name(key.role), join(key.scopes),
       key.expires, key.version, key.created_by, key.created, key.updated}));
  return {};
}

Result<bool> any_key(db::Tx& tx) {
  XD_TRY(const auto rows, tx.query("SELECT 1 FROM api_keys LIMIT 1", {}, [](const db::Row&) {}));
  return rows > 0;
}

Result<std::optional<ApiKey>> find_key_by_hash(db::Tx& tx, std::string_view hash) {
  std::optional<ApiKey> found;
  XD_DO(tx.query(std::string(kSelect) + " WHERE key_hash = $1", {db::Arg::blob(hash)},
                 [&](const db::Row& row) { found = read_key(row); }));
  return found;
}

Result<std::optional<ApiKey>> find_key(db::Tx& tx, std::optional<TenantId> tenant, ApiKeyId id) {
  std::optional<ApiKey> found;
  XD_DO(tx.query(std::string(kSelect) + " WHERE id = $1", {id},
                 [&](const db::Row& row) { found = read_key(row); }));
  if (found && found->tenant != tenant) found.reset();
  return found;
}

Result<std::vector<ApiKey>> list_keys(db::Tx& tx, std::optional<TenantId> tenant, const db::Page& page) {
  std::vector<ApiKey> keys;
  std::vector<db::Arg> args;
  if (tenant) args.emplace_back(*tenant);
  db::PageQuery query(std::string(kSelect) + (tenant ? " WHERE tenant_id = $1" : " WHERE tenant_id IS NULL"),
                      std::move(args), page);
  XD_DO(query.run(tx, keys, read_key));
  return keys;
}

Result<std::vector<ApiKey>> revoke_key(db::Tx& tx, const Revocation& wanted, base::Time now) {
  const std::string select(kSelect);
  std::vector<ApiKey> keys;
  const auto collect = [&](const db::Row& row) { keys.push_back(read_key(row)); };
  XD_DO(tx.query(select + " WHERE id = $1", {wanted.key}, collect));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const ApiKeyId next = keys[i].id;
    XD_DO(
        tx.exec("UPDATE api_keys SET revoked_at = $2, updated_at = $2, version = version + 1"
                " WHERE id = $1 AND revoked_at IS NULL",
                {next, now}));
    if (wanted.made == MadeKeys::stay) break;
    // Only now: whoever makes one with it at this moment has either committed that, or is too late.
    XD_DO(tx.query(select + " WHERE created_by = $1", {next}, [&](const db::Row& row) {
      if (row.id<ApiKeyId>(0) != wanted.asked_by) collect(row);
    }));
  }
  std::erase_if(keys, [](const ApiKey& key) { return key.revoked.has_value(); });
  return keys;
}

Result<bool> hold_key(db::Tx& tx, ApiKeyId id) {
  const std::string lock = tx.engine() == db::Engine::postgres ? " FOR SHARE" : "";
  XD_TRY(const auto rows, tx.query("SELECT 1 FROM api_keys WHERE id = $1 AND revoked_at IS NULL" + lock, {id},
                                   [](const db::Row&) {}));
  return rows > 0;
}

Result<void> touch_key(db::Tx& tx, ApiKeyId id, base::Time now) {
  XD_DO(tx.exec("UPDATE api_keys SET last_used_at = $2 WHERE id = $1", {id, now}));
  return {};
}

Result<std::vector<ApiKeyId>> keys_revoked_since(db::Tx& tx, base::Time since) {
  std::vector<ApiKeyId> ids;
  XD_DO(tx.query("SELECT id FROM api_keys WHERE revoked_at IS NOT NULL AND revoked_at >= $1", {since},
                 [&](const db::Row& row) { ids.push_back(row.id<ApiKeyId>(0)); }));
  return ids;
}

}  // namespace tenant
