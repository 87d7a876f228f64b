#include "tenant/api_key.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "crypto/encoding.hpp"

namespace tenant {

namespace {

using namespace std::chrono_literals;
using base::Time;

constexpr Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};
constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// CRC-32 by table (ISO 3309), as a scanner of leaked secrets would compute it.
std::uint32_t crc32(std::string_view text) {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit)
      table[i] = (table[i] & 1) != 0 ? 0xedb88320U ^ table[i] >> 1 : table[i] >> 1;
  }
  std::uint32_t crc = 0xffffffffU;
  for (const char c : text) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ crc >> 8;
  return crc ^ 0xffffffffU;
}

std::string base62(std::uint32_t number) {
  std::string digits;
  for (int i = 0; i < 6; ++i, number /= 62) digits += kBase62[number % 62];
  return digits;
}

ApiKey make_key(std::string_view text = "cdk_one") {
  ApiKey key{.id = ApiKeyId::make(kNow), .tenant = TenantId::make(kNow), .name = "a key", .created = kNow};
  set_secret(key, text);
  return key;
}

TEST(GeneratedKey, is_a_prefix_random_characters_and_their_checksum) {
  ASSERT_EQ(crc32("123456789"), 0xcbf43926U);  // the check value of the standard
  for (int i = 0; i < 100; ++i) {
    const base::Secret key = generate_key();
    const std::string_view text = key.reveal();

    ASSERT_EQ(text.size(), 4u + 32u + 6u);
    EXPECT_TRUE(text.starts_with("cdk_"));
    EXPECT_EQ(text.substr(4).find_first_not_of(kBase62), std::string_view::npos);
    EXPECT_EQ(text.substr(36), base62(crc32(text.substr(0, 36))));
  }
}

TEST(GeneratedKey, is_another_each_time_and_uses_all_characters_alike) {
  std::set<std::string, std::less<>> keys;
  std::map<char, int> counts;
  for (int i = 0; i < 2000; ++i) {
    const base::Secret key = generate_key();
    keys.emplace(key.reveal());
    for (const char c : key.reveal().substr(4, 32)) ++counts[c];
  }

  EXPECT_EQ(keys.size(), 2000u);
  EXPECT_EQ(counts.size(), 62u);
  // 64,000 draws of 62: about 1032 each, give or take 32; ten times that is no chance.
  for (const auto& [c, count] : counts) EXPECT_NEAR(count, 1032, 320) << c;
}

TEST(ApiKey, keeps_a_hash_and_the_first_characters_of_its_secret) {
  ApiKey key;
  set_secret(key, "cdk_0123456789abcdefghijklmnopqrstuv123456");

  EXPECT_EQ(key.prefix, "cdk_01234567");
  EXPECT_EQ(crypto::to_hex(key.hash), "47cbf00385db59a7fb2fc0573d71e06e0c40f00bcb59fb93aa64841493ec873d");
}

TEST(ApiKey, shows_no_more_than_half_of_a_short_secret) {
  ApiKey key;
  set_secret(key, "12345678");
  EXPECT_EQ(key.prefix, "1234");
}

TEST(ApiKey, is_usable_until_it_expires_or_is_revoked) {
  ApiKey key = make_key();
  EXPECT_TRUE(key.usable(kNow));

  key.expires = kNow;
  EXPECT_TRUE(key.usable(kNow - 1us));
  EXPECT_FALSE(key.usable(kNow));

  key.expires.reset();
  key.revoked = kNow + 1h;
  EXPECT_FALSE(key.usable(kNow));
}

TEST(ApiKey, has_what_its_role_has_when_it_names_no_scopes) {
  ApiKey key = make_key();
  key.role = Role::viewer;
  EXPECT_EQ(key.permissions(), Permissions::of(Role::viewer));
}

TEST(ApiKey, is_narrowed_by_its_scopes_and_never_widened) {
  ApiKey key = make_key();
  key.role = Role::developer;
  key.scopes = {Permission::events_write, Permission::api_keys_write, Permission::tenants_write};

  Permissions expected;
  expected.add(Permission::events_write);
  EXPECT_EQ(key.permissions(), expected);
}

TEST(ApiKey, of_the_platform_has_what_its_role_and_its_scopes_allow) {
  ApiKey key = make_key();
  key.tenant.reset();
  EXPECT_EQ(key.permissions(), Permissions::all()) << "of an administrator";
  key.role = Role::viewer;
  EXPECT_EQ(key.permissions(), Permissions::of_platform(Role::viewer));

  key.scopes = {Permission::tenants_read, Permission::tenants_write, Permission::events_write};
  Permissions expected;
  expected.add(Permission::tenants_read);
  EXPECT_EQ(key.permissions(), expected);
}

/// A key of the maker's tenant, as it asks to be.
ApiKey asked(Role role, std::vector<Permission> scopes, std::optional<Time> expires = {}) {
  ApiKey key = make_key();
  key.role = role;
  key.scopes = std::move(scopes);
  key.expires = expires;
  return key;
}

TEST(MadeKey, has_no_more_rights_or_scopes_than_its_maker) {
  using enum Permission;
  const KeyMaker maker{.permissions = asked(Role::admin, {api_keys_write, events_read}).permissions()};
  const struct {
    Role role;
    std::vector<Permission> scopes;
    bool good;
  } cases[] = {
      {Role::viewer, {events_read}, true},
      {Role::admin, {api_keys_write, events_read}, true},
      {Role::viewer, {}, false},
      {Role::admin, {}, false},
      {Role::admin, {events_write}, false},
      {Role::viewer, {events_read, events_write}, false},  // though its role takes that back
      {Role::auditor, {tenants_write}, false},
  };
  for (const auto& c : cases) {
    ApiKey key = asked(c.role, c.scopes);
    const auto bounded = bound_by_maker(key, maker);
    EXPECT_EQ(bounded.has_value(), c.good) << name(c.role) << " of " << c.scopes.size();
    if (!bounded) EXPECT_EQ(bounded.error().code, base::Code::forbidden);
  }
}

TEST(MadeKey, lives_no_longer_than_its_maker) {
  const KeyMaker forever{.permissions = Permissions::all()};
  const KeyMaker maker{.permissions = Permissions::all(), .expires = kNow + 1h};
  ApiKey endless = asked(Role::viewer, {});
  ASSERT_TRUE(bound_by_maker(endless, forever));
  EXPECT_EQ(endless.expires, std::nullopt);

  ASSERT_TRUE(bound_by_maker(endless, maker));
  EXPECT_EQ(endless.expires, kNow + 1h) << "an end that nobody asked for is the maker's";

  for (const auto [expires, good] :
       {std::pair{kNow + 59min, true}, {kNow + 1h, true}, {kNow + 1h + 1us, false}}) {
    ApiKey key = asked(Role::viewer, {}, expires);
    const auto bounded = bound_by_maker(key, maker);
    EXPECT_EQ(bounded.has_value(), good);
    EXPECT_EQ(key.expires, expires);
    if (!bounded) EXPECT_NE(bounded.error().message.find(base::to_rfc3339(kNow + 1h)), std::string::npos);
  }
}

TEST(KeyCache, knows_a_key_for_ten_seconds) {
  KeyCache cache;
  const ApiKey key = make_key();
  cache.put(key, kNow);

  ASSERT_NE(cache.find(key.hash, kNow), nullptr);
  EXPECT_EQ(cache.find(key.hash, kNow)->id, key.id);
  EXPECT_NE(cache.find(key.hash, kNow + 10s), nullptr);
  EXPECT_EQ(cache.find(key.hash, kNow + 10s + 1us), nullptr);
  EXPECT_EQ(cache.find(hash_key("another"), kNow), nullptr);
}

TEST(KeyCache, knows_a_key_for_ten_more_seconds_when_it_was_put_again) {
  KeyCache cache;
  ApiKey key = make_key();
  cache.put(key, kNow);
  key.name = "renamed";
  cache.put(key, kNow + 9s);

  ASSERT_NE(cache.find(key.hash, kNow + 19s), nullptr);
  EXPECT_EQ(cache.find(key.hash, kNow + 19s)->name, "renamed");
}

TEST(KeyCache, forgets_a_key_by_its_id) {
  KeyCache cache;
  const ApiKey one = make_key("one");
  const ApiKey other = make_key("other");
  cache.put(one, kNow);
  cache.put(other, kNow);

  cache.forget(one.id);

  EXPECT_EQ(cache.find(one.hash, kNow), nullptr);
  EXPECT_NE(cache.find(other.hash, kNow), nullptr);
  EXPECT_EQ(cache.forgotten(), 1u);
  cache.forget(ApiKeyId::make(kNow));
  EXPECT_EQ(cache.forgotten(), 2u) << "also of one that is being read";
}

TEST(KeyCache, says_once_a_minute_that_the_use_of_a_key_is_to_be_written) {
  KeyCache cache;
  const ApiKey key = make_key();
  EXPECT_FALSE(cache.should_touch(key.hash, kNow));
  cache.put(key, kNow);

  EXPECT_TRUE(cache.should_touch(key.hash, kNow));
  EXPECT_FALSE(cache.should_touch(key.hash, kNow + 59s));
  cache.put(key, kNow + 59s);
  EXPECT_FALSE(cache.should_touch(key.hash, kNow + 59s));
  EXPECT_TRUE(cache.should_touch(key.hash, kNow + 60s));
}

TEST(KeyCache, does_not_write_again_what_another_shard_wrote_a_moment_ago) {
  KeyCache cache;
  ApiKey key = make_key();
  key.last_used = kNow - 30s;
  cache.put(key, kNow);

  EXPECT_FALSE(cache.should_touch(key.hash, kNow));
  EXPECT_TRUE(cache.should_touch(key.hash, kNow + 30s));
}

TEST(KeyCache, is_bounded_and_goes_on_working_when_it_is_full) {
  KeyCache cache;
  const ApiKey first = make_key("first");
  cache.put(first, kNow);
  for (int i = 0; i < 10'000; ++i) cache.put(make_key(std::to_string(i)), kNow);

  EXPECT_EQ(cache.find(first.hash, kNow), nullptr);
  EXPECT_NE(cache.find(hash_key("9999"), kNow), nullptr);
}

}  // namespace

}  // namespace tenant
