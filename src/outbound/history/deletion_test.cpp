#include "outbound/history/deletion.hpp"

#include <future>

#include "event/event_store.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/subscription/fixture.hpp"
#include "queue/queue_store.hpp"
#include "testing/core_db.hpp"
#include "testing/eventually.hpp"
#include "testing/fake_clock.hpp"
#include "testing/node.hpp"
#include "testing/run.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using base::Result;
using operation::Operation;
using operation::Status;
using queue::Verdict;

base::Task<queue::Outcome> outcome_of(asio::awaitable<queue::Outcome> run) {
  co_return co_await std::move(run);
}

class Deletion : public ::testing::StoreTest {
 protected:
  Deletion() {
    store.write([&](db::Tx& tx) -> Result<void> {
      XD_DO(insert_tenant_of(tx, acme));
      XD_DO(insert_subscription(tx, ring, shop));
      return queue::insert_lane(tx, shop.lane(), acme, kDeliverKind, queue::LaneState::active);
    });
  }

  void wait() {
    const queue::Task task = make_delivery_task(shop, make_event(acme), clock.now());
    store.write([&](db::Tx& tx) { return queue::insert_tasks(tx, {{task}}); });
  }
  void delivered() {
    store.write([&](db::Tx& tx) { return tx.exec("DELETE FROM tasks WHERE lane_id = $1", {shop.id}); });
  }
  Operation start() {
    Operation made{
        .id = operation::OperationId::make(clock.now()), .tenant = acme, .kind = kDeletionOperation};
    made.target = shop.id.uuid;
    made.created = clock.now();
    store.write([&](db::Tx& tx) { return operation::start(tx, node.queue(), made, kDrainTask); });
    return made;
  }
  Operation now(const Operation& operation) {
    return *store.read([&](db::Tx& tx) { return operation::find_operation(tx, operation.id); });
  }
  Verdict ran(const Operation& operation) {
    queue::Task task;
    task.ref = operation.id.uuid;
    return ::testing::must(::testing::run(outcome_of(handler.run(task)))).verdict;
  }
  std::int64_t rows(const std::string& table) { return store.integer("SELECT count(*) FROM " + table); }

  const crypto::KeyRing ring = make_key_ring();
  ::testing::FakeClock clock;
  ::testing::Node node{*store, clock};  // not started: nothing takes tasks away
  base::Everywhere<Book> books;
  DrainHandler handler{*store, {node.queue(), books}, clock};
  const TenantId acme = TenantId::make(kNow);
  const Subscription shop = make_subscription(acme);
};

INSTANTIATE_TEST_SUITE_P(Engines, Deletion, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Deletion, waits_until_all_is_delivered) {
  wait();
  wait();
  const Operation begun = start();
  for (int i = 0; i < 10; ++i) {
    const Verdict verdict = ran(begun);
    EXPECT_EQ(verdict.kind, Verdict::Kind::retry_at);
    EXPECT_EQ(verdict.at, clock.now() + 1s);
    clock.advance(1s);
  }
  EXPECT_EQ(now(begun).status, Status::running);
  EXPECT_EQ(now(begun).total, 2);
  EXPECT_EQ(now(begun).done, 0);

  delivered();
  EXPECT_EQ(ran(begun).kind, Verdict::Kind::done);

  EXPECT_EQ(now(begun).status, Status::completed);
  EXPECT_EQ(now(begun).done, 2);
  EXPECT_EQ(rows("webhook_subscriptions"), 0);
  EXPECT_EQ(rows("lanes"), 0);
  EXPECT_EQ(rows("webhook_deliveries"), 0);
}

TEST_P(Deletion, waits_for_what_was_under_way_when_it_began) {
  const Operation begun = start();
  ran(begun);
  clock.advance(4s);
  EXPECT_EQ(ran(begun).kind, Verdict::Kind::retry_at);
  EXPECT_EQ(rows("webhook_subscriptions"), 1);

  clock.advance(1s);
  EXPECT_EQ(ran(begun).kind, Verdict::Kind::done);
  EXPECT_EQ(rows("webhook_subscriptions"), 0);
}

TEST_P(Deletion, ends_where_somebody_has_removed_it_at_once) {
  wait();
  const Operation begun = start();
  ran(begun);
  const Cancellation why{"SUBSCRIPTION_DELETED", "the subscription was deleted", clock.now()};
  const auto remove = [&] {
    return store.write(
        [&](db::Tx& tx) { return remove_subscription(tx, {node.queue(), books}, acme, shop.id, why); });
  };
  EXPECT_TRUE(remove());
  EXPECT_FALSE(remove());
  clock.advance(5s);

  EXPECT_EQ(ran(begun).kind, Verdict::Kind::done);

  EXPECT_EQ(now(begun).status, Status::completed);
  EXPECT_EQ(store.texts("SELECT reason FROM webhook_deliveries"),
            std::vector<std::string>{"SUBSCRIPTION_DELETED"});
}

/// A closing delivery holds its lane and writes statistics; whoever removes the subscription wants both too.
TEST_P(Deletion, waits_for_a_delivery_that_is_ending) {
  if (GetParam() == db::Engine::sqlite) return;  // one writes after the other there
  wait();
  const base::Uuid us = base::make_uuid(kNow);
  const StatsChange failure{.id = shop.id, .failed = 1, .failed_at_end = 1, .first_failure_at_end = kNow};
  const auto lease = store.write([&](db::Tx& tx) -> Result<std::optional<queue::Lease>> {
    XD_DO(change_stats(tx, failure));
    return queue::acquire(tx, shop.lane(), us);
  });
  const queue::Task task =
      store.read([&](db::Tx& tx) { return queue::load(tx, shop.lane(), kNow, 1); }).tasks.at(0);
  const queue::Outcome failed{Verdict::retry_at(clock.now() + 1s)};
  const Cancellation why{"SUBSCRIPTION_DELETED", "the subscription was deleted", clock.now()};
  std::future<Result<bool>> removed;

  const auto ended = store->write_now([&](db::Tx& tx) -> Result<Failing> {
    XD_DO(queue::close(tx, {{{&task, &failed, lease->epoch}}}, us));
    removed = std::async(std::launch::async, [&] {
      return store->write_now([&](db::Tx& other) {
        return remove_subscription(other, {node.queue(), books}, acme, shop.id, why);
      });
    });
    const auto waits = [&] { return store.integer("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0; };
    EXPECT_TRUE(::testing::eventually(waits));
    return change_stats(tx, failure);
  });

  EXPECT_TRUE(ended) << ended.error().message;
  const auto done = removed.get();
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(rows("webhook_subscriptions"), 0);
  EXPECT_EQ(rows("tasks"), 0);
  EXPECT_EQ(rows("webhook_deliveries"), 1);
}

TEST_P(Deletion, is_not_of_a_foreign_subscription) {
  const Cancellation why{"SUBSCRIPTION_DELETED", "the subscription was deleted", clock.now()};

  EXPECT_FALSE(store.write([&](db::Tx& tx) {
    return remove_subscription(tx, {node.queue(), books}, TenantId::make(kNow), shop.id, why);
  }));

  EXPECT_EQ(rows("webhook_subscriptions"), 1);
  EXPECT_EQ(rows("lanes"), 1);
}

}  // namespace

}  // namespace outbound
