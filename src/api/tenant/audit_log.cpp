// /api/v1/audit-log: who changed what.
#include "api/core/page.hpp"
#include "api/tenant/routes.hpp"

namespace api {

namespace {

void write_entry(format::JsonWriter& json, const tenant::AuditEntry& entry) {
  json.begin_object().key("id").value(entry.id).key("at").value(entry.at);
  json.key("actor_type").value(entry.actor.type).key("actor_id");
  entry.actor.id ? json.value(*entry.actor.id) : json.null();
  json.key("actor_label").value(entry.actor.label).key("action").value(entry.action);
  json.key("target_type").value(entry.target_type).key("target_id");
  entry.target ? json.value(*entry.target) : json.null();
  json.key("before");
  entry.before.empty() ? json.null() : json.raw(entry.before);
  json.key("after");
  entry.after.empty() ? json.null() : json.raw(entry.after);
  json.key("ip").value(entry.actor.ip).key("user_agent").value(entry.actor.user_agent);
  json.key("correlation_id").value(entry.actor.correlation_id).end_object();
}

}  // namespace

base::Task<http::Response> list_audit_log(Call& call) {
  XD_CO_TRY(const PageRequest page, read_page(call));
  const auto tenant = call.tenant ? std::optional(call.tenant->id) : std::nullopt;
  XD_CO_TRY(auto entries, co_await call.services.store.read(
                              [&](db::Tx& tx) { return tenant::list_audit(tx, tenant, page.rows()); }));
  co_return list_response(
      page, std::move(entries), [](const tenant::AuditEntry& entry) { return entry.id; }, write_entry);
}

}  // namespace api
