// Groups of failures that have one cause.
#include "outbound/history/error_group.hpp"

#include "outbound/history/history.hpp"
#include "outbound/subscription/fixture.hpp"
#include "testing/core_db.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;

Attempt make_failure(int status = 503, std::string url = "https://api.acme.com/hook") {
  return {.number = 1,
          .outcome = "FAILED",
          .started = kNow,
          .request_url = std::move(url),
          .response_status = status,
          .error_class = "HTTP_5XX",
          .error_message = "the receiver answered " + std::to_string(status)};
}

TEST(ErrorSignature, is_the_same_for_failures_of_one_cause) {
  Attempt one = make_failure();
  one.error_message = "connection to 10.0.0.1 port 43211 reset after 17 bytes of a8f3";
  Attempt same = one;
  same.number = 4;
  same.started += 1h;
  same.request_url = "https://API.acme.com/other?page=2";
  same.error_message = "connection to 10.0.0.9 port 9 reset after 1800 bytes of 0b12";

  EXPECT_EQ(error_signature(one), error_signature(same));
  EXPECT_EQ(error_signature(one).size(), 16u);
}

TEST(ErrorSignature, differs_by_class_status_host_and_message) {
  const std::string signature = error_signature(make_failure());
  Attempt other_class = make_failure();
  other_class.error_class = "DNS";
  Attempt other_message = make_failure();
  other_message.error_message = "something else";

  EXPECT_NE(error_signature(make_failure(500)), signature);
  EXPECT_NE(error_signature(make_failure(503, "https://api.acme.com:8443/hook")), signature);
  EXPECT_NE(error_signature(other_class), signature);
  EXPECT_NE(error_signature(other_message), signature);
}

TEST(ErrorSignature, is_empty_for_what_did_not_fail) {
  EXPECT_EQ(error_signature({.outcome = "DELIVERED", .request_url = "https://a.example"}), "");
}

TEST(ErrorSignature, does_not_change_from_version_to_version) {
  EXPECT_EQ(error_signature(make_failure()), "c073ece2749e06e1");
}

class ErrorGrouping : public ::testing::StoreTest {
 protected:
  /// So many deliveries of the subscription ended so, and as many attempts more failed before.
  DeliveryId fail(SubscriptionId subscription, const Attempt& attempt, std::int64_t deliveries, base::Time at,
                  std::int64_t retried = 0) {
    const DeliveryId id = DeliveryId::make(at);
    Failures failures{acme, subscription, attempt, id, deliveries, deliveries + retried};
    store.write([&](db::Tx& tx) {
      return add_failures(tx, {{{subscription, error_signature(attempt)}, failures}}, at);
    });
    return id;
  }
  ErrorGroups groups(DeliveryQuery query, std::size_t limit = 50) {
    return store.read([&](db::Tx& tx) { return find_error_groups(tx, query, now, limit); });
  }
  std::vector<std::string> signatures(const DeliveryQuery& query) {
    std::vector<std::string> all;
    for (const ErrorGroup& group : groups(query).groups) all.push_back(group.signature);
    return all;
  }

  const base::Time hour = std::chrono::floor<std::chrono::hours>(kNow);
  const base::Time now = hour + 30min;
  const TenantId acme = TenantId::make(kNow);
  const SubscriptionId shop = SubscriptionId::make(kNow);
  const SubscriptionId ledger = SubscriptionId::make(kNow);
  const Attempt down = make_failure(503);
  const Attempt broken = make_failure(500);
};

INSTANTIATE_TEST_SUITE_P(Engines, ErrorGrouping, ::testing::both_engines(), ::testing::engine_name);

TEST_P(ErrorGrouping, adds_up_what_has_one_cause) {
  fail(shop, down, 2, hour - 3h);
  fail(shop, down, 0, hour - 3h + 1min, 5);
  const DeliveryId last = fail(ledger, down, 3, hour + 1min);
  fail(shop, broken, 4, hour);

  const auto found = groups({.tenant = acme}).groups;

  ASSERT_EQ(found.size(), 2u);
  const ErrorGroup& group = found[0];
  EXPECT_EQ(group.signature, error_signature(down));
  EXPECT_EQ(group.error_class, "HTTP_5XX");
  EXPECT_EQ(group.response_status, 503);
  EXPECT_EQ(group.host, "api.acme.com");
  EXPECT_EQ(group.error_message, down.error_message);
  EXPECT_EQ(group.deliveries, 5);
  EXPECT_EQ(group.attempts, 10);
  EXPECT_EQ(group.subscriptions, 2);
  EXPECT_EQ(group.first_seen, hour - 3h);
  EXPECT_EQ(group.last_seen, hour + 1min);
  EXPECT_EQ(group.sample, last);
  EXPECT_EQ(found[1].deliveries, 4);
}

TEST_P(ErrorGrouping, goes_by_the_conditions_of_the_query) {
  fail(shop, down, 2, hour - 3h);
  fail(ledger, broken, 1, hour);
  const std::vector<std::string> only_down = {error_signature(down)};
  const std::vector<std::string> only_broken = {error_signature(broken)};

  EXPECT_EQ(signatures({.tenant = acme, .subscription = shop}), only_down);
  EXPECT_EQ(signatures({.tenant = acme, .response_status = 500}), only_broken);
  EXPECT_EQ(signatures({.tenant = acme, .response_class = 4}), std::vector<std::string>{});
  EXPECT_EQ(signatures({.tenant = acme, .error_class = "HTTP_5XX"}).size(), 2u);
  EXPECT_EQ(signatures({.tenant = acme, .error_signature = error_signature(down)}), only_down);
  EXPECT_EQ(signatures({.tenant = acme, .created = {.from = hour - 1h}}), only_broken);
  EXPECT_EQ(signatures({.tenant = acme, .created = {.before = hour - 2h}}), only_down);
  EXPECT_EQ(signatures({.tenant = TenantId::make(kNow)}), std::vector<std::string>{});
  EXPECT_EQ(groups({.tenant = acme}, 1).groups.size(), 1u);
}

TEST_P(ErrorGrouping, looks_at_deliveries_where_only_they_can_tell) {
  fail(shop, down, 2, hour);
  for (const char* type : {"order.created", "order.created", "invoice.paid"}) {
    Delivery delivery{.id = DeliveryId::make(kNow), .tenant = acme, .subscription = shop, .event = {}};
    delivery.event_type = type;
    delivery.status = "FAILED";
    delivery.completed = kNow;
    delivery.last = down;
    delivery.last.number = 6;
    delivery.error_signature = error_signature(down);
    store.write([&](db::Tx& tx) { return insert_deliveries(tx, {delivery}); });
  }

  const auto found = groups({.tenant = acme, .event_type = "order.*"});

  ASSERT_EQ(found.groups.size(), 1u);
  EXPECT_FALSE(found.partial);
  EXPECT_EQ(found.groups[0].deliveries, 2);
  EXPECT_EQ(found.groups[0].attempts, 12);
  EXPECT_EQ(found.groups[0].host, "api.acme.com");
}

TEST_P(ErrorGrouping, forgets_what_was_not_seen_for_long) {
  fail(shop, down, 1, hour - 10h);
  fail(shop, broken, 1, hour - 10h);
  fail(shop, broken, 1, hour);

  const auto forgotten = store.write([&](db::Tx& tx) { return forget_failures(tx, hour - 5h, 100); });

  EXPECT_EQ(forgotten, 3);  // an hour of each, and one signature
  EXPECT_EQ(signatures({.tenant = acme}), std::vector<std::string>{error_signature(broken)});
  EXPECT_EQ(groups({.tenant = acme}).groups[0].deliveries, 1);
}

}  // namespace

}  // namespace outbound
