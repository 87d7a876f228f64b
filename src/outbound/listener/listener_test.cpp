#include "outbound/listener/listener.hpp"

#include <gtest/gtest.h>

#include "event/event_store.hpp"
#include "outbound/history/history.hpp"
#include "testing/core_db.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using event::FeedPosition;

constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};

class Listeners : public ::testing::StoreTest {
 protected:
  Listener make(std::string name = "laptop", base::Time now = kNow) {
    Listener listener{.id = ListenerId::make(now), .tenant = tenant, .name = std::move(name)};
    listener.event_types = {"order.*", "invoice.paid"};
    listener.position = {5, 0, 2};
    listener.last_seen = listener.created = listener.updated = now;
    store.write([&](db::Tx& tx) { return insert_listener(tx, listener); });
    return listener;
  }
  std::optional<Listener> found(TenantId whose, const std::string& name = "laptop") {
    return store.read([&](db::Tx& tx) { return find_listener(tx, whose, name); });
  }
  bool acknowledged(const Listener& listener, FeedPosition position,
                    const std::optional<ListenerAnswer>& answer = {}) {
    return store.write([&](db::Tx& tx) { return acknowledge(tx, listener, position, answer, kNow + 1min); });
  }
  event::EventId publish(std::string type) {
    const auto event = std::make_shared<const event::Event>(event::Event{.id = event::EventId::make(kNow),
                                                                         .tenant = tenant,
                                                                         .type = std::move(type),
                                                                         .data = "{}",
                                                                         .created = kNow});
    const std::int64_t none = 0;
    store.write(
        [&](db::Tx& tx) { return event::insert_events(tx, std::span(&event, 1), std::span(&none, 1)); });
    return event->id;
  }
  std::vector<Delivery> deliveries_of(event::EventId event) {
    return store.read([&](db::Tx& tx) { return finished_of_event(tx, tenant, event); });
  }

  const TenantId tenant = TenantId::make(kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, Listeners, ::testing::both_engines(), ::testing::engine_name);

TEST(ListenerName, is_short_and_fits_into_a_path) {
  for (const char* good : {"a", "my-laptop_2.local", "0"}) EXPECT_TRUE(check_listener_name(good)) << good;
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a/b"), std::string("é"), std::string(65, 'x')}) {
    EXPECT_FALSE(check_listener_name(bad)) << bad;
  }
}

TEST_P(Listeners, are_found_by_their_tenant_only_and_as_they_were_made) {
  const Listener made = make();

  const auto mine = found(tenant);

  ASSERT_TRUE(mine);
  EXPECT_EQ(mine->id, made.id);
  EXPECT_EQ(mine->event_types, made.event_types);
  EXPECT_EQ(mine->position, made.position);
  EXPECT_EQ(mine->created, kNow);
  EXPECT_FALSE(mine->last_ack);
  EXPECT_FALSE(found(TenantId::make(kNow)));
  EXPECT_EQ(store.read([&](db::Tx& tx) { return count_listeners(tx, tenant); }), 1);
}

TEST_P(Listeners, move_forward_only) {
  const Listener listener = make();

  EXPECT_TRUE(acknowledged(listener, {5, 0, 3}));
  EXPECT_FALSE(acknowledged(listener, {5, 0, 3}));
  EXPECT_FALSE(acknowledged(listener, {4, 9, 9}));
  EXPECT_TRUE(acknowledged(listener, {5, 1, 0}));
  EXPECT_TRUE(acknowledged(listener, {6, 0, 0}));

  EXPECT_EQ(found(tenant)->position, (FeedPosition{6, 0, 0}));
  EXPECT_EQ(found(tenant)->last_ack, kNow + 1min);
  EXPECT_EQ(found(tenant)->acked, 0);
}

TEST_P(Listeners, record_what_their_receiver_answered_once) {
  const Listener listener = make();
  const auto event = publish("order.created");
  const ListenerAnswer answer{.event = event, .url = "http://localhost:3000/", .status = 503, .time_ms = 7};

  EXPECT_TRUE(acknowledged(listener, {6, 0, 1}, answer));
  EXPECT_FALSE(acknowledged(listener, {6, 0, 1}, answer));

  const auto deliveries = deliveries_of(event);
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].subscription.uuid, listener.id.uuid);
  EXPECT_EQ(deliveries[0].event_type, "order.created");
  EXPECT_EQ(deliveries[0].status, "FAILED");
  EXPECT_EQ(deliveries[0].last.via, "cli");
  EXPECT_EQ(deliveries[0].last.response_status, 503);
  EXPECT_EQ(deliveries[0].last.response_time_ms, 7);
  EXPECT_EQ(deliveries[0].last.request_url, "http://localhost:3000/");
  EXPECT_EQ(deliveries[0].last.error_class, "HTTP_5XX");
  EXPECT_EQ(found(tenant)->acked, 1);
}

TEST_P(Listeners, do_not_move_for_an_event_that_is_not_their_tenants) {
  const Listener listener = make();
  const ListenerAnswer answer{.event = event::EventId::make(kNow), .status = 200};

  const auto refused =
      store->write_now([&](db::Tx& tx) { return acknowledge(tx, listener, {6, 0, 1}, answer, kNow); });

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Code::not_found);
  EXPECT_EQ(found(tenant)->position, listener.position);
}

TEST_P(Listeners, have_one_session_that_follows) {
  const Listener listener = make();
  const base::Uuid first = base::make_uuid(kNow);
  const base::Uuid second = base::make_uuid(kNow);
  const auto take = [&](const base::Uuid& session) {
    store.write([&](db::Tx& tx) { return take_listener(tx, listener, session, kNow); });
  };
  const auto standing = [&](const base::Uuid& session) {
    return store.write([&](db::Tx& tx) { return touch_listener(tx, listener, session, kNow + 5min); });
  };

  take(first);
  EXPECT_EQ(standing(first), Standing::follows);
  EXPECT_EQ(found(tenant)->last_seen, kNow + 5min);
  take(second);
  EXPECT_EQ(standing(first), Standing::superseded);
  EXPECT_EQ(standing(second), Standing::follows);
  store.write([&](db::Tx& tx) { return delete_listener(tx, listener); });
  EXPECT_EQ(standing(second), Standing::deleted);
}

TEST_P(Listeners, are_forgotten_when_nobody_has_used_them_for_a_week) {
  make("old", kNow);
  make("young", kNow + 1h);
  const auto forget = [&](base::Time now) {
    return store.write([&](db::Tx& tx) { return forget_listeners(tx, now, 10); });
  };

  EXPECT_EQ(forget(kNow + kListenerPeriod), 0);
  EXPECT_EQ(forget(kNow + kListenerPeriod + 1min), 1);

  EXPECT_FALSE(found(tenant, "old"));
  EXPECT_TRUE(found(tenant, "young"));
}

}  // namespace

}  // namespace outbound
