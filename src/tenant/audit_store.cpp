#include "tenant/audit.hpp"

namespace tenant {

namespace {

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}

AuditEntry read_entry(const db::Row& row) {
  AuditEntry entry;
  entry.id = row.uuid(0);
  if (!row.is_null(1)) entry.tenant = row.id<base::TenantId>(1);
  entry.at = row.time(2);
  entry.actor.type = row.string(3);
  if (!row.is_null(4)) entry.actor.id = row.uuid(4);
  entry.actor.label = row.string(5);
  entry.action = row.string(6);
  entry.target_type = row.string(7);
  if (!row.is_null(8)) entry.target = row.uuid(8);
  entry.before = row.string(9);
  entry.after = row.string(10);
  entry.actor.ip = row.string(11);
  entry.actor.user_agent = row.string(12);
  entry.actor.correlation_id = row.string(13);
  return entry;
}

}  // namespace

base::Result<void> insert_audit(db::Tx& tx, const AuditEntry& entry) {
  XD_DO(tx.exec(
      "INSERT INTO audit_log (id, tenant_id, at, actor_type, actor_id, actor_label, action, target_type,"
      " target_id, before, after, ip, user_agent, correlation_id)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
      {entry.id, entry.tenant, entry.at, entry.actor.type, entry.actor.id, entry.actor.label, entry.action,
       entry.target_type, entry.target, unless_empty(entry.before), unless_empty(entry.after), entry.actor.ip,
       entry.actor.user_agent, entry.actor.correlation_id}));
  return {};
}

base::Result<std::vector<AuditEntry>> list_audit(db::Tx& tx, std::optional<base::TenantId> tenant,
                                                 const db::Page& page) {
  std::vector<AuditEntry> entries;
  std::vector<db::Arg> args;
  if (tenant) args.emplace_back(*tenant);
  db::PageQuery query(std::string("SELECT id, tenant_id, at, actor_type, actor_id, actor_label, action, "
                                  "target_type, target_id, before,"
                                  " after, ip, user_agent, correlation_id FROM audit_log WHERE ") +
                          (tenant ? "tenant_id = $1" : "tenant_id IS NULL"),
                      std::move(args), page);
  XD_DO(query.run_within_bytes(
      tx, entries, read_entry,
      [](const AuditEntry& entry) { return entry.before.size() + entry.after.size(); },
      [](const AuditEntry& entry) { return entry.id; }));
  return entries;
}

}  // namespace tenant
