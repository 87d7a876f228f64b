// /api/v1/api-keys: of the tenant, or with a platform key and without X-Tenant-Id those of the platform.
#include "api/core/input.hpp"
#include "api/core/once.hpp"
#include "api/core/page.hpp"
#include "api/tenant/routes.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using tenant::ApiKey;
using tenant::ApiKeyId;

std::optional<base::TenantId> owner_of(const Call& call) {
  return call.tenant ? std::optional(call.tenant->id) : std::nullopt;
}

std::string key_json(const ApiKey& key, std::string_view secret = {}) {
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("id").value(key.id).key("tenant_id").value(key.tenant).key("name").value(key.name);
  json.key("prefix").value(key.prefix);
  if (!secret.empty()) json.key("key").value(secret);
  json.key("role").value(tenant::name(key.role)).key("scopes").begin_array();
  for (const tenant::Permission scope : key.scopes) json.value(tenant::name(scope));
  json.end_array().key("expires_at").value(key.expires).key("last_used_at").value(key.last_used);
  json.key("revoked_at").value(key.revoked).key("created_at").value(key.created).end_object();
  return body;
}

std::string all_scopes() {
  std::string text;
  for (std::size_t i = 0; i < tenant::kPermissionCount; ++i)
    text.append(i == 0 ? " " : ", ").append(name(static_cast<tenant::Permission>(i)));
  return text;
}

void read_scopes(Input& input, ApiKey& key) {
  const format::Value* scopes = input.any("scopes");
  if (scopes == nullptr) return;
  if (!scopes->is_array()) return input.error("scopes", "WRONG_TYPE", "this must be an array of scopes");
  for (std::size_t i = 0; i < scopes->elements().size(); ++i) {
    const auto scope = base::parse_word<tenant::Permission>(scopes->elements()[i].text());
    if (!scope) {
      input.error_at("scopes/" + std::to_string(i), "INVALID",
                     "there is no such scope; there are" + all_scopes());
      continue;
    }
    key.scopes.push_back(*scope);
  }
}

Result<tenant::MadeKeys> read_made_keys(const Call& call) {
  const std::string text = query_value(call, "made_keys");
  if (text.empty() || text == "revoke") return tenant::MadeKeys::end;
  if (text == "keep") return tenant::MadeKeys::stay;
  return fail(Code::invalid, "made_keys is revoke or keep", "BAD_REQUEST");
}

/// The audit log of the key's own tenant, and whoever goes by it.
Result<void> tell_of_revoked(const Call& call, db::Tx& tx, const ApiKey& key) {
  auto entry = call.audit("api_key.revoked", "api_key", key.id.uuid);
  entry.tenant = key.tenant;
  entry.before = key_json(key);
  XD_DO(tenant::insert_audit(tx, entry));
  tx.on_commit([all = &call.services.all_keys, bell = &call.services.bell, id = key.id] {
    all->tell([id](tenant::KeyCache& cache) { cache.forget(id); });
    bell->nudge(id.uuid);  // streams that follow with it end
  });
  return {};
}

}  // namespace

base::Task<http::Response> create_api_key(Call& call) {
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  const base::Time now = call.services.clock.now();
  ApiKey key{.id = ApiKeyId::make(now), .tenant = owner_of(call), .created = now, .updated = now};
  key.created_by = call.principal.key.uuid;
  key.name = input.required_text("name", 200).value_or("");
  const std::string role_name = input.text("role", 20).value_or("developer");
  const auto role = base::parse_word<tenant::Role>(role_name);
  if (!role) input.error("role", "INVALID", "owner, admin, operator, developer, viewer or auditor");
  key.role = role.value_or(tenant::Role::viewer);
  read_scopes(input, key);
  key.expires = input.time("expires_at");
  if (key.expires && *key.expires <= now)
    input.error("expires_at", "OUT_OF_RANGE", "this must be in the future");
  XD_CO_DO(input.finish());
  XD_CO_DO(tenant::bound_by_maker(key, {call.principal.permissions, call.principal.expires}));
  const base::Secret secret = tenant::generate_key();
  tenant::set_secret(key, secret.reveal());
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const bool held, tenant::hold_key(tx, call.principal.key));
    if (!held) return fail(Code::unauthenticated, "the API key was revoked");
    XD_DO(tenant::insert_key(tx, key));
    auto entry = call.audit("api_key.created", "api_key", key.id.uuid);
    entry.after = key_json(key);
    XD_DO(tenant::insert_audit(tx, entry));
    return Answer{201, key_json(key, secret.reveal())};
  });
}

base::Task<http::Response> list_api_keys(Call& call) {
  XD_CO_TRY(const PageRequest page, read_page(call));
  XD_CO_TRY(auto keys, co_await call.services.store.read(
                           [&](db::Tx& tx) { return tenant::list_keys(tx, owner_of(call), page.rows()); }));
  co_return list_response(
      page, std::move(keys), [](const ApiKey& key) { return key.id.uuid; },
      [](format::JsonWriter& json, const ApiKey& key) { json.raw(key_json(key)); });
}

base::Task<http::Response> get_api_key(Call& call) {
  XD_CO_TRY(const auto id, id_param<ApiKeyId>(call, "id"));
  XD_CO_TRY(const auto key, co_await call.services.store.read(
                                [&](db::Tx& tx) { return tenant::find_key(tx, owner_of(call), id); }));
  if (!key) co_return fail(Code::not_found, "there is no API key with this id");
  co_return json_response(200, key_json(*key));
}

base::Task<http::Response> delete_api_key(Call& call) {
  XD_CO_TRY(const auto id, id_param<ApiKeyId>(call, "id"));
  XD_CO_TRY(const tenant::MadeKeys made, read_made_keys(call));
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const auto key, tenant::find_key(tx, owner_of(call), id));
    if (!key) return fail(Code::not_found, "there is no API key with this id");
    XD_TRY(const auto revoked,
           tenant::revoke_key(tx, {id, made, call.principal.key}, call.services.clock.now()));
    for (const ApiKey& one : revoked) XD_DO(tell_of_revoked(call, tx, one));
    return Answer{204};
  });
}

}  // namespace api
