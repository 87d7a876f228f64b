// /api/v1/tenants: for the platform's administrators.
#include "api/core/change.hpp"
#include "api/core/input.hpp"
#include "api/core/page.hpp"
#include "api/operation/operation_json.hpp"
#include "api/tenant/routes.hpp"
#include "monitor/removal.hpp"
#include "outbound/fanout/fanout.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using tenant::Tenant;

constexpr std::size_t kNameBytesMax = 200;
constexpr const char* kBeingDeleted = "this tenant is being deleted; its operation says how far it is";

void write_tenant(format::JsonWriter& json, const Tenant& tenant) {
  json.begin_object();
  tenant::tenants().write(json, tenant);
  json.end_object();
}

std::string tenant_json(const Tenant& tenant) {
  std::string body;
  format::JsonWriter json(body);
  write_tenant(json, tenant);
  return body;
}

void tell_everybody(db::Tx& tx, Services& services, const Tenant& tenant) {
  tx.on_commit(
      [all = &services.all_tenants, bell = &services.bell, shared = std::make_shared<const Tenant>(tenant)] {
        all->tell([shared](tenant::TenantBook& book) { book.put(shared); });
        bell->nudge(shared->id.uuid);  // its streams end where it is suspended or deleted
      });
}

}  // namespace

base::Task<http::Response> create_tenant(Call& call) {
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  const base::Time now = call.services.clock.now();
  Tenant made{.id = base::TenantId::make(now), .created = now, .updated = now};
  made.name = input.required_text("name", kNameBytesMax).value_or("");
  if (auto slug = input.required_text("slug", 64)) {
    if (auto shaped = tenant::check_slug(*slug); !shaped)
      input.error("slug", "INVALID", shaped.error().message);
    made.slug = std::move(*slug);
  }
  XD_CO_DO(input.finish());
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    if (auto inserted = tenant::insert_tenant(tx, made); !inserted) {
      if (inserted.error().code != Code::conflict) return std::unexpected(inserted.error());
      return fail(Code::conflict, "the slug '" + made.slug + "' is taken", "UNIQUE_VIOLATION");
    }
    XD_DO(call.services.queue.create_lane(tx, event::fanout_lane(made.id), made.id, event::kFanoutKind));
    auto entry = call.audit("tenant.created", "tenant", made.id.uuid);
    entry.after = tenant_json(made);
    XD_DO(tenant::insert_audit(tx, entry));
    tell_everybody(tx, call.services, made);
    return Answer{201, tenant_json(made), made.version};
  });
}

base::Task<http::Response> list_tenants(Call& call) {
  XD_CO_TRY(const PageRequest page, read_page(call));
  XD_CO_TRY(auto tenants, co_await call.services.store.read(
                              [&](db::Tx& tx) { return tenant::list_tenants(tx, page.rows()); }));
  co_return list_response(
      page, std::move(tenants), [](const Tenant& tenant) { return tenant.id.uuid; }, write_tenant);
}

base::Task<http::Response> get_tenant(Call& call) {
  const tenant::TenantPtr found = call.services.tenants.find(call.param("id"));
  if (!found) co_return fail(Code::not_found, "there is no tenant with this id or slug");
  co_return json_response(200, tenant_json(*found), found->version);
}

base::Task<http::Response> patch_tenant(Call& call) {
  XD_CO_TRY(const auto id, id_param<base::TenantId>(call, "id"));
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  const auto name = input.text("name", kNameBytesMax);
  if (name && name->empty()) input.error("name", "REQUIRED", "this member may not be empty");
  const auto status = input.text("status", 20);
  if (status && *status != "ACTIVE" && *status != "SUSPENDED") {
    input.error("status", "INVALID", "ACTIVE or SUSPENDED");
  }
  XD_CO_DO(input.finish());
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(auto known, tenant::find_tenant(tx, id));
    if (!known) return fail(Code::not_found, "there is no tenant with this id");
    if (known->status == tenant::TenantStatus::deleting) return fail(Code::conflict, kBeingDeleted);
    if (!known->broken.empty())
      return fail(Code::conflict, "this tenant cannot be read, so it can only be deleted: " + known->broken);
    return change_resource<Tenant>(
        call, tx, *known,
        {.action = "tenant.updated",
         .type = "tenant",
         .edit = [&](Tenant& changed) -> Result<void> {
           using enum tenant::TenantStatus;
           if (name) changed.name = *name;
           if (status) changed.status = *status == "ACTIVE" ? active : suspended;
           return {};
         },
         .write = [&](const Tenant& changed) { return tenant::update_tenant(tx, changed); },
         .json = [](const Tenant& tenant) -> Result<std::string> { return tenant_json(tenant); },
         .tell = [&](const tenant::TenantPtr& changed) { tell_everybody(tx, call.services, *changed); }});
  });
}

base::Task<http::Response> delete_tenant(Call& call) {
  XD_CO_TRY(const auto id, id_param<base::TenantId>(call, "id"));
  XD_CO_TRY(const auto pending, read_pending(call));
  operation::Operation made = make_operation(call, monitor::kRemovalOperation);
  made.tenant.reset();  // the platform's: it outlives the tenant
  made.target = id.uuid;
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const auto known, tenant::find_tenant(tx, id));
    if (!known) return fail(Code::not_found, "there is no tenant with this id");
    if (known->status == tenant::TenantStatus::deleting) return fail(Code::conflict, kBeingDeleted);
    XD_DO(check_if_match(call, known->version));
    Tenant changed = *known;
    changed.status = tenant::TenantStatus::deleting;
    changed.updated = made.created;
    ++changed.version;
    XD_TRY(const bool written, tenant::update_tenant(tx, changed));
    if (!written)
      return fail(Code::conflict, "the tenant was changed at the same moment; repeat the request");
    XD_TRY(const auto under_way,
           operation::list_operations(
               tx, {.tenant = id, .statuses = {operation::Status::pending, operation::Status::running}}));
    for (const operation::Operation& one : under_way) {
      XD_DO(operation::cancel(tx, call.services.queue, one, made.created));
    }
    made.parameters = monitor::write_removal(pending, *known);
    XD_TRY(Answer answer, start_operation(call, tx, made, monitor::kRemovalTask));
    auto entry = call.audit("tenant.deleted", "tenant", id.uuid);
    entry.tenant.reset();
    entry.before = tenant_json(*known);
    XD_DO(tenant::insert_audit(tx, entry));
    tell_everybody(tx, call.services, changed);
    return answer;
  });
}

}  // namespace api
