// Headers that are secrets: which they are, and that they lie in the clear nowhere.
#include "outbound/subscription/secret_header.hpp"

#include "format/json.hpp"
#include "outbound/subscription/fixture.hpp"
#include "tenant/audit.hpp"
#include "testing/core_db.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;

TEST(SecretHeader, tells_so_by_its_name_or_is_named) {
  Subscription subscription;
  subscription.secret_headers = {"X-Shop"};
  for (const char* name :
       {"Authorization", "proxy-authorization", "Cookie", "X-Api-Key", "X-Auth-Token", "x-client-secret",
        "X-PASSWORD", "X-Passwd", "X-Custom-Signature", "X-Session-Id", "X-Credential", "x-shop"}) {
    EXPECT_TRUE(is_secret_header(subscription, name)) << name;
  }
  for (const char* name : {"X-Env", "User-Agent", "X-Shopper", "X-Shop-Id", "Accept", "X-Trace"}) {
    EXPECT_FALSE(is_secret_header(subscription, name)) << name;
  }
}

TEST(SecretHeader, is_hidden_in_what_was_audited) {
  struct Case {
    const char* before;
    const char* after;  // null: there is nothing to hide
  };
  const Case cases[] = {
      {R"({"id":"1","headers":{"X-Env":"test","X-Api-Key":"k"},"max_retries":5})",
       R"({"id":"1","headers":{"X-Env":"test","X-Api-Key":"***"},"max_retries":5})"},
      {R"({"headers":{"X-Api-Key":"***"}})", nullptr},
      {R"({"headers":{"X-Env":"test"},"filter":{"headers":{"token":"t"}}})", nullptr},
      {R"({"headers":{}})", nullptr},
      {R"({"name":"token"})", nullptr},
      {"", nullptr},
      {"not JSON", nullptr},
  };
  for (const Case& c : cases) {
    const auto hidden = with_hidden_headers(c.before);
    EXPECT_EQ(hidden.value_or("as it was"), c.after == nullptr ? "as it was" : c.after) << c.before;
  }
}

class StoredHeaders : public ::testing::StoreTest {
 protected:
  StoredHeaders() {
    store.write([&](db::Tx& tx) { return insert_tenant_of(tx, acme); });
    subscription.headers = {{"X-Env", "test"}, {"X-Api-Key", "k3y"}, {"X-Shop", "pr00f"}};
    subscription.secret_headers = {"x-shop"};
  }
  void insert(const Subscription& made) {
    store.write([&](db::Tx& tx) { return insert_subscription(tx, ring, made); });
  }
  Subscription found(SubscriptionId id) {
    return store.read([&](db::Tx& tx) { return find_subscription(tx, ring, acme, id); })->copy();
  }
  std::string headers(SubscriptionId id) {
    return store.text("SELECT headers FROM webhook_subscriptions WHERE id = $1", {id});
  }
  std::string values(SubscriptionId id) {
    return store.text("SELECT COALESCE(secret_header_values, '') FROM webhook_subscriptions WHERE id = $1",
                      {id});
  }
  /// As an older version has left it.
  void store_plain(SubscriptionId id, const std::string& text) {
    store.write([&](db::Tx& tx) -> base::Result<void> {
      XD_DO(
          tx.exec("UPDATE webhook_subscriptions SET headers = $2, secret_header_values = NULL,"
                  " secret_headers = NULL WHERE id = $1",
                  {id, text}));
      return {};
    });
  }
  void audit(const std::string& type, const std::string& before, const std::string& after) {
    const base::Uuid id = base::make_uuid(kNow);  // ids rise on one thread only
    store.write([&](db::Tx& tx) {
      return tenant::insert_audit(tx, {.id = id,
                                       .tenant = acme,
                                       .at = kNow,
                                       .action = type + ".updated",
                                       .target_type = type,
                                       .before = before,
                                       .after = after});
    });
  }
  std::int64_t hide(std::int64_t limit) {
    return store.write([&](db::Tx& tx) { return hide_audited_headers(tx, limit); });
  }

  const TenantId acme = TenantId::make(kNow);
  const crypto::KeyRing ring = make_key_ring();
  Subscription subscription = make_subscription(acme);
};

INSTANTIATE_TEST_SUITE_P(Engines, StoredHeaders, ::testing::both_engines(), ::testing::engine_name);

TEST_P(StoredHeaders, are_encrypted_where_they_are_secrets) {
  insert(subscription);

  EXPECT_EQ(headers(subscription.id), R"({"X-Env":"test","X-Api-Key":null,"X-Shop":null})");
  EXPECT_TRUE(values(subscription.id).starts_with("v1.test.")) << values(subscription.id);
  EXPECT_EQ(found(subscription.id).headers, subscription.headers);
  EXPECT_EQ(found(subscription.id).secret_headers, subscription.secret_headers);
}

TEST_P(StoredHeaders, are_not_there_where_it_cannot_be_told_which_are_secrets) {
  insert(subscription);
  store.write([&](db::Tx& tx) {
    return tx.exec("UPDATE webhook_subscriptions SET secret_headers = '[' WHERE id = $1", {subscription.id});
  });

  EXPECT_FALSE(found(subscription.id).broken.empty());
  EXPECT_TRUE(found(subscription.id).headers.empty());
}

TEST_P(StoredHeaders, are_bound_to_their_row) {
  insert(subscription);
  Subscription other = subscription.copy();
  other.id = SubscriptionId::make(kNow);
  insert(other);
  store.write([&](db::Tx& tx) -> base::Result<void> {
    XD_DO(tx.exec("UPDATE webhook_subscriptions SET secret_header_values = $2 WHERE id = $1",
                  {other.id, values(subscription.id)}));
    return {};
  });

  const auto read = store->read_now([&](db::Tx& tx) { return find_subscription(tx, ring, acme, other.id); });

  ASSERT_TRUE(read);
  EXPECT_NE((*read)->broken, "") << "it cannot be used";
  EXPECT_NE((*read)->headers, subscription.headers);
}

TEST_P(StoredHeaders, of_older_versions_are_encrypted_at_start) {
  std::vector<SubscriptionId> ids;
  for (int i = 0; i < 3; ++i) {
    Subscription one = subscription.copy();
    one.id = SubscriptionId::make(kNow + std::chrono::milliseconds{i});
    insert(one);
    ids.push_back(one.id);
  }
  store_plain(ids[0], R"({"X-Env":"test","Authorization":"Bearer s3cret"})");
  store_plain(ids[1], R"({"X-Env":"test"})");

  EXPECT_TRUE(seal_plain_headers(*store, ring));

  EXPECT_EQ(headers(ids[0]), R"({"X-Env":"test","Authorization":null})");
  EXPECT_EQ(found(ids[0]).headers,
            (decltype(subscription.headers){{"X-Env", "test"}, {"Authorization", "Bearer s3cret"}}));
  EXPECT_EQ(found(ids[0]).version, subscription.version);
  EXPECT_EQ(headers(ids[1]), R"({"X-Env":"test"})");
  EXPECT_EQ(values(ids[1]), "");
  EXPECT_EQ(found(ids[2]).headers, subscription.headers);
  const std::string sealed = values(ids[0]);
  EXPECT_TRUE(seal_plain_headers(*store, ring));
  EXPECT_EQ(values(ids[0]), sealed) << "what is done is left alone";
}

TEST_P(StoredHeaders, are_hidden_in_the_audit_log_piece_by_piece_and_once) {
  const std::string plain = R"({"headers":{"X-Api-Key":"k3y"}})";
  audit("subscription", "", plain);
  audit("endpoint", plain, plain);
  audit("subscription", plain, R"({"headers":{}})");

  EXPECT_EQ(hide(2), 2);
  EXPECT_EQ(hide(2), 1);
  audit("subscription", "", plain);
  EXPECT_EQ(hide(2), 0) << "what is written now is hidden already";

  const auto entries = store.read([&](db::Tx& tx) { return tenant::list_audit(tx, acme, {}); });
  ASSERT_EQ(entries.size(), 4u);
  const std::string hidden = R"({"headers":{"X-Api-Key":"***"}})";
  EXPECT_EQ(entries[3].before, "");
  EXPECT_EQ(entries[3].after, hidden);
  EXPECT_EQ(entries[2].after, plain) << "another kind of thing";
  EXPECT_EQ(entries[1].before, hidden);
  EXPECT_EQ(entries[1].after, R"({"headers":{}})");
}

}  // namespace

}  // namespace outbound
