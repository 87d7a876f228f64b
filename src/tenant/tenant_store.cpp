#include "tenant/tenant.hpp"

namespace tenant {

namespace {

using base::Result;

/// One whose row is damaged is nobody's to use.
Tenant read_tenant(const db::Row& row) {
  Tenant tenant;
  if (auto loaded = tenants().load(row, nullptr, tenant); !loaded) {
    tenant.status = TenantStatus::suspended;
    tenant.broken = loaded.error().message;
  }
  return tenant;
}

}  // namespace

Result<void> insert_tenant(db::Tx& tx, const Tenant& tenant) { return tenants().insert(tx, nullptr, tenant); }

Result<bool> update_tenant(db::Tx& tx, const Tenant& tenant) { return tenants().update(tx, nullptr, tenant); }

Result<bool> delete_tenant(db::Tx& tx, TenantId id) {
  XD_TRY(const auto deleted, tx.exec("DELETE FROM tenants WHERE id = $1", {id}));
  return deleted == 1;
}

Result<std::optional<Tenant>> find_tenant(db::Tx& tx, TenantId id) {
  std::optional<Tenant> found;
  XD_DO(tx.query(tenants().select() + " WHERE id = $1", {id},
                 [&](const db::Row& row) { found = read_tenant(row); }));
  return found;
}

Result<std::vector<Tenant>> all_tenants(db::Tx& tx) {
  std::vector<Tenant> found;
  XD_DO(tx.query(tenants().select(), {}, [&](const db::Row& row) { found.push_back(read_tenant(row)); }));
  return found;
}

Result<std::vector<Tenant>> list_tenants(db::Tx& tx, const db::Page& page) {
  std::vector<Tenant> found;
  XD_DO(db::PageQuery(tenants().select() + " WHERE 1 = 1", {}, page).run(tx, found, read_tenant));
  return found;
}

}  // namespace tenant
