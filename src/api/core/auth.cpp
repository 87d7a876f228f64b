#include "api/core/auth.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::string_view kBearer = "Bearer ";
constexpr std::size_t kKeyBytesMax = 200;

/// Of two, whoever is in front of us may have looked at the other one.
Result<void> check_sent_once(const Call& call) {
  for (const std::string_view name : {"Authorization", "X-Tenant-Id", "Idempotency-Key"}) {
    const auto count = std::ranges::count_if(call.request.headers, [&](const auto& field) {
      return http::equals_ignoring_case(field.first, name);
    });
    if (count > 1)
      return fail(Code::invalid, "there is more than one " + std::string(name) + " field; send it once",
                  "BAD_REQUEST");
  }
  return {};
}

Result<std::string> hash_of_token(const Call& call) {
  const std::string_view field = call.request.header("authorization");
  const bool bearer = field.size() > kBearer.size() && field.size() <= kKeyBytesMax &&
                      http::equals_ignoring_case(field.substr(0, kBearer.size()), kBearer);
  if (!bearer) return fail(Code::unauthenticated, "send an API key: Authorization: Bearer cdk_…");
  return tenant::hash_key(field.substr(kBearer.size()));
}

/// The key from the cache or the store. Unknown, expired and revoked keys get the same answer.
base::Task<tenant::ApiKey> find_key(Services& services, std::string hash) {
  const base::Time now = services.clock.now();
  const tenant::ApiKey* cached = services.keys.find(hash, now);
  std::optional<tenant::ApiKey> key = cached != nullptr ? std::optional(*cached) : std::nullopt;
  if (!key) {
    const std::uint64_t forgotten = services.keys.forgotten();
    XD_CO_TRY(
        key, co_await services.store.read([hash](db::Tx& tx) { return tenant::find_key_by_hash(tx, hash); }));
    // What was read before a key was revoked must not be remembered after it.
    if (key && forgotten == services.keys.forgotten()) services.keys.put(*key, now);
  }
  if (!key || !key->usable(now)) {
    co_return fail(Code::unauthenticated, "the API key is unknown, has expired, or was revoked");
  }
  if (services.keys.should_touch(hash, now)) {
    services.gate.spawn(
        "touch key", [](db::Db& store, tenant::ApiKeyId id, base::Time at) -> base::Task<void> {
          co_return co_await store.write([id, at](db::Tx& tx) { return tenant::touch_key(tx, id, at); });
        }(services.store, key->id, now));
  }
  co_return std::move(*key);
}

Result<void> choose_tenant(Call& call, Access::Scope scope) {
  const std::string_view wanted = call.request.header("x-tenant-id");
  const tenant::TenantBook& tenants = call.services.tenants;
  if (call.principal.tenant) {
    if (scope == Access::Scope::platform) {
      return fail(Code::forbidden, "this needs a key of the platform's administrators");
    }
    call.tenant = tenants.find(*call.principal.tenant);
    if (!wanted.empty() && tenants.find(wanted) != call.tenant) {
      return fail(Code::forbidden, "this key belongs to one tenant; X-Tenant-Id may only name that one");
    }
  } else if (!wanted.empty()) {
    call.tenant = tenants.find(wanted);
    if (!call.tenant) return fail(Code::not_found, "X-Tenant-Id names no tenant");
  } else if (scope == Access::Scope::tenant) {
    return fail(Code::invalid, "a platform key names its tenant: X-Tenant-Id: <id or slug>", "BAD_REQUEST");
  }
  if (call.principal.tenant && !call.tenant) {
    return fail(Code::unauthenticated, "the tenant of this key was deleted");
  }
  return call.tenant ? check_usable(*call.tenant, call.principal) : Result<void>{};
}

Result<void> check_crowd(const Call& call) {
  if (!call.request.crowded) return {};
  return fail(Code::limited, "there are more connections than can be served; send it again in a moment",
              "OVERLOADED");
}

}  // namespace

Result<void> check_usable(const tenant::Tenant& tenant, const Principal& principal) {
  if (tenant.status == tenant::TenantStatus::deleting) {
    return fail(Code::forbidden, "this tenant is being deleted");
  }
  if (tenant.status != tenant::TenantStatus::active && principal.tenant) {
    return fail(Code::forbidden, "this tenant is suspended");
  }
  return {};
}

base::Task<void> authenticate(Call& call, Access access) {
  if (access.scope == Access::Scope::watch) co_return Result<void>{};
  if (access.scope == Access::Scope::open) co_return check_crowd(call);
  XD_CO_DO(check_sent_once(call));
  XD_CO_TRY(std::string hash, hash_of_token(call));
  XD_CO_TRY(const tenant::ApiKey key, co_await find_key(call.services, std::move(hash)));
  call.principal = {key.id, key.name, key.tenant, key.permissions(), key.expires};
  XD_CO_DO(choose_tenant(call, access.scope));
  XD_CO_DO(require(call, access.permission));
  // Keys of the platform are its administrators'.
  co_return call.principal.tenant ? check_crowd(call) : Result<void>{};
}

Result<void> require(const Call& call, tenant::Permission permission) {
  if (call.principal.permissions.has(permission)) return {};
  return fail(Code::forbidden,
              "this key lacks the scope " + std::string(tenant::name(permission)) + "; use one that has it");
}

}  // namespace api
