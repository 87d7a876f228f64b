#include "outbound/subscription/book.hpp"

#include "outbound/subscription/fixture.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;

class SubscriptionBook : public ::testing::Test {
 protected:
  SubscriptionPtr put(Subscription subscription) {
    SubscriptionPtr shared = share(std::move(subscription));
    book.put(shared);
    return shared;
  }
  /// The same with another version, and types.
  static Subscription changed(const Subscription& subscription, std::int64_t version,
                              std::vector<std::string> types) {
    Subscription twin = subscription.copy();
    twin.version = version;
    twin.event_types = std::move(types);
    return twin;
  }
  std::vector<SubscriptionId> matched(TenantId tenant, const std::string& type) {
    std::vector<SubscriptionId> ids;
    for (const PreparedPtr& prepared : book.match({.tenant = tenant, .type = type}))
      ids.push_back(prepared->config->id);
    std::ranges::sort(ids);
    return ids;
  }
  std::int64_t version_of(SubscriptionId id) const {
    const PreparedPtr prepared = book.find(id);
    return prepared ? prepared->config->version : 0;
  }

  const TenantId acme = TenantId::make(kNow);
  const TenantId other = TenantId::make(kNow);
  Book book;
};

using Ids = std::vector<SubscriptionId>;

TEST_F(SubscriptionBook, matches_by_tenant_and_pattern) {
  const SubscriptionId all = put(make_subscription(acme, {"*"}))->id;
  const SubscriptionId orders = put(make_subscription(acme, {"order.*"}))->id;
  const SubscriptionId both = put(make_subscription(acme, {"order.created", "invoice.paid"}))->id;
  const SubscriptionId foreign = put(make_subscription(other, {"*"}))->id;

  EXPECT_EQ(matched(acme, "order.created"), (Ids{all, orders, both}));
  EXPECT_EQ(matched(acme, "order.deleted"), (Ids{all, orders}));
  EXPECT_EQ(matched(acme, "invoice.paid"), (Ids{all, both}));
  EXPECT_EQ(matched(acme, "order"), (Ids{all}));
  EXPECT_EQ(matched(other, "order.created"), (Ids{foreign}));
  EXPECT_EQ(matched(TenantId::make(kNow), "order.created"), Ids{});
}

TEST_F(SubscriptionBook, shares_filters_that_say_the_same) {
  Subscription first = make_subscription(acme);
  first.filter = R"({"field":"data.n","op":"gt","value":1})";
  Subscription second = make_subscription(other);
  second.filter = first.filter;
  Subscription third = make_subscription(acme);
  third.filter = R"({"field":"data.n","op":"gt","value":2})";
  const auto a = put(std::move(first));
  const auto b = put(std::move(second));
  const auto c = put(std::move(third));
  EXPECT_EQ(book.find(a->id)->filter, book.find(b->id)->filter);
  EXPECT_NE(book.find(a->id)->filter, book.find(c->id)->filter);
}

TEST_F(SubscriptionBook, gives_events_to_one_that_cannot_be_used) {
  Subscription broken = make_subscription(acme);
  broken.broken = "its secret cannot be opened";
  Subscription unknown = make_subscription(acme);
  unknown.filter = R"({"field":"data.n","op":"resembles","value":2})";
  const auto first = put(std::move(broken));
  const auto second = put(std::move(unknown));
  Ids both{first->id, second->id};
  EXPECT_EQ(matched(acme, "order.created"), both);
  EXPECT_EQ(book.find(first->id)->broken, "its secret cannot be opened");
  EXPECT_NE(book.find(second->id)->broken, "");
}

TEST_F(SubscriptionBook, keeps_the_filter_of_one_that_cannot_be_used) {
  Subscription broken = make_subscription(acme);
  broken.broken = "its secret cannot be opened";
  broken.filter = R"({"field":"data.n","op":"eq","value":2})";
  Subscription unknown = make_subscription(acme);
  unknown.filter = R"({"field":"data.n","op":"resembles","value":2})";
  const auto first = put(std::move(broken));
  const auto second = put(std::move(unknown));
  EXPECT_NE(book.find(first->id)->filter, nullptr);
  EXPECT_FALSE(book.find(first->id)->has_unknown_filter());
  EXPECT_TRUE(book.find(second->id)->has_unknown_filter());
  EXPECT_FALSE(book.find(put(make_subscription(acme))->id)->has_unknown_filter());
}

TEST_F(SubscriptionBook, knows_the_memory_of_a_tenant_s_subscriptions) {
  const auto small = put(make_subscription(acme, {"order.*"}));
  const std::size_t usual = book.memory_of_others(acme);
  EXPECT_LT(usual, 4000u) << "20,000 usual ones fit several times";
  EXPECT_LT(20'000 * usual, kMemoryPerTenantMax);
  Subscription large = make_subscription(acme);
  large.event_types.clear();
  for (int i = 0; i < 200; ++i) large.event_types.push_back(std::string(90, 'a') + std::to_string(i));
  for (int i = 0; i < 30; ++i) large.headers.emplace_back("X-" + std::to_string(i), std::string(4096, 'h'));
  large.filter = R"({"or":[)";
  for (int i = 0; i < 15; ++i) {
    large.filter += std::string(i == 0 ? "" : ",") + R"({"field":"data","op":"in","value":[1)";
    for (int k = 1; k < 490; ++k) large.filter += ",1";
    large.filter += "]}";
  }
  large.filter += "]}";
  const auto put_large = put(std::move(large));
  const std::size_t all = book.memory_of_others(acme);
  EXPECT_GT(all, usual + 500'000) << "operands take much more than their text";
  EXPECT_EQ(book.memory_of_others(acme, put_large->id), usual);
  put(changed(*put_large, 2, {"order.*"}));
  EXPECT_LT(book.memory_of_others(acme), all);
  book.remove(put_large->id);
  EXPECT_EQ(book.memory_of_others(acme), usual);
  book.remove(small->id);
  EXPECT_EQ(book.memory_of_others(acme), 0u);
  EXPECT_EQ(book.memory_of_others(other), 0u);
}

TEST_F(SubscriptionBook, matches_patterns_over_underscores) {
  const SubscriptionId all = put(make_subscription(acme, {"workitem_*"}))->id;
  const SubscriptionId type = put(make_subscription(acme, {"workitem_"}))->id;
  const SubscriptionId deep = put(make_subscription(acme, {"a.b_c_*", "a.*"}))->id;

  EXPECT_EQ(matched(acme, "workitem_created"), (Ids{all}));
  EXPECT_EQ(matched(acme, "workitem_state_changed"), (Ids{all}));
  EXPECT_EQ(matched(acme, "workitem_"), (Ids{type}));
  EXPECT_EQ(matched(acme, "workitem.created"), Ids{});
  EXPECT_EQ(matched(acme, "a.b_c_d"), (Ids{deep}));
  book.remove(all);
  EXPECT_EQ(matched(acme, "workitem_created"), Ids{});
}

TEST_F(SubscriptionBook, matches_a_subscription_once_however_many_of_its_patterns_fit) {
  const SubscriptionId id = put(make_subscription(acme, {"*", "order.*", "order.created"}))->id;
  EXPECT_EQ(matched(acme, "order.created"), (Ids{id}));
}

TEST_F(SubscriptionBook, matches_none_without_types) {
  put(make_subscription(acme, {}));
  EXPECT_EQ(matched(acme, "order.created"), Ids{});
}

TEST_F(SubscriptionBook, matches_whatever_the_state_and_the_filter) {
  for (const auto& [status, is_enabled] :
       {std::pair(SubscriptionStatus::active, true), std::pair(SubscriptionStatus::paused, true),
        std::pair(SubscriptionStatus::failed, false), std::pair(SubscriptionStatus::active, false)}) {
    const TenantId tenant = TenantId::make(kNow);
    Subscription subscription = make_subscription(tenant);
    subscription.status = status;
    subscription.is_enabled = is_enabled;
    subscription.filter = R"({"field":"type","op":"eq","value":"never"})";
    put(std::move(subscription));

    EXPECT_EQ(matched(tenant, "order.created").size(), 1u) << name(status) << " " << is_enabled;
  }
}

TEST_F(SubscriptionBook, says_of_a_subscription_with_a_filter_that_is_none_that_it_cannot_be_used) {
  for (const char* filter : {"{", "{}", R"({"field":"data","op":"is"})"}) {
    Subscription subscription = make_subscription(acme);
    subscription.filter = filter;
    EXPECT_FALSE(prepare(share(subscription.copy()))) << filter;
    EXPECT_NE(book.find(put(std::move(subscription))->id)->broken, "") << filter;
  }
}

TEST_F(SubscriptionBook, gives_what_a_subscription_was_changed_to) {
  const SubscriptionPtr first = put(make_subscription(acme, {"order.*"}));
  ASSERT_EQ(matched(acme, "order.created"), (Ids{first->id}));
  ASSERT_EQ(matched(acme, "invoice.paid"), Ids{});

  put(changed(*first, 2, {"invoice.*"}));

  EXPECT_EQ(matched(acme, "order.created"), Ids{});
  EXPECT_EQ(matched(acme, "invoice.paid"), (Ids{first->id}));
  EXPECT_EQ(version_of(first->id), 2);
}

TEST_F(SubscriptionBook, keeps_the_newer_version_when_an_older_one_comes_late) {
  const SubscriptionPtr newer = put(changed(make_subscription(acme), 3, {"invoice.*"}));

  put(changed(*newer, 2, {"order.*"}));

  EXPECT_EQ(version_of(newer->id), 3);
  EXPECT_EQ(matched(acme, "order.created"), Ids{});
  EXPECT_EQ(matched(acme, "invoice.paid"), (Ids{newer->id}));
}

TEST_F(SubscriptionBook, forgets_what_is_removed) {
  const SubscriptionId gone = put(make_subscription(acme))->id;
  const SubscriptionId kept = put(make_subscription(acme))->id;
  ASSERT_EQ(matched(acme, "order.created"), (Ids{gone, kept}));

  book.remove(gone);

  EXPECT_EQ(book.find(gone), nullptr);
  EXPECT_EQ(matched(acme, "order.created"), (Ids{kept}));
}

TEST_F(SubscriptionBook, matches_as_the_patterns_do_one_by_one) {
  const std::vector<std::string> patterns = {"*",       "a",  "a.*",  "a.b",       "a.b.*",         "a.b.c",
                                             "a.b.c.*", "ab", "ab.*", "webhook.*", "webhook.failed"};
  std::vector<SubscriptionPtr> all;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    all.push_back(put(make_subscription(acme, {patterns[i]})));
    all.push_back(put(make_subscription(acme, {patterns[i], patterns[(i * 7 + 3) % patterns.size()]})));
    all.push_back(put(make_subscription(acme, {patterns[i], patterns[i]})));
  }
  for (const char* type : {"a", "b", "ab", "a.b", "ab.c", "a.bc", "a.b.c", "a.b.c.d", "webhook.failed"}) {
    for (const char* origin : {"", "system"}) {
      const event::Event event{.tenant = acme, .type = type, .origin = origin};
      Ids expected;
      for (const SubscriptionPtr& one : all) {
        if (is_of_types(*one, event)) expected.push_back(one->id);
      }
      Ids got;
      for (const PreparedPtr& prepared : book.match(event)) got.push_back(prepared->config->id);
      std::ranges::sort(expected);
      std::ranges::sort(got);
      EXPECT_EQ(got, expected) << type << " " << origin;
    }
  }
  for (const SubscriptionPtr& one : all) book.remove(one->id);
  EXPECT_EQ(matched(acme, "a.b.c"), Ids{});
}

TEST_F(SubscriptionBook, keeps_what_works_when_a_change_cannot_be_used) {
  const SubscriptionPtr good = put(make_subscription(acme));
  Subscription bad = changed(*good, 2, {"*"});
  bad.secrets.push_back({.text = base::Secret("not a secret")});

  put(std::move(bad));

  EXPECT_EQ(version_of(good->id), 1);
}

TEST_F(SubscriptionBook, is_replaced_by_what_was_read) {
  const SubscriptionPtr gone = put(make_subscription(acme));
  const SubscriptionPtr kept = put(make_subscription(acme));
  const SubscriptionPtr older = put(changed(make_subscription(acme), 5, {"*"}));
  const SubscriptionPtr fresh = share(make_subscription(acme));

  book.replace({share(changed(*kept, 2, {"*"})), share(changed(*older, 4, {"*"})), fresh},
               base::steady_now() + 1s);

  EXPECT_EQ(version_of(gone->id), 0);
  EXPECT_EQ(version_of(kept->id), 2);
  EXPECT_EQ(version_of(older->id), 5);
  EXPECT_EQ(version_of(fresh->id), 1);
  EXPECT_EQ(matched(acme, "order.created").size(), 3u);
}

TEST_F(SubscriptionBook, keeps_what_was_put_while_all_were_read) {
  const base::Steady began = base::steady_now() - 1s;
  const SubscriptionId id = put(make_subscription(acme))->id;

  book.replace({}, began);

  EXPECT_EQ(version_of(id), 1);
  EXPECT_EQ(matched(acme, "order.created"), (Ids{id}));
}

TEST_F(SubscriptionBook, does_not_bring_back_what_was_removed_while_all_were_read) {
  const SubscriptionPtr subscription = put(make_subscription(acme));
  const base::Steady began = base::steady_now();
  book.remove(subscription->id);

  book.replace({subscription}, began);

  EXPECT_EQ(book.find(subscription->id), nullptr);
  EXPECT_EQ(matched(acme, "order.created"), Ids{});
}

TEST(Preparation, signs_with_the_secrets_in_order_until_their_ends) {
  Subscription subscription = make_subscription(TenantId::make(kNow));
  subscription.secrets.push_back(make_secret('B'));
  subscription.secrets.push_back(make_secret('A', kNow + 1h));

  const auto prepared = prepare(share(std::move(subscription)));

  ASSERT_TRUE(prepared);
  const auto signature = [](char byte) {
    return crypto::WebhookSecret::parse(secret_text(byte))->sign("i", "1", "b");
  };
  std::vector<std::string> lines;
  prepared->signer.sign({.id = "i", .timestamp = "1", .type = "t", .body = "b", .now = kNow}, lines);
  prepared->signer.sign({.id = "i", .timestamp = "1", .type = "t", .body = "b", .now = kNow + 1h}, lines);
  EXPECT_EQ(lines, (std::vector<std::string>{"webhook-signature: " + signature('B') + " " + signature('A'),
                                             "webhook-signature: " + signature('B')}));
  EXPECT_EQ(prepared->auth.header_line, "");
  EXPECT_FALSE(prepared->auth.mac);
}

TEST(Preparation, refuses_authentication_that_cannot_be_used) {
  struct Case {
    AuthType type;
    std::string_view config;
  };
  for (const Case& c :
       {Case{AuthType::basic, ""}, Case{AuthType::basic, "{"}, Case{AuthType::api_key, "nope"},
        Case{AuthType::hmac, "{}"}, Case{AuthType::hmac, R"({"secret":""})"},
        Case{AuthType::hmac, R"({"secret":"s","algorithm":"md5"})"},
        Case{AuthType::hmac, R"({"secret":"s","encoding":"base32"})"}}) {
    Subscription subscription = make_subscription(TenantId::make(kNow));
    subscription.auth_type = c.type;
    subscription.auth_config = base::Secret(std::string(c.config));

    const auto prepared = prepare(share(std::move(subscription)));

    ASSERT_FALSE(prepared) << name(c.type) << " " << c.config;
    EXPECT_EQ(prepared.error().code, base::Code::invalid);
  }
}

TEST(Preparation, refuses_a_signing_secret_that_is_none_without_repeating_it) {
  Subscription subscription = make_subscription(TenantId::make(kNow));
  subscription.secrets.push_back({.text = base::Secret("whsec_dG9vIHNob3J0")});

  const auto prepared = prepare(share(std::move(subscription)));

  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, base::Code::invalid);
  EXPECT_EQ(prepared.error().message.find("dG9v"), std::string::npos);
}

}  // namespace

}  // namespace outbound
