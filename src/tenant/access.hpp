// Who may do what: roles, and the permissions that routes ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tenant {

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
inline constexpr std::size_t kPermissionCount = 15;

std::string_view name(Role role);
std::optional<Role> parse_role(std::string_view text);
std::string_view name(Permission permission);
std::optional<Permission> parse_permission(std::string_view text);

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
