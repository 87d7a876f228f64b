// The tables webhook_subscriptions and endpoint_secrets.
#include "outbound/subscription/fixture.hpp"
#include "testing/core_db.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using base::Result;

class SubscriptionStore : public ::testing::StoreTest {
 protected:
  SubscriptionStore() {
    for (const TenantId id : {acme, other}) {
      store.write([&](db::Tx& tx) { return insert_tenant_of(tx, id); });
    }
  }

  void insert(const Subscription& subscription) {
    store.write([&](db::Tx& tx) { return insert_subscription(tx, ring, subscription); });
  }
  Subscription inserted(TenantId tenant) {
    Subscription subscription = make_subscription(tenant);
    insert(subscription);
    return subscription;
  }
  bool updated(const Subscription& subscription) {
    return store.write([&](db::Tx& tx) { return update_subscription(tx, ring, subscription); });
  }
  bool deleted(TenantId tenant, SubscriptionId id) {
    return store.write([&](db::Tx& tx) { return delete_subscription(tx, tenant, id); });
  }
  SubscriptionPtr found(TenantId tenant, SubscriptionId id) {
    return store.read([&](db::Tx& tx) { return find_subscription(tx, ring, tenant, id); });
  }
  std::vector<SubscriptionId> listed(TenantId tenant, const db::Page& page = {}) {
    std::vector<SubscriptionId> ids;
    for (const auto& one :
         store.read([&](db::Tx& tx) { return list_subscriptions(tx, ring, tenant, page); })) {
      ids.push_back(one->id);
    }
    return ids;
  }
  std::string mark() { return store.read(mark_of_subscriptions); }
  /// The first bytes of its secrets' keys, newest first.
  std::vector<std::string> secrets(SubscriptionId id) {
    std::vector<std::string> texts;
    for (const SigningSecret& secret : found(acme, id)->secrets) texts.emplace_back(secret.text.reveal());
    return texts;
  }

  const TenantId acme = TenantId::make(kNow);
  const TenantId other = TenantId::make(kNow);
  const crypto::KeyRing ring = make_key_ring();
};

INSTANTIATE_TEST_SUITE_P(Engines, SubscriptionStore, ::testing::both_engines(), ::testing::engine_name);

Subscription make_full(TenantId tenant) {
  Subscription subscription = make_subscription(tenant, {"order.*", "invoice.paid"});
  subscription.name = "Bestellungen für \"Süd\"";
  subscription.description = "to the shop";
  subscription.auth_type = AuthType::basic;
  subscription.auth_config = base::Secret(R"({"username":"user","password":"pa:ss"})");
  subscription.content_type = "application/vnd.acme+json";
  subscription.headers = {{"X-Shop", "north"}, {"X-Empty", ""}, {"A-Last", "\"quoted\" \\"}};
  subscription.payload_format = PayloadFormat::entity;
  subscription.timeout = 7s;
  subscription.retry_enabled = false;
  subscription.max_retries = 3;
  subscription.retry_intervals = {1s, 604800s};
  subscription.status = SubscriptionStatus::paused;
  subscription.is_enabled = false;
  subscription.version = 4;
  subscription.created_by = base::make_uuid(kNow);
  subscription.created = kNow - 1h;
  subscription.updated = kNow + 1us;
  subscription.secrets.push_back(make_secret('B', {}, kNow));
  subscription.secrets.push_back(make_secret('A', kNow + 24h, kNow - 1h));
  return subscription;
}

void expect_settings(const Subscription& read, const Subscription& wanted) {
  EXPECT_EQ(read.id, wanted.id);
  EXPECT_EQ(read.tenant, wanted.tenant);
  EXPECT_EQ(read.name, wanted.name);
  EXPECT_EQ(read.description, wanted.description);
  EXPECT_EQ(read.url, wanted.url);
  EXPECT_EQ(read.event_types, wanted.event_types);
  EXPECT_EQ(read.auth_type, wanted.auth_type);
  EXPECT_EQ(read.auth_config.reveal(), wanted.auth_config.reveal());
  EXPECT_EQ(read.content_type, wanted.content_type);
  EXPECT_EQ(read.headers, wanted.headers);
  EXPECT_EQ(read.payload_format, wanted.payload_format);
  EXPECT_EQ(read.timeout, wanted.timeout);
  EXPECT_EQ(read.retry_enabled, wanted.retry_enabled);
  EXPECT_EQ(read.max_retries, wanted.max_retries);
  EXPECT_EQ(read.retry_intervals, wanted.retry_intervals);
}

void expect_state(const Subscription& read, const Subscription& wanted) {
  EXPECT_EQ(read.status, wanted.status);
  EXPECT_EQ(read.is_enabled, wanted.is_enabled);
  EXPECT_EQ(read.disabled_reason, wanted.disabled_reason);
  EXPECT_EQ(read.disabled, wanted.disabled);
  EXPECT_EQ(read.version, wanted.version);
  EXPECT_EQ(read.created_by, wanted.created_by);
  EXPECT_EQ(read.created, wanted.created);
  EXPECT_EQ(read.updated, wanted.updated);
  ASSERT_EQ(read.secrets.size(), wanted.secrets.size());
  for (std::size_t i = 0; i < wanted.secrets.size(); ++i) {
    EXPECT_EQ(read.secrets[i].id, wanted.secrets[i].id);
    EXPECT_EQ(read.secrets[i].text.reveal(), wanted.secrets[i].text.reveal());
    EXPECT_EQ(read.secrets[i].fingerprint, wanted.secrets[i].fingerprint);
    EXPECT_EQ(read.secrets[i].valid_until, wanted.secrets[i].valid_until);
    EXPECT_EQ(read.secrets[i].created, wanted.secrets[i].created);
  }
}

TEST_P(SubscriptionStore, gives_back_what_was_put_in) {
  const Subscription subscription = make_full(acme);
  insert(subscription);

  const SubscriptionPtr read = found(acme, subscription.id);

  ASSERT_TRUE(read);
  expect_settings(*read, subscription);
  expect_state(*read, subscription);
}

TEST_P(SubscriptionStore, gives_back_a_plain_one_without_what_it_does_not_have) {
  const Subscription subscription = inserted(acme);

  const SubscriptionPtr read = found(acme, subscription.id);

  ASSERT_TRUE(read);
  expect_settings(*read, subscription);
  expect_state(*read, subscription);
  EXPECT_EQ(read->description, std::nullopt);
  EXPECT_TRUE(read->auth_config.empty());
  EXPECT_TRUE(read->headers.empty());
  EXPECT_EQ(read->created_by, std::nullopt);
}

TEST_P(SubscriptionStore, gives_back_what_it_was_changed_to_with_the_secrets_it_had) {
  Subscription subscription = make_subscription(acme);
  subscription.secrets.push_back(make_secret('C'));
  insert(subscription);
  Subscription changed = make_full(acme);
  changed.id = subscription.id;
  changed.version = 2;
  changed.status = SubscriptionStatus::failed;
  changed.disabled_reason = "CONSECUTIVE_FAILURES";
  changed.disabled = kNow + 5s;
  changed.url = "https://example.org/other";
  changed.secrets.clear();

  ASSERT_TRUE(updated(changed));

  const SubscriptionPtr read = found(acme, subscription.id);
  expect_settings(*read, changed);
  changed.secrets.push_back(std::move(subscription.secrets.front()));
  changed.created = kNow;
  changed.created_by.reset();  // neither is ever changed
  expect_state(*read, changed);
}

TEST_P(SubscriptionStore, forgets_the_authentication_that_a_change_takes_away) {
  Subscription subscription = make_full(acme);
  insert(subscription);
  subscription.auth_type = AuthType::none;
  subscription.auth_config = {};
  ++subscription.version;

  ASSERT_TRUE(updated(subscription));

  EXPECT_TRUE(found(acme, subscription.id)->auth_config.empty());
}

TEST_P(SubscriptionStore, changes_a_subscription_only_from_the_version_before) {
  Subscription subscription = inserted(acme);
  subscription.name = "second";
  subscription.version = 2;

  EXPECT_TRUE(updated(subscription));
  subscription.name = "late";
  EXPECT_FALSE(updated(subscription));
  subscription.version = 4;
  EXPECT_FALSE(updated(subscription));
  subscription.version = 1;
  EXPECT_FALSE(updated(subscription));

  const SubscriptionPtr read = found(acme, subscription.id);
  EXPECT_EQ(read->name, "second");
  EXPECT_EQ(read->version, 2);
}

TEST_P(SubscriptionStore, finds_changes_and_deletes_for_its_own_tenant_only) {
  Subscription subscription = make_full(acme);
  subscription.version = 1;
  insert(subscription);
  Subscription stolen = subscription.copy();
  stolen.tenant = other;
  stolen.version = 2;

  EXPECT_FALSE(found(other, subscription.id));
  EXPECT_FALSE(found(acme, SubscriptionId::make(kNow)));
  EXPECT_FALSE(updated(stolen));
  EXPECT_FALSE(deleted(other, subscription.id));
  EXPECT_FALSE(deleted(acme, SubscriptionId::make(kNow)));

  const SubscriptionPtr read = found(acme, subscription.id);
  ASSERT_TRUE(read);
  expect_state(*read, subscription);
}

TEST_P(SubscriptionStore, deletes_a_subscription_with_its_secrets_and_counters) {
  const Subscription gone = make_full(acme);
  const Subscription kept = make_full(acme);
  insert(gone);
  insert(kept);

  EXPECT_TRUE(deleted(acme, gone.id));

  EXPECT_FALSE(deleted(acme, gone.id));
  EXPECT_FALSE(found(acme, gone.id));
  EXPECT_EQ(found(acme, kept.id)->secrets.size(), 2u);
  EXPECT_EQ(store.integer("SELECT count(*) FROM endpoint_secrets"), 2);
  EXPECT_EQ(store.integer("SELECT count(*) FROM subscription_stats"), 1);
}

TEST_P(SubscriptionStore, keeps_credentials_sealed_and_bound_to_their_rows) {
  const Subscription subscription = make_full(acme);
  const Subscription thief = make_full(acme);
  insert(subscription);
  insert(thief);
  for (const char* sql :
       {"SELECT secret FROM endpoint_secrets", "SELECT auth_config FROM webhook_subscriptions"}) {
    for (const std::string& stored : store.texts(sql)) {
      EXPECT_TRUE(stored.starts_with("v1.test.")) << stored;
      EXPECT_EQ(stored.find("whsec_"), std::string::npos);
      EXPECT_EQ(stored.find("pa:ss"), std::string::npos);
    }
  }

  store.write([&](db::Tx& tx) {
    return tx.exec(
        "UPDATE webhook_subscriptions SET auth_config ="
        " (SELECT w.auth_config FROM webhook_subscriptions w WHERE w.id = $1) WHERE id = $2",
        {subscription.id, thief.id});
  });
  const auto moved = store->read_now([&](db::Tx& tx) { return find_subscription(tx, ring, acme, thief.id); });

  ASSERT_TRUE(moved);
  EXPECT_NE((*moved)->broken, "") << "it cannot be used";
  EXPECT_TRUE((*moved)->auth_config.empty());
}

TEST_P(SubscriptionStore, reads_the_filter_of_one_whose_credentials_cannot_be_read) {
  Subscription subscription = make_full(acme);
  subscription.filter = R"({"field":"data.n","op":"eq","value":1})";
  insert(subscription);
  store.write(
      [](db::Tx& tx) { return tx.exec("UPDATE webhook_subscriptions SET auth_config = 'v1.test.none'"); });

  const SubscriptionPtr read = found(acme, subscription.id);

  EXPECT_NE(read->broken, "");
  EXPECT_EQ(read->filter, subscription.filter);
}

TEST_P(SubscriptionStore, takes_a_filter_that_is_damaged_for_one_that_cannot_be_asked) {
  const Subscription subscription = inserted(acme);
  store.write([](db::Tx& tx) { return tx.exec("UPDATE webhook_subscriptions SET filter = '{\"field\":'"); });
  Book book;

  book.put(found(acme, subscription.id));

  EXPECT_NE(book.find(subscription.id)->broken, "");
  EXPECT_TRUE(book.find(subscription.id)->has_unknown_filter());
}

TEST_P(SubscriptionStore, lists_the_subscriptions_of_a_tenant_in_pages_newest_first) {
  std::vector<SubscriptionId> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(inserted(acme).id);
    inserted(other);
  }

  EXPECT_EQ(listed(acme), (std::vector{ids[4], ids[3], ids[2], ids[1], ids[0]}));
  EXPECT_EQ(listed(acme, {.limit = 2}), (std::vector{ids[4], ids[3]}));
  EXPECT_EQ(listed(acme, {.before = ids[3].uuid, .limit = 2}), (std::vector{ids[2], ids[1]}));
  EXPECT_EQ(listed(acme, {.after = ids[1].uuid, .limit = 2}), (std::vector{ids[3], ids[2]}));
  EXPECT_TRUE(listed(TenantId::make(kNow)).empty());
}

TEST_P(SubscriptionStore, lists_large_ones_until_the_page_has_its_bytes) {
  Subscription large = make_subscription(acme);
  large.filter = '"' + std::string(base::limits::kPageBytesMax, 'x') + '"';
  for (int i = 0; i < 4; ++i) {
    large.id = SubscriptionId::make(kNow);
    large.secrets.clear();
    insert(large);
  }

  EXPECT_EQ(listed(acme).size(), 2u) << "one that is shown, and one that tells of more";
  EXPECT_EQ(store.read([&](db::Tx& tx) { return all_subscriptions(tx, ring); }).size(), 4u);
}

TEST_P(SubscriptionStore, counts_those_of_a_tenant_and_reads_those_of_all) {
  const Subscription first = make_full(acme);
  insert(first);
  inserted(acme);
  inserted(other);
  const auto count = [&](TenantId tenant) {
    return store.read([&](db::Tx& tx) { return count_subscriptions(tx, tenant); });
  };

  EXPECT_EQ(count(acme), 2);
  EXPECT_EQ(count(other), 1);
  EXPECT_EQ(count(TenantId::make(kNow)), 0);
  const auto all = store.read([&](db::Tx& tx) { return all_subscriptions(tx, ring); });
  ASSERT_EQ(all.size(), 3u);
  const auto read = std::ranges::find(all, first.id, [](const SubscriptionPtr& one) { return one->id; });
  ASSERT_NE(read, all.end());
  expect_state(**read, first);
}

TEST_P(SubscriptionStore, marks_that_something_was_made_changed_or_deleted) {
  std::vector<std::string> marks = {mark()};
  const auto expect_new_mark = [&] {
    const std::string now = mark();
    EXPECT_EQ(mark(), now);
    EXPECT_EQ(std::ranges::find(marks, now), marks.end()) << now;
    marks.push_back(now);
  };

  Subscription subscription = inserted(acme);
  expect_new_mark();
  subscription.version = 2;
  subscription.updated = kNow + 1s;
  ASSERT_TRUE(updated(subscription));
  expect_new_mark();
  Subscription another = make_subscription(other);
  another.updated = kNow + 2s;
  insert(another);
  expect_new_mark();
  ASSERT_TRUE(deleted(acme, subscription.id));
  expect_new_mark();
  ASSERT_TRUE(deleted(other, another.id));
  EXPECT_EQ(mark(), marks.front());
}

TEST_P(SubscriptionStore, adds_a_secret_in_front_of_those_there_are) {
  Subscription subscription = make_subscription(acme);
  subscription.secrets.push_back(make_secret('A', {}, kNow));
  insert(subscription);

  store.write([&](db::Tx& tx) {
    return tenant::insert_secret(tx, ring, subscription.secret_owner(), make_secret('B', {}, kNow + 1us));
  });

  EXPECT_EQ(secrets(subscription.id), (std::vector{secret_text('B'), secret_text('A')}));
}

TEST_P(SubscriptionStore, lets_one_secret_end_and_removes_those_that_have_ended) {
  Subscription subscription = make_subscription(acme);
  subscription.secrets.push_back(make_secret('C', {}, kNow));
  subscription.secrets.push_back(make_secret('B', kNow + 1us, kNow - 1s));
  subscription.secrets.push_back(make_secret('A', kNow, kNow - 2s));
  insert(subscription);
  Subscription untouched = make_subscription(acme);
  untouched.secrets.push_back(make_secret('E', kNow - 1s));
  insert(untouched);
  const auto ends = [&](SubscriptionId id) {
    std::vector<std::optional<base::Time>> result;
    for (const SigningSecret& secret : found(acme, id)->secrets) result.push_back(secret.valid_until);
    return result;
  };
  using Ends = std::vector<std::optional<base::Time>>;

  store.write([&](db::Tx& tx) { return tenant::drop_ended_secrets(tx, subscription.secret_owner(), kNow); });
  EXPECT_EQ(ends(subscription.id), (Ends{std::nullopt, kNow + 1us}));

  store.write([&](db::Tx& tx) {
    return tenant::end_secret(tx, subscription.secret_owner(), subscription.secrets[0].id, kNow + 24h);
  });
  EXPECT_EQ(ends(subscription.id), (Ends{kNow + 24h, kNow + 1us}));
  EXPECT_EQ(ends(untouched.id), (Ends{kNow - 1s}));
}

}  // namespace

}  // namespace outbound
