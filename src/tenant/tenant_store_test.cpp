// The tables tenants, api_keys and audit_log.
#include <gtest/gtest.h>

#include <set>

#include "tenant/api_key.hpp"
#include "tenant/audit.hpp"
#include "tenant/tenant.hpp"
#include "testing/core_db.hpp"

namespace tenant {

namespace {

using namespace std::chrono_literals;
using base::Result;

const base::Time kNow = base::from_micros(1'800'000'000'000'000);

class TenantStore : public ::testing::StoreTest {
 protected:
  Tenant insert(std::string slug) {
    Tenant tenant{.id = TenantId::make(kNow),
                  .slug = std::move(slug),
                  .name = "Acme Corp",
                  .created = kNow,
                  .updated = kNow};
    store.write([&](db::Tx& tx) { return insert_tenant(tx, tenant); });
    return tenant;
  }
  std::optional<Tenant> found(TenantId id) {
    return store.read([&](db::Tx& tx) { return find_tenant(tx, id); });
  }
  bool updated(const Tenant& tenant) {
    return store.write([&](db::Tx& tx) { return update_tenant(tx, tenant); });
  }
  std::vector<TenantId> listed(const db::Page& page) {
    std::vector<TenantId> ids;
    for (const Tenant& tenant : store.read([&](db::Tx& tx) { return list_tenants(tx, page); })) {
      ids.push_back(tenant.id);
    }
    return ids;
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, TenantStore, ::testing::both_engines(), ::testing::engine_name);

TEST_P(TenantStore, gives_back_what_was_put_in) {
  const Tenant tenant = insert("acme");

  const auto read = found(tenant.id);

  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, tenant.id);
  EXPECT_EQ(read->slug, "acme");
  EXPECT_EQ(read->name, "Acme Corp");
  EXPECT_EQ(read->status, TenantStatus::active);
  EXPECT_EQ(read->version, 1);
  EXPECT_EQ(read->created, kNow);
  EXPECT_EQ(read->updated, kNow);
  EXPECT_FALSE(found(TenantId::make(kNow)));
}

TEST_P(TenantStore, refuses_a_slug_that_is_taken) {
  Tenant twin = insert("acme");
  twin.id = TenantId::make(kNow);

  const auto again = store->write_now([&](db::Tx& tx) { return insert_tenant(tx, twin); });

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, base::Code::conflict);
}

TEST_P(TenantStore, changes_a_tenant_only_from_the_version_before) {
  Tenant tenant = insert("acme");
  tenant.name = "Acme Inc";
  tenant.status = TenantStatus::suspended;
  tenant.updated = kNow + 1s;
  tenant.version = 2;

  EXPECT_TRUE(updated(tenant));
  EXPECT_FALSE(updated(tenant));
  tenant.version = 4;
  EXPECT_FALSE(updated(tenant));

  const auto read = found(tenant.id);
  EXPECT_EQ(read->name, "Acme Inc");
  EXPECT_EQ(read->status, TenantStatus::suspended);
  EXPECT_EQ(read->version, 2);
  EXPECT_EQ(read->updated, kNow + 1s);
}

TEST_P(TenantStore, lists_tenants_in_pages_newest_first) {
  std::vector<TenantId> ids;
  for (const char* slug : {"a", "b", "c", "d"}) ids.push_back(insert(slug).id);

  EXPECT_EQ(listed({.limit = 3}), (std::vector{ids[3], ids[2], ids[1]}));
  EXPECT_EQ(listed({.before = ids[1].uuid, .limit = 3}), (std::vector{ids[0]}));
  EXPECT_EQ(listed({.after = ids[0].uuid, .limit = 2}), (std::vector{ids[2], ids[1]}));
  EXPECT_EQ(store.read(all_tenants).size(), 4u);
}

class KeyStore : public TenantStore {
 protected:
  ApiKey make(std::optional<TenantId> tenant) {
    ApiKey key{.id = ApiKeyId::make(kNow), .tenant = tenant, .name = "ci", .created = kNow, .updated = kNow};
    set_secret(key, generate_key().reveal());
    return key;
  }
  ApiKey insert(const ApiKey& key) {
    store.write([&](db::Tx& tx) { return insert_key(tx, key); });
    return key;
  }
  std::optional<ApiKey> found(std::optional<TenantId> tenant, ApiKeyId id) {
    return store.read([&](db::Tx& tx) { return find_key(tx, tenant, id); });
  }
  std::vector<ApiKeyId> listed(std::optional<TenantId> tenant, const db::Page& page = {}) {
    std::vector<ApiKeyId> ids;
    for (const ApiKey& key : store.read([&](db::Tx& tx) { return list_keys(tx, tenant, page); })) {
      ids.push_back(key.id);
    }
    return ids;
  }

  const TenantId acme = TenantStore::insert("acme").id;
};

INSTANTIATE_TEST_SUITE_P(Engines, KeyStore, ::testing::both_engines(), ::testing::engine_name);

TEST_P(KeyStore, gives_back_what_was_put_in) {
  ApiKey key = make(acme);
  key.role = Role::operator_;
  key.scopes = {Permission::events_read, Permission::deliveries_replay};
  key.expires = kNow + 24h;
  key.created_by = base::make_uuid(kNow);
  insert(key);

  const auto read = store.read([&](db::Tx& tx) { return find_key_by_hash(tx, key.hash); });

  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, key.id);
  EXPECT_EQ(read->tenant, acme);
  EXPECT_EQ(read->name, "ci");
  EXPECT_EQ(read->prefix, key.prefix);
  EXPECT_EQ(read->hash, key.hash);
  EXPECT_EQ(read->role, Role::operator_);
  EXPECT_EQ(read->scopes, key.scopes);
  EXPECT_EQ(read->expires, kNow + 24h);
  EXPECT_EQ(read->last_used, std::nullopt);
  EXPECT_EQ(read->revoked, std::nullopt);
  EXPECT_EQ(read->version, 1);
  EXPECT_EQ(read->created_by, key.created_by);
  EXPECT_EQ(read->created, kNow);
  EXPECT_EQ(read->updated, kNow);
}

TEST_P(KeyStore, finds_nothing_for_another_hash) {
  insert(make(acme));
  EXPECT_FALSE(store.read([&](db::Tx& tx) { return find_key_by_hash(tx, hash_key("another")); }));
  EXPECT_FALSE(store.read([&](db::Tx& tx) { return find_key_by_hash(tx, ""); }));
}

TEST_P(KeyStore, holds_no_key_in_clear) {
  const base::Secret secret = generate_key();
  ApiKey key = make(acme);
  set_secret(key, secret.reveal());
  insert(key);

  const std::string stored = store.text("SELECT name || prefix || role || scopes FROM api_keys");
  EXPECT_EQ(stored.find(secret.reveal().substr(12)), std::string::npos);
  EXPECT_EQ(store.integer("SELECT CAST(length(key_hash) AS BIGINT) FROM api_keys"), 32);
}

TEST_P(KeyStore, finds_a_key_for_its_own_tenant_only) {
  const TenantId other = TenantStore::insert("other").id;
  const ApiKey key = insert(make(acme));
  const ApiKey of_platform = insert(make(std::nullopt));

  EXPECT_TRUE(found(acme, key.id));
  EXPECT_FALSE(found(other, key.id));
  EXPECT_FALSE(found(std::nullopt, key.id));
  EXPECT_TRUE(found(std::nullopt, of_platform.id));
  EXPECT_FALSE(found(acme, of_platform.id));
  EXPECT_FALSE(found(acme, ApiKeyId::make(kNow)));
}

TEST_P(KeyStore, lists_the_keys_of_a_tenant_or_of_the_platform_in_pages) {
  std::vector<ApiKeyId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(insert(make(acme)).id);
  const ApiKeyId of_platform = insert(make(std::nullopt)).id;

  EXPECT_EQ(listed(acme), (std::vector{ids[2], ids[1], ids[0]}));
  EXPECT_EQ(listed(acme, {.before = ids[1].uuid, .limit = 5}), (std::vector{ids[0]}));
  EXPECT_EQ(listed(acme, {.after = ids[0].uuid, .limit = 1}), (std::vector{ids[1]}));
  EXPECT_EQ(listed(std::nullopt), std::vector{of_platform});
  EXPECT_TRUE(listed(TenantId::make(kNow)).empty());
}

TEST_P(KeyStore, revokes_a_key_once) {
  const ApiKey key = insert(make(acme));
  const auto revoke = [&](base::Time at) {
    store.write([&](db::Tx& tx) { return revoke_key(tx, {key.id}, at); });
  };

  revoke(kNow + 1h);
  revoke(kNow + 2h);

  const auto read = found(acme, key.id);
  EXPECT_EQ(read->revoked, kNow + 1h);
  EXPECT_EQ(read->updated, kNow + 1h);
  EXPECT_EQ(read->version, 2);
}

TEST_P(KeyStore, ends_with_a_key_those_that_were_made_with_it) {
  const auto made_with = [&](const ApiKey& maker, std::optional<TenantId> tenant) {
    ApiKey key = make(tenant);
    key.created_by = maker.id.uuid;
    return insert(key);
  };
  const auto revoked = [&](const Revocation& wanted) {
    std::set<ApiKeyId> ids;
    const auto keys = store.write([&](db::Tx& tx) { return revoke_key(tx, wanted, kNow + 1h); });
    for (const ApiKey& key : keys) ids.insert(key.id);
    return ids;
  };
  const ApiKey root = insert(make(std::nullopt));
  const ApiKey child = made_with(root, acme);
  const ApiKey grandchild = made_with(child, acme);
  const ApiKey successor = made_with(root, std::nullopt);
  const ApiKey of_successor = made_with(successor, acme);
  const ApiKey stranger = insert(make(acme));

  EXPECT_EQ(revoked({.key = root.id, .made = MadeKeys::stay}), std::set{root.id});
  EXPECT_EQ(revoked({.key = root.id, .asked_by = successor.id}), (std::set{child.id, grandchild.id}));
  EXPECT_TRUE(revoked({.key = root.id, .asked_by = successor.id}).empty());

  EXPECT_TRUE(found(acme, grandchild.id)->revoked);
  for (const ApiKey& key : {successor, of_successor, stranger})
    EXPECT_FALSE(found(key.tenant, key.id)->revoked);
}

TEST_P(KeyStore, holds_a_key_that_others_are_made_with_only_while_it_is_not_revoked) {
  const ApiKey key = insert(make(acme));
  const auto held = [&] { return store.write([&](db::Tx& tx) { return hold_key(tx, key.id); }); };

  EXPECT_TRUE(held());
  store.write([&](db::Tx& tx) { return revoke_key(tx, {key.id}, kNow); });
  EXPECT_FALSE(held());
}

TEST_P(KeyStore, knows_which_keys_were_revoked_since_a_time) {
  const ApiKey early = insert(make(acme));
  const ApiKey late = insert(make(std::nullopt));
  insert(make(acme));
  store.write([&](db::Tx& tx) -> Result<void> {
    XD_DO(revoke_key(tx, {early.id}, kNow));
    XD_DO(revoke_key(tx, {late.id}, kNow + 1s));
    return {};
  });
  const auto since = [&](base::Time moment) {
    return store.read([&](db::Tx& tx) { return keys_revoked_since(tx, moment); });
  };

  EXPECT_EQ(since(kNow).size(), 2u);
  EXPECT_EQ(since(kNow + 1us), std::vector{late.id});
  EXPECT_TRUE(since(kNow + 2s).empty());
}

TEST_P(KeyStore, remembers_when_a_key_was_used) {
  const ApiKey key = insert(make(acme));
  store.write([&](db::Tx& tx) { return touch_key(tx, key.id, kNow + 1h); });
  EXPECT_EQ(found(acme, key.id)->last_used, kNow + 1h);
}

TEST_P(KeyStore, knows_whether_there_is_any_key) {
  EXPECT_FALSE(store.read(any_key));
  insert(make(std::nullopt));
  EXPECT_TRUE(store.read(any_key));
}

TEST_P(KeyStore, refuses_two_keys_of_one_secret) {
  ApiKey twin = insert(make(acme));
  twin.id = ApiKeyId::make(kNow);

  const auto again = store->write_now([&](db::Tx& tx) { return insert_key(tx, twin); });

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, base::Code::conflict);
}

class AuditStore : public ::testing::StoreTest {
 protected:
  AuditEntry insert(AuditEntry entry) {
    entry.id = base::make_uuid(kNow);
    entry.at = kNow;
    store.write([&](db::Tx& tx) { return insert_audit(tx, entry); });
    return entry;
  }
  std::vector<AuditEntry> listed(std::optional<TenantId> tenant, const db::Page& page = {}) {
    return store.read([&](db::Tx& tx) { return list_audit(tx, tenant, page); });
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, AuditStore, ::testing::both_engines(), ::testing::engine_name);

TEST_P(AuditStore, gives_back_what_was_put_in) {
  const TenantId acme = TenantId::make(kNow);
  const AuditEntry entry = insert({.tenant = acme,
                                   .actor = {.type = "api_key",
                                             .id = base::make_uuid(kNow),
                                             .label = "ci",
                                             .ip = "192.0.2.1",
                                             .user_agent = "curl/8",
                                             .correlation_id = "request-7"},
                                   .action = "subscription.updated",
                                   .target_type = "subscription",
                                   .target = base::make_uuid(kNow),
                                   .before = R"({"name":"a"})",
                                   .after = R"({"name":"b"})"});

  const auto read = listed(acme);

  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].id, entry.id);
  EXPECT_EQ(read[0].tenant, acme);
  EXPECT_EQ(read[0].at, kNow);
  EXPECT_EQ(read[0].actor.type, "api_key");
  EXPECT_EQ(read[0].actor.id, entry.actor.id);
  EXPECT_EQ(read[0].actor.label, "ci");
  EXPECT_EQ(read[0].actor.ip, "192.0.2.1");
  EXPECT_EQ(read[0].actor.user_agent, "curl/8");
  EXPECT_EQ(read[0].actor.correlation_id, "request-7");
  EXPECT_EQ(read[0].action, "subscription.updated");
  EXPECT_EQ(read[0].target_type, "subscription");
  EXPECT_EQ(read[0].target, entry.target);
  EXPECT_EQ(read[0].before, entry.before);
  EXPECT_EQ(read[0].after, entry.after);
}

TEST_P(AuditStore, tells_the_system_s_own_doing_by_the_absence_of_an_actor) {
  insert({.action = "store.migrated"});

  const auto read = listed(std::nullopt);

  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].actor.type, "system");
  EXPECT_EQ(read[0].actor.id, std::nullopt);
  EXPECT_EQ(read[0].target, std::nullopt);
  EXPECT_EQ(read[0].before, "");
  EXPECT_EQ(read[0].after, "");
  EXPECT_EQ(store.integer("SELECT count(*) FROM audit_log WHERE before IS NULL AND after IS NULL"), 1);
}

TEST_P(AuditStore, shows_a_tenant_its_own_entries_newest_first) {
  const TenantId acme = TenantId::make(kNow);
  std::vector<base::Uuid> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(insert({.tenant = acme, .action = "a"}).id);
  insert({.tenant = TenantId::make(kNow), .action = "b"});
  insert({.action = "c"});

  const auto page = [&](const db::Page& wanted) {
    std::vector<base::Uuid> found;
    for (const AuditEntry& entry : listed(acme, wanted)) found.push_back(entry.id);
    return found;
  };
  EXPECT_EQ(page({}), (std::vector{ids[2], ids[1], ids[0]}));
  EXPECT_EQ(page({.before = ids[2], .limit = 1}), (std::vector{ids[1]}));
  EXPECT_EQ(page({.after = ids[0], .limit = 1}), (std::vector{ids[1]}));
  EXPECT_EQ(listed(std::nullopt).size(), 1u);
}

}  // namespace

}  // namespace tenant
