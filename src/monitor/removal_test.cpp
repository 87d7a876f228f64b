#include "monitor/removal.hpp"

#include <gtest/gtest.h>

#include "event/event_store.hpp"
#include "inbound/receive/index.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/history/history.hpp"
#include "outbound/history/search.hpp"
#include "queue/queue_store.hpp"
#include "tenant/api_key.hpp"
#include "tenant/audit.hpp"
#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/node.hpp"
#include "testing/run.hpp"

namespace monitor {

namespace {

using namespace std::chrono_literals;
using base::Result;
using base::TenantId;
using operation::Operation;
using operation::Status;
using outbound::Delivery;
using outbound::Subscription;
using queue::Verdict;

base::Task<void> bring_up(inbound::IndexKeeper& keeper) { co_return co_await keeper.bring_up(); }

base::Task<queue::Outcome> run_once(RemovalHandler& handler, const queue::Task& task) {
  co_return co_await handler.run(task);
}

class Removal : public ::testing::StoreTest {
 protected:
  /// A tenant with something in every part of the store.
  TenantId make_tenant(const std::string& slug) {
    const TenantId id = TenantId::make(clock.now());
    store.write([&](db::Tx& tx) -> Result<void> {
      XD_DO(tenant::insert_tenant(tx, {.id = id, .slug = slug, .name = slug}));
      XD_DO(queue::insert_lane(tx, event::fanout_lane(id), id, event::kFanoutKind, queue::LaneState::active));
      tenant::ApiKey key{.id = tenant::ApiKeyId::make(clock.now()), .tenant = id, .hash = slug};
      XD_DO(tenant::insert_key(tx, key));
      return tenant::insert_audit(tx, {.id = base::make_uuid(clock.now()), .tenant = id, .at = clock.now()});
    });
    return id;
  }
  Subscription subscribe(TenantId tenant) {
    Subscription made;
    made.id = outbound::SubscriptionId::make(clock.now());
    made.tenant = tenant;
    made.url = "https://example.com/";
    store.write([&](db::Tx& tx) -> Result<void> {
      XD_DO(outbound::insert_subscription(tx, ring, made));
      return queue::insert_lane(tx, made.lane(), tenant, outbound::kDeliverKind, queue::LaneState::active);
    });
    return made;
  }
  /// An endpoint that keeps for a week what it receives, and has received something.
  inbound::EndpointId receive(TenantId tenant) {
    inbound::Endpoint made{.id = inbound::EndpointId::make(clock.now()), .tenant = tenant, .path = "shop"};
    made.signature_scheme = "\"github\"";
    made.retention_days = 7;
    store.write([&](db::Tx& tx) -> Result<void> {
      XD_DO(inbound::insert_endpoint(tx, ring, made));
      return queue::insert_lane(tx, made.lane(), tenant, inbound::kProcessKind, queue::LaneState::active);
    });
    EXPECT_FALSE(arrive(tenant, made.id).gone);
    return made.id;
  }
  inbound::Receipt arrive(TenantId tenant, inbound::EndpointId endpoint) {
    std::vector<inbound::Arrival> arrivals(1);
    inbound::Incoming& one = arrivals.front().events.emplace_back();
    one.event = std::make_shared<inbound::ReceivedEvent>();
    one.event->id = inbound::ReceivedId::make(clock.now());
    one.event->tenant = tenant;
    one.event->endpoint = endpoint;
    one.event->headers = "[]";
    one.event->received = clock.now();
    one.key = one.event->id.str();
    one.body_hash = inbound::hash_of_body("");
    one.expires = clock.now() + 1h;
    return store.write([&](db::Tx& tx) { return inbound::insert_arrivals(tx, node.queue(), arrivals); })
        .front()
        .front();
  }
  event::EventPtr publish(TenantId tenant) {
    event::Event made{.id = event::EventId::make(clock.now()), .tenant = tenant, .type = "order.created"};
    made.data = "1";
    auto shared = std::make_shared<const event::Event>(std::move(made));
    store.write([&](db::Tx& tx) { return event::insert_events(tx, {{shared}}, {{1}}); });
    return shared;
  }
  void wait(const Subscription& subscription) {
    const queue::Task task =
        outbound::make_delivery_task(subscription, publish(subscription.tenant), clock.now());
    store.write([&](db::Tx& tx) { return queue::insert_tasks(tx, {{task}}); });
  }
  outbound::DeliveryId deliver(const Subscription& subscription) {
    Delivery made{.id = outbound::DeliveryId::make(clock.now()), .tenant = subscription.tenant};
    made.subscription = subscription.id;
    made.event = publish(subscription.tenant)->id;
    made.status = "DELIVERED";
    made.completed = clock.now();
    made.last.number = 2;
    outbound::AttemptOf first{made.id, made.subscription, made.tenant};
    store.write([&](db::Tx& tx) -> Result<void> {
      XD_DO(outbound::insert_attempts(tx, {first}));
      return outbound::insert_deliveries(tx, {made});
    });
    return made.id;
  }
  Operation start(TenantId tenant, Pending pending) {
    Operation made{.id = operation::OperationId::make(clock.now()), .kind = kRemovalOperation};
    made.target = tenant.uuid;
    made.parameters = write_removal(pending, {.slug = "acme"});
    made.created = clock.now();
    store.write([&](db::Tx& tx) { return operation::start(tx, node.queue(), made, kRemovalTask); });
    return made;
  }
  Operation now(const Operation& operation) {
    return *store.read([&](db::Tx& tx) { return operation::find_operation(tx, operation.id); });
  }
  Verdict ran(const Operation& operation) {
    queue::Task task;
    task.ref = operation.id.uuid;
    return ::testing::must(::testing::run(run_once(handler, task))).verdict;
  }
  /// Runs it, and lets the time pass that it asks for, until it is done.
  void run_to_end(const Operation& operation) {
    for (int i = 0; i < 100; ++i) {
      const Verdict verdict = ran(operation);
      if (verdict.kind == Verdict::Kind::done) return;
      clock.advance(std::max<std::chrono::microseconds>(verdict.at - clock.now(), 1us));
    }
    FAIL() << "it never ended";
  }
  /// Tables that hold anything of the tenant, whether they name it or not.
  std::set<std::string> tables_with(TenantId tenant) {
    std::set<std::string> found;
    const std::string_view list =
        GetParam() == db::Engine::sqlite
            ? "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.name = 'tenant_id'"
              " WHERE m.type = 'table'"
            : "SELECT CAST(table_name AS TEXT) FROM information_schema.columns"
              " WHERE table_schema = current_schema() AND column_name = 'tenant_id'";
    for (const std::string& table : store.texts(list)) {
      if (store.integer("SELECT count(*) FROM " + table + " WHERE tenant_id = $1", {tenant}) > 0)
        found.insert(table);
    }
    if (store.integer("SELECT count(*) FROM tenants WHERE id = $1", {tenant}) > 0) found.insert("tenants");
    return found;
  }
  std::int64_t rows(const std::string& table) { return store.integer("SELECT count(*) FROM " + table); }

  ::testing::FakeClock clock;
  const crypto::KeyRing ring = crypto::KeyRing::parse(crypto::KeyRing::generate_entry("test")).value();
  ::testing::Node node{*store, clock};  // not started: nothing takes tasks away
  base::Everywhere<outbound::Book> books;
  base::Everywhere<tenant::TenantBook> tenants;
  base::Everywhere<inbound::Book> endpoints;
  RemovalHandler handler{{*store, {node.queue(), books}, tenants, endpoints, clock}};
};

INSTANTIATE_TEST_SUITE_P(Engines, Removal, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Removal, leaves_nothing_of_the_tenant_and_everything_of_others) {
  const TenantId acme = make_tenant("acme");
  const TenantId other = make_tenant("other");
  for (const TenantId tenant : {acme, other}) {
    const Subscription shop = subscribe(tenant);
    deliver(shop);
    wait(shop);
    receive(tenant);
  }
  if (GetParam() == db::Engine::sqlite) {
    asio::io_context context;
    ::testing::FakeClock later;  // than all ids: those of other tests may have been of a later time
    later.advance(24h * 10'000);
    inbound::IndexKeeper keeper(context.get_executor(), *store, later);
    ::testing::must(::testing::run(bring_up(keeper)));
    EXPECT_EQ(rows("received_index"), 2);
  }
  const std::set<std::string> all = tables_with(other);
  EXPECT_TRUE(all.contains("webhook_deliveries") && all.contains("delivery_attempts") &&
              all.contains("tasks"));
  const Operation operation = start(acme, Pending::cancel);

  run_to_end(operation);

  EXPECT_EQ(tables_with(acme), std::set<std::string>{});
  EXPECT_EQ(tables_with(other), all);
  EXPECT_EQ(rows("subscription_stats"), 1);
  if (GetParam() == db::Engine::sqlite) EXPECT_EQ(rows("delivery_index"), 3);
  EXPECT_EQ(now(operation).status, Status::completed);
  EXPECT_EQ(now(operation).total, now(operation).done);
}

TEST_P(Removal, lets_nothing_come_in_behind_it) {
  const TenantId acme = make_tenant("acme");
  const inbound::EndpointId endpoint = receive(acme);
  const Operation operation = start(acme, Pending::cancel);
  ran(operation);

  EXPECT_TRUE(arrive(acme, endpoint).gone);
  run_to_end(operation);
  EXPECT_EQ(tables_with(acme), std::set<std::string>{});
}

TEST_P(Removal, drains_what_was_received) {
  const TenantId acme = make_tenant("acme");
  receive(acme);
  const Operation operation = start(acme, Pending::drain);
  clock.advance(10s);
  ran(operation);
  clock.advance(10s);
  EXPECT_EQ(ran(operation).at, clock.now() + 1s) << "it waits to be processed";
  EXPECT_EQ(rows("webhook_endpoints"), 1);
  store.write([&](db::Tx& tx) { return tx.exec("DELETE FROM tasks WHERE kind = 'inbound'", {}); });
  run_to_end(operation);
  EXPECT_EQ(tables_with(acme), std::set<std::string>{});
}

TEST_P(Removal, takes_many_rows_in_pieces) {
  const TenantId acme = make_tenant("acme");
  const Subscription shop = subscribe(acme);
  for (int i = 0; i < 1100; ++i) deliver(shop);
  const Operation operation = start(acme, Pending::cancel);

  run_to_end(operation);

  EXPECT_EQ(tables_with(acme), std::set<std::string>{});
  EXPECT_EQ(rows("delivery_attempts"), 0);
}

TEST_P(Removal, drains_what_can_be_delivered_and_cancels_what_is_held) {
  const TenantId acme = make_tenant("acme");
  const Subscription shop = subscribe(acme);
  const Subscription held = subscribe(acme);
  store.write([&](db::Tx& tx) { return queue::set_lane_state(tx, held.lane(), queue::LaneState::paused); });
  wait(shop);
  wait(held);
  const Operation operation = start(acme, Pending::drain);
  for (int i = 0; i < 10; ++i) {
    const Verdict verdict = ran(operation);
    EXPECT_EQ(verdict.kind, Verdict::Kind::retry_at);
    EXPECT_EQ(verdict.at, clock.now() + 1s);
    clock.advance(1s);
  }
  EXPECT_EQ(rows("webhook_subscriptions"), 2);

  store.write([&](db::Tx& tx) { return tx.exec("DELETE FROM tasks WHERE lane_id = $1", {shop.id}); });
  ran(operation);

  EXPECT_EQ(rows("webhook_subscriptions"), 0);
  EXPECT_EQ(store.texts("SELECT reason FROM webhook_deliveries"), std::vector<std::string>{"TENANT_DELETED"});
  run_to_end(operation);
  EXPECT_EQ(tables_with(acme), std::set<std::string>{});
}

TEST_P(Removal, waits_for_what_was_under_way_when_it_began) {
  const TenantId acme = make_tenant("acme");
  const Operation operation = start(acme, Pending::cancel);
  ran(operation);
  ran(operation);
  publish(acme);
  EXPECT_EQ(rows("tenants"), 1);

  run_to_end(operation);

  EXPECT_EQ(rows("events"), 0);
}

TEST_P(Removal, lets_deliveries_of_others_be_found_afterwards) {
  const TenantId other = make_tenant("other");
  const Subscription theirs = subscribe(other);
  const TenantId acme = make_tenant("acme");
  const Subscription shop = subscribe(acme);
  const auto first = deliver(theirs);
  deliver(shop);
  run_to_end(start(acme, Pending::cancel));

  const auto second = deliver(theirs);

  const auto found = store.read([&](db::Tx& tx) { return outbound::search_finished(tx, {.tenant = other}); });
  ASSERT_EQ(found.deliveries.size(), 2u);
  EXPECT_EQ(found.deliveries[0].id, second);
  EXPECT_EQ(found.deliveries[1].id, first);
}

}  // namespace

}  // namespace monitor
