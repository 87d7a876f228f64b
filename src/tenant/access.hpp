// Who may do what: roles, and the permissions that routes ask for.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "base/words.hpp"

namespace tenant {

using base::name;

enum class Role : std::uint8_t { owner, admin, operator_, developer, viewer, auditor };

/// What a route needs. The names ("events:write") are the scopes of API keys.
enum class Permission : std::uint8_t {
  events_read,
  events_write,
  subscriptions_read,
  subscriptions_write,
  deliveries_read,
  deliveries_replay,
  endpoints_read,
  endpoints_write,
  received_read,
  received_replay,
  api_keys_read,
  api_keys_write,
  audit_read,
  tenants_read,
  tenants_write  ///< tenants_*: of the platform, only keys without a tenant have them
};

inline constexpr base::Word<Role> kRoles[] = {{Role::owner, "owner"},        {Role::admin, "admin"},
                                              {Role::operator_, "operator"}, {Role::developer, "developer"},
                                              {Role::viewer, "viewer"},      {Role::auditor, "auditor"}};
constexpr std::span<const base::Word<Role>> words_of(Role) { return kRoles; }
inline constexpr base::Word<Permission> kPermissions[] = {
    {Permission::events_read, "events:read"},
    {Permission::events_write, "events:write"},
    {Permission::subscriptions_read, "subscriptions:read"},
    {Permission::subscriptions_write, "subscriptions:write"},
    {Permission::deliveries_read, "deliveries:read"},
    {Permission::deliveries_replay, "deliveries:replay"},
    {Permission::endpoints_read, "endpoints:read"},
    {Permission::endpoints_write, "endpoints:write"},
    {Permission::received_read, "received:read"},
    {Permission::received_replay, "received:replay"},
    {Permission::api_keys_read, "api_keys:read"},
    {Permission::api_keys_write, "api_keys:write"},
    {Permission::audit_read, "audit:read"},
    {Permission::tenants_read, "tenants:read"},
    {Permission::tenants_write, "tenants:write"}};
constexpr std::span<const base::Word<Permission>> words_of(Permission) { return kPermissions; }

inline constexpr std::size_t kPermissionCount = std::size(kPermissions);

/// A set of permissions.
class Permissions {
 public:
  Permissions() = default;
  static Permissions of(Role role);
  /// Of a key without a tenant: the same in every tenant, and what its role may do with tenants themselves.
  static Permissions of_platform(Role role);
  static Permissions all();

  void add(Permission permission) { bits_ |= bit(permission); }
  bool has(Permission permission) const { return (bits_ & bit(permission)) != 0; }
  /// What both have.
  Permissions operator&(Permissions other) const { return Permissions(bits_ & other.bits_); }
  /// Whether it has all that the other one has.
  bool includes(Permissions other) const { return (other.bits_ & ~bits_) == 0; }
  bool empty() const { return bits_ == 0; }
  bool operator==(const Permissions&) const = default;

 private:
  explicit Permissions(std::uint32_t bits) : bits_(bits) {}
  static std::uint32_t bit(Permission permission) { return 1U << static_cast<unsigned>(permission); }

  std::uint32_t bits_ = 0;
};

}  // namespace tenant
