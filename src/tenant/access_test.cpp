#include "tenant/access.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tenant {

namespace {

std::set<std::string_view> names(Permissions permissions) {
  std::set<std::string_view> found;
  for (std::size_t i = 0; i < kPermissionCount; ++i) {
    const auto permission = static_cast<Permission>(i);
    if (permissions.has(permission)) found.insert(name(permission));
  }
  return found;
}

TEST(Permissions, of_a_role_are_these) {
  const struct {
    Role role;
    std::set<std::string_view> permissions;
  } cases[] = {
      {Role::owner,
       {"events:read", "events:write", "subscriptions:read", "subscriptions:write", "deliveries:read",
        "deliveries:replay", "api_keys:read", "api_keys:write", "audit:read", "endpoints:read",
        "received:read", "received:replay", "endpoints:write"}},
      {Role::admin,
       {"events:read", "events:write", "subscriptions:read", "subscriptions:write", "deliveries:read",
        "deliveries:replay", "api_keys:read", "api_keys:write", "audit:read", "endpoints:read",
        "received:read", "received:replay", "endpoints:write"}},
      {Role::developer,
       {"events:read", "events:write", "subscriptions:read", "subscriptions:write", "deliveries:read",
        "deliveries:replay", "endpoints:read", "received:read", "received:replay", "endpoints:write"}},
      {Role::operator_,
       {"events:read", "subscriptions:read", "deliveries:read", "deliveries:replay", "endpoints:read",
        "received:read", "received:replay"}},
      {Role::viewer,
       {"events:read", "subscriptions:read", "deliveries:read", "endpoints:read", "received:read"}},
      {Role::auditor, {"audit:read", "subscriptions:read", "api_keys:read", "endpoints:read"}},
  };
  for (const auto& c : cases) EXPECT_EQ(names(Permissions::of(c.role)), c.permissions) << name(c.role);
}

TEST(Permissions, of_no_role_reach_beyond_its_tenant) {
  for (const Role role :
       {Role::owner, Role::admin, Role::operator_, Role::developer, Role::viewer, Role::auditor}) {
    EXPECT_FALSE(Permissions::of(role).has(Permission::tenants_read)) << name(role);
    EXPECT_FALSE(Permissions::of(role).has(Permission::tenants_write)) << name(role);
  }
}

TEST(Permissions, of_a_platform_key_are_its_roles_and_those_about_tenants) {
  for (const Role role :
       {Role::owner, Role::admin, Role::operator_, Role::developer, Role::viewer, Role::auditor}) {
    const bool manages = role == Role::owner || role == Role::admin;
    auto expected = names(Permissions::of(role));
    expected.insert("tenants:read");
    if (manages) expected.insert("tenants:write");
    EXPECT_EQ(names(Permissions::of_platform(role)), expected) << name(role);
  }
  EXPECT_EQ(Permissions::of_platform(Role::owner), Permissions::all());
}

TEST(Permissions, are_a_set) {
  Permissions some;
  EXPECT_TRUE(some.empty());
  some.add(Permission::events_read);
  some.add(Permission::audit_read);

  EXPECT_FALSE(some.empty());
  EXPECT_TRUE(some.has(Permission::events_read));
  EXPECT_FALSE(some.has(Permission::events_write));
  EXPECT_EQ(names(some & Permissions::of(Role::viewer)), std::set<std::string_view>{"events:read"});
  EXPECT_EQ(names(Permissions::all()).size(), kPermissionCount);
  EXPECT_EQ(some & Permissions::all(), some);
  EXPECT_TRUE(Permissions::all().includes(some));
  EXPECT_TRUE(some.includes(some));
  EXPECT_FALSE(some.includes(Permissions::all()));
}

TEST(Permission, is_read_from_the_name_it_is_written_with) {
  for (std::size_t i = 0; i < kPermissionCount; ++i) {
    const auto permission = static_cast<Permission>(i);
    EXPECT_EQ(base::parse_word<Permission>(name(permission)), permission);
  }
  for (const std::string_view text :
       {"", "events", "events:", "EVENTS:READ", "events:read ", "events:delete"}) {
    EXPECT_EQ(base::parse_word<Permission>(text), std::nullopt) << text;
  }
}

TEST(Role, is_read_from_the_name_it_is_written_with) {
  for (const std::string_view text : {"owner", "admin", "operator", "developer", "viewer", "auditor"}) {
    ASSERT_TRUE(base::parse_word<Role>(text)) << text;
    EXPECT_EQ(name(*base::parse_word<Role>(text)), text);
  }
  for (const std::string_view text : {"", "root", "Owner", "operator_"})
    EXPECT_FALSE(base::parse_word<Role>(text)) << text;
}

}  // namespace

}  // namespace tenant
