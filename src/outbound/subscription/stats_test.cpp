// The table subscription_stats: what batches of attempts do to a subscription's counters.
#include "outbound/subscription/fixture.hpp"
#include "testing/core_db.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;

class SubscriptionCounters : public ::testing::StoreTest {
 protected:
  SubscriptionCounters() {
    store.write([&](db::Tx& tx) -> base::Result<void> {
      XD_DO(insert_tenant_of(tx, acme));
      XD_DO(insert_subscription(tx, ring, subscription));
      return insert_subscription(tx, ring, neighbour);
    });
  }

  Failing changed(const StatsChange& change) {
    return store.write([&](db::Tx& tx) { return change_stats(tx, change); });
  }
  SubscriptionStats stats() {
    return store.read([&](db::Tx& tx) { return find_stats(tx, subscription.id); });
  }
  /// A batch of failures alone, the first of them at this moment.
  StatsChange failures(std::int64_t count, base::Time first) const {
    return {.id = subscription.id,
            .failed = count,
            .failed_at_end = count,
            .last_failure = first + 1s,
            .first_failure_at_end = first};
  }
  StatsChange successes(std::int64_t count, base::Time last) const {
    return {.id = subscription.id, .delivered = count, .last_success = last};
  }

  const TenantId acme = TenantId::make(kNow);
  const crypto::KeyRing ring = make_key_ring();
  const Subscription subscription = make_subscription(acme);
  const Subscription neighbour = make_subscription(acme);
};

INSTANTIATE_TEST_SUITE_P(Engines, SubscriptionCounters, ::testing::both_engines(), ::testing::engine_name);

TEST_P(SubscriptionCounters, are_zero_at_the_beginning) {
  const SubscriptionStats read = stats();

  EXPECT_EQ(read.sent, 0);
  EXPECT_EQ(read.delivered, 0);
  EXPECT_EQ(read.failed, 0);
  EXPECT_EQ(read.consecutive_failures, 0);
  EXPECT_EQ(read.last_triggered, std::nullopt);
  EXPECT_EQ(read.last_success, std::nullopt);
  EXPECT_EQ(read.last_failure, std::nullopt);
}

TEST_P(SubscriptionCounters, count_successes_and_failures_of_a_batch) {
  const Failing failing = changed({.id = subscription.id,
                                   .delivered = 2,
                                   .failed = 3,
                                   .failed_at_end = 1,
                                   .last_success = kNow,
                                   .last_failure = kNow + 1s,
                                   .first_failure_at_end = kNow + 1s});

  const SubscriptionStats read = stats();
  EXPECT_EQ(read.sent, 5);
  EXPECT_EQ(read.delivered, 2);
  EXPECT_EQ(read.failed, 3);
  EXPECT_EQ(read.consecutive_failures, 1);
  EXPECT_EQ(read.last_triggered, kNow + 1s);
  EXPECT_EQ(read.last_success, kNow);
  EXPECT_EQ(read.last_failure, kNow + 1s);
  EXPECT_EQ(failing.consecutive, 1);
  EXPECT_EQ(failing.since, kNow + 1s);
}

TEST_P(SubscriptionCounters, add_up_over_batches) {
  changed(successes(4, kNow));
  EXPECT_EQ(stats().last_triggered, kNow);
  changed(failures(2, kNow + 10s));

  const SubscriptionStats read = stats();

  EXPECT_EQ(read.sent, 6);
  EXPECT_EQ(read.delivered, 4);
  EXPECT_EQ(read.failed, 2);
  EXPECT_EQ(read.last_success, kNow);
  EXPECT_EQ(read.last_failure, kNow + 11s);
  EXPECT_EQ(read.last_triggered, kNow + 11s);
}

TEST_P(SubscriptionCounters, count_consecutive_failures_from_the_first_of_them) {
  changed(failures(2, kNow));
  const Failing failing = changed(failures(3, kNow + 60s));

  EXPECT_EQ(failing.consecutive, 5);
  EXPECT_EQ(failing.since, kNow);
  EXPECT_EQ(stats().consecutive_failures, 5);
}

TEST_P(SubscriptionCounters, forget_failures_before_a_success) {
  changed(failures(9, kNow));

  const Failing well = changed(successes(1, kNow + 60s));
  EXPECT_EQ(well.consecutive, 0);
  EXPECT_EQ(well.since, std::nullopt);
  EXPECT_EQ(stats().consecutive_failures, 0);

  const Failing again = changed(failures(1, kNow + 120s));
  EXPECT_EQ(again.consecutive, 1);
  EXPECT_EQ(again.since, kNow + 120s);
}

TEST_P(SubscriptionCounters, count_the_failures_after_the_last_success_of_a_batch) {
  changed(failures(9, kNow));

  const Failing failing = changed({.id = subscription.id,
                                   .delivered = 1,
                                   .failed = 7,
                                   .failed_at_end = 2,
                                   .last_success = kNow + 60s,
                                   .last_failure = kNow + 63s,
                                   .first_failure_at_end = kNow + 62s});

  EXPECT_EQ(failing.consecutive, 2);
  EXPECT_EQ(failing.since, kNow + 62s);
  EXPECT_EQ(stats().failed, 16);
}

TEST_P(SubscriptionCounters, are_each_subscriptions_own) {
  changed(failures(3, kNow));

  const SubscriptionStats other = store.read([&](db::Tx& tx) { return find_stats(tx, neighbour.id); });

  EXPECT_EQ(other.sent, 0);
  EXPECT_EQ(other.consecutive_failures, 0);
}

TEST_P(SubscriptionCounters, of_a_deleted_subscription_stay_away) {
  store.write([&](db::Tx& tx) { return delete_subscription(tx, acme, subscription.id); });

  const Failing failing = changed(failures(3, kNow));

  EXPECT_EQ(failing.consecutive, 0);
  EXPECT_EQ(failing.since, std::nullopt);
  EXPECT_EQ(store.integer("SELECT count(*) FROM subscription_stats"), 1);
}

}  // namespace

}  // namespace outbound
