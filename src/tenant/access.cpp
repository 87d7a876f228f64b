#include "tenant/access.hpp"

namespace tenant {

Permissions Permissions::all() {
  Permissions permissions;
  for (std::size_t i = 0; i < kPermissionCount; ++i) permissions.add(static_cast<Permission>(i));
  return permissions;
}

Permissions Permissions::of(Role role) {
  using enum Permission;
  Permissions set;
  const auto add = [&](std::initializer_list<Permission> more) {
    for (const Permission permission : more) set.add(permission);
  };
  // Everybody but the auditor sees the working data; the auditor sees who did what.
  switch (role) {
    case Role::owner:
    case Role::admin: add({api_keys_read, api_keys_write, audit_read}); [[fallthrough]];
    case Role::developer: add({events_write, subscriptions_write, endpoints_write}); [[fallthrough]];
    case Role::operator_: add({deliveries_replay, received_replay}); [[fallthrough]];
    case Role::viewer:
      add({events_read, subscriptions_read, deliveries_read, endpoints_read, received_read});
      break;
    case Role::auditor: add({audit_read, subscriptions_read, endpoints_read, api_keys_read}); break;
  }
  return set;
}

Permissions Permissions::of_platform(Role role) {
  Permissions set = of(role);
  set.add(Permission::tenants_read);
  if (role == Role::owner || role == Role::admin) set.add(Permission::tenants_write);
  return set;
}

}  // namespace tenant
