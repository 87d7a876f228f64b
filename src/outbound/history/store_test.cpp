// The tables webhook_deliveries and delivery_attempts: what is over.
#include "outbound/history/history.hpp"
#include "outbound/history/search.hpp"
#include "outbound/subscription/fixture.hpp"
#include "testing/core_db.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using event::EventId;

class DeliveryHistory : public ::testing::StoreTest {
 protected:
  Delivery make(std::string status = "DELIVERED") const {
    Delivery delivery;
    delivery.id = DeliveryId::make(kNow);
    delivery.tenant = acme;
    delivery.subscription = shop;
    delivery.event = event;
    delivery.event_type = "order.created";
    delivery.status = std::move(status);
    delivery.created = kNow;
    delivery.completed = kNow + 1s;
    delivery.last = {.number = 1, .outcome = delivery.status, .started = kNow};
    return delivery;
  }
  Delivery insert(Delivery delivery) {
    store.write([&](db::Tx& tx) { return insert_deliveries(tx, {delivery}); });
    return delivery;
  }
  void insert_attempt(DeliveryId id, const Attempt& attempt) {
    store.write([&](db::Tx& tx) { return insert_attempts(tx, {{id, shop, acme, attempt}}); });
  }
  std::optional<Delivery> found(TenantId tenant, DeliveryId id) {
    return store.read([&](db::Tx& tx) { return find_finished(tx, tenant, id); });
  }
  std::vector<DeliveryId> listed(const DeliveryQuery& query) {
    std::vector<DeliveryId> ids;
    const FoundDeliveries found = store.read([&](db::Tx& tx) { return search_finished(tx, query); });
    for (const Delivery& one : found.deliveries) {
      ids.push_back(one.id);
    }
    return ids;
  }
  std::vector<DeliveryId> of_event(TenantId tenant, EventId id) {
    std::vector<DeliveryId> ids;
    for (const Delivery& one : store.read([&](db::Tx& tx) { return finished_of_event(tx, tenant, id); })) {
      ids.push_back(one.id);
    }
    return ids;
  }
  std::vector<Attempt> earlier(DeliveryId id) {
    return store.read([&](db::Tx& tx) { return earlier_attempts(tx, id); });
  }

  const TenantId acme = TenantId::make(kNow);
  const TenantId other = TenantId::make(kNow);
  const SubscriptionId shop = SubscriptionId::make(kNow);
  const SubscriptionId ledger = SubscriptionId::make(kNow);
  const EventId event = EventId::make(kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, DeliveryHistory, ::testing::both_engines(), ::testing::engine_name);

using Ids = std::vector<DeliveryId>;

Attempt make_full_attempt(int number) {
  return {.number = number,
          .outcome = "FAILED",
          .started = kNow + 5s,
          .request_url = "https://example.com/hook?ü=1",
          .remote_ip = "2001:db8::1",
          .response_status = 503,
          .response_time_ms = 1234,
          .timings = {.dns_us = 1, .connect_us = 20, .tls_us = 300, .first_byte_us = 4000},
          .error_class = "HTTP_5XX",
          .error_message = "the receiver answered 503"};
}

void expect_same(const Attempt& read, const Attempt& wanted) {
  EXPECT_EQ(read.number, wanted.number);
  EXPECT_EQ(read.outcome, wanted.outcome);
  EXPECT_EQ(read.started, wanted.started);
  EXPECT_EQ(read.request_url, wanted.request_url);
  EXPECT_EQ(read.remote_ip, wanted.remote_ip);
  EXPECT_EQ(read.response_status, wanted.response_status);
  EXPECT_EQ(read.response_time_ms, wanted.response_time_ms);
  EXPECT_EQ(read.timings.dns_us, wanted.timings.dns_us);
  EXPECT_EQ(read.timings.connect_us, wanted.timings.connect_us);
  EXPECT_EQ(read.timings.tls_us, wanted.timings.tls_us);
  EXPECT_EQ(read.timings.first_byte_us, wanted.timings.first_byte_us);
  EXPECT_EQ(read.error_class, wanted.error_class);
  EXPECT_EQ(read.error_message, wanted.error_message);
}

void expect_same(const Delivery& read, const Delivery& wanted) {
  EXPECT_EQ(read.id, wanted.id);
  EXPECT_EQ(read.tenant, wanted.tenant);
  EXPECT_EQ(read.subscription, wanted.subscription);
  EXPECT_EQ(read.event, wanted.event);
  EXPECT_EQ(read.event_type, wanted.event_type);
  EXPECT_EQ(read.status, wanted.status);
  EXPECT_EQ(read.replay_no, wanted.replay_no);
  EXPECT_EQ(read.replay_of, wanted.replay_of);
  EXPECT_EQ(read.is_test, wanted.is_test);
  EXPECT_EQ(read.created, wanted.created);
  EXPECT_EQ(read.completed, wanted.completed);
  EXPECT_EQ(read.next_retry, std::nullopt);
  expect_same(read.last, wanted.last);
}

TEST_P(DeliveryHistory, gives_back_what_was_put_in) {
  Delivery delivery = make("FAILED");
  delivery.replay_no = 2;
  delivery.replay_of = DeliveryId::make(kNow);
  delivery.is_test = true;
  delivery.completed = kNow + 7s;
  delivery.last = make_full_attempt(6);
  insert(delivery);

  const auto read = found(acme, delivery.id);

  ASSERT_TRUE(read);
  expect_same(*read, delivery);
}

TEST_P(DeliveryHistory, keeps_apart_what_there_was_not) {
  const Delivery delivery = insert(make());

  const auto read = found(acme, delivery.id);

  ASSERT_TRUE(read);
  expect_same(*read, delivery);
  EXPECT_EQ(read->replay_of, std::nullopt);
  EXPECT_FALSE(read->is_test);
  EXPECT_EQ(read->last.response_status, std::nullopt);
}

TEST_P(DeliveryHistory, takes_several_at_once_and_none) {
  std::vector<Delivery> deliveries = {make("DELIVERED"), make("FAILED"), make("CANCELLED")};

  store.write([&](db::Tx& tx) { return insert_deliveries(tx, deliveries); });
  store.write([&](db::Tx& tx) { return insert_deliveries(tx, {}); });
  store.write([&](db::Tx& tx) { return insert_attempts(tx, {}); });

  for (const Delivery& delivery : deliveries) {
    const auto read = found(acme, delivery.id);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->status, delivery.status);
  }
}

TEST_P(DeliveryHistory, is_shown_to_its_own_tenant_only) {
  const Delivery delivery = insert(make());

  EXPECT_FALSE(found(other, delivery.id));
  EXPECT_FALSE(found(acme, DeliveryId::make(kNow)));
  EXPECT_EQ(listed({.tenant = other}), Ids{});
  EXPECT_EQ(listed({.tenant = other, .subscription = shop}), Ids{});
  EXPECT_EQ(of_event(other, event), Ids{});
}

TEST_P(DeliveryHistory, is_listed_in_pages_newest_first) {
  Ids ids;
  for (int i = 0; i < 6; ++i) {
    Delivery delivery = make();
    if (i % 2 == 1) delivery.subscription = ledger;  // the key of the table begins with it
    ids.push_back(insert(delivery).id);
  }

  EXPECT_EQ(listed({.tenant = acme}), (Ids{ids[5], ids[4], ids[3], ids[2], ids[1], ids[0]}));
  EXPECT_EQ(listed({.tenant = acme, .page = {.limit = 2}}), (Ids{ids[5], ids[4]}));
  EXPECT_EQ(listed({.tenant = acme, .page = {.before = ids[4].uuid, .limit = 2}}), (Ids{ids[3], ids[2]}));
  EXPECT_EQ(listed({.tenant = acme, .page = {.after = ids[1].uuid, .limit = 2}}), (Ids{ids[3], ids[2]}));
  EXPECT_EQ(listed({.tenant = acme, .subscription = ledger, .page = {.before = ids[5].uuid, .limit = 1}}),
            (Ids{ids[3]}));
}

TEST_P(DeliveryHistory, is_listed_by_subscription_and_by_status) {
  const DeliveryId delivered = insert(make("DELIVERED")).id;
  const DeliveryId failed = insert(make("FAILED")).id;
  const DeliveryId cancelled = insert(make("CANCELLED")).id;
  Delivery elsewhere = make("FAILED");
  elsewhere.subscription = ledger;
  insert(elsewhere);

  EXPECT_EQ(listed({.tenant = acme, .subscription = shop}), (Ids{cancelled, failed, delivered}));
  EXPECT_EQ(listed({.tenant = acme, .statuses = {"FAILED"}}), (Ids{elsewhere.id, failed}));
  EXPECT_EQ(listed({.tenant = acme, .subscription = shop, .statuses = {"FAILED", "DELIVERED"}}),
            (Ids{failed, delivered}));
  EXPECT_EQ(listed({.tenant = acme,
                    .subscription = shop,
                    .statuses = {"FAILED", "DELIVERED"},
                    .page = {.before = failed.uuid, .limit = 5}}),
            (Ids{delivered}));
  EXPECT_EQ(listed({.tenant = acme, .statuses = {"PENDING", "HELD"}}), Ids{});
  EXPECT_EQ(listed({.tenant = acme, .subscription = SubscriptionId::make(kNow)}), Ids{});
}

TEST_P(DeliveryHistory, is_found_by_event_newest_first) {
  const DeliveryId first = insert(make()).id;
  Delivery second = make("FAILED");
  second.subscription = ledger;
  insert(second);
  Delivery unrelated = make();
  unrelated.event = EventId::make(kNow);
  insert(unrelated);

  EXPECT_EQ(of_event(acme, event), (Ids{second.id, first}));
  EXPECT_EQ(of_event(acme, EventId::make(kNow)), Ids{});
}

TEST_P(DeliveryHistory, keeps_every_member_of_earlier_attempts_in_their_order) {
  const DeliveryId id = DeliveryId::make(kNow);
  Attempt unanswered{.number = 1, .outcome = "UNKNOWN", .started = kNow, .error_class = "INTERNAL"};
  insert_attempt(id, make_full_attempt(10));
  insert_attempt(id, make_full_attempt(2));
  insert_attempt(id, unanswered);
  insert_attempt(DeliveryId::make(kNow), make_full_attempt(3));

  const std::vector<Attempt> attempts = earlier(id);

  ASSERT_EQ(attempts.size(), 3u);
  expect_same(attempts[0], unanswered);
  expect_same(attempts[1], make_full_attempt(2));
  expect_same(attempts[2], make_full_attempt(10));
}

TEST_P(DeliveryHistory, keeps_the_first_report_of_an_attempt_that_is_reported_twice) {
  const DeliveryId id = DeliveryId::make(kNow);
  insert_attempt(id, make_full_attempt(1));
  Attempt again = make_full_attempt(1);
  again.outcome = "UNKNOWN";

  insert_attempt(id, again);

  const std::vector<Attempt> attempts = earlier(id);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].outcome, "FAILED");
}

TEST(DeliveryArgs, are_read_as_they_were_written) {
  const DeliveryId of = DeliveryId::make(kNow);
  const DeliveryArgs args =
      read_args(write_args({3, of, "https://example.org/a?b=\"c\"", std::nullopt, true}));

  EXPECT_EQ(args.replay_no, 3);
  EXPECT_EQ(args.replay_of, of);
  EXPECT_EQ(args.url, "https://example.org/a?b=\"c\"");
  EXPECT_TRUE(args.with_credentials);
}

TEST(DeliveryArgs, of_an_ordinary_delivery_are_empty) {
  for (const char* text : {"", "{}", R"({"replay_no":0})", "not ours"}) {
    const DeliveryArgs args = read_args(text);
    EXPECT_EQ(args.replay_no, 0) << text;
    EXPECT_EQ(args.replay_of, std::nullopt) << text;
    EXPECT_EQ(args.url, "") << text;
    EXPECT_FALSE(args.with_credentials) << text;
  }
}

}  // namespace

}  // namespace outbound
