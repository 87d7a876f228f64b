#include "tenant/tenant.hpp"

namespace tenant {

namespace {

using base::Result;

constexpr const char* kSelect = "SELECT id, slug, name, status, version, created_at, updated_at FROM tenants";

Tenant read_tenant(const db::Row& row) {
  return {row.id<TenantId>(0), row.string(1),
          row.string(2),       parse_tenant_status(row.text(3)).value_or(TenantStatus::suspended),
          row.integer(4),      row.time(5),
          row.time(6)};
}

}  // namespace

Result<void> insert_tenant(db::Tx& tx, const Tenant& tenant) {
  XD_DO(
      tx.exec("INSERT INTO tenants (id, slug, name, status, version, created_at, updated_at)"
              " VALUES ($1, $2, $3, $4, $5, $6, $7)",
              {tenant.id, tenant.slug, tenant.name, name(tenant.status), tenant.version, tenant.created,
               tenant.updated}));
  return {};
}

Result<bool> update_tenant(db::Tx& tx, const Tenant& tenant) {
  XD_TRY(const auto changed,
         tx.exec("UPDATE tenants SET name = $2, status = $3, version = $4, updated_at = $5"
                 " WHERE id = $1 AND version = $4 - 1",
                 {tenant.id, tenant.name, name(tenant.status), tenant.version, tenant.updated}));
  return changed == 1;
}

Result<bool> delete_tenant(db::Tx& tx, TenantId id) {
  XD_TRY(const auto deleted, tx.exec("DELETE FROM tenants WHERE id = $1", {id}));
  return deleted == 1;
}

Result<std::optional<Tenant>> find_tenant(db::Tx& tx, TenantId id) {
  std::optional<Tenant> found;
  XD_DO(tx.query(std::string(kSelect) + " WHERE id = $1", {id},
                 [&](const db::Row& row) { found = read_tenant(row); }));
  return found;
}

Result<std::vector<Tenant>> all_tenants(db::Tx& tx) {
  std::vector<Tenant> tenants;
  XD_DO(tx.query(kSelect, {}, [&](const db::Row& row) { tenants.push_back(read_tenant(row)); }));
  return tenants;
}

Result<std::vector<Tenant>> list_tenants(db::Tx& tx, const db::Page& page) {
  std::vector<Tenant> tenants;
  XD_DO(db::PageQuery(std::string(kSelect) + " WHERE 1 = 1", {}, page).run(tx, tenants, read_tenant));
  return tenants;
}

}  // namespace tenant
