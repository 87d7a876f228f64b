// Authentication: from the Authorization field to a principal and a tenant.
#pragma once

#include "api/core/call.hpp"

namespace api {

/// What a route asks of the caller.
struct Access {
  enum class Scope : std::uint8_t {
    open,      ///< anybody
    watch,     ///< the same, also while the server has more connections than it serves
    tenant,    ///< a permission in one tenant: the key's, or for a platform key the one of X-Tenant-Id
    platform,  ///< a permission of the platform: keys without a tenant only
    any_key    ///< a permission, with or without a tenant
  };
  bool is_open() const { return scope == Scope::open || scope == Scope::watch; }

  Scope scope = Scope::open;
  tenant::Permission permission = tenant::Permission::events_read;
};

/// Sets the call's principal and tenant. Errors: unauthenticated, forbidden, not_found (the tenant), invalid
/// (BAD_REQUEST: X-Tenant-Id missing, or one of these fields is there twice), limited (the server has too
/// many connections, and this request neither watches over it nor administers it).
base::Task<void> authenticate(Call& call, Access access);

/// A suspended tenant is there for the platform's keys only, one that is being deleted for nobody. Error:
/// forbidden.
Result<void> check_usable(const tenant::Tenant& tenant, const Principal& principal);

/// For what a route asks besides. Error: forbidden.
Result<void> require(const Call& call, tenant::Permission permission);

}  // namespace api
