// Counts of attempts by minute and hour.
#include "outbound/subscription/statistics.hpp"

#include "outbound/subscription/fixture.hpp"
#include "testing/core_db.hpp"
#include "testing/run.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;

AttemptCounts make_counts(std::int64_t delivered, std::int64_t failed = 0, std::int64_t ms = 20) {
  AttemptCounts counts{.delivered = delivered, .failed = failed};
  for (std::int64_t i = 0; i < counts.attempts(); ++i) counts.add_latency(ms);
  return counts;
}

TEST(AttemptCounts, put_each_latency_under_the_first_bound_above_it) {
  AttemptCounts counts;
  for (const std::int64_t ms : {0, 4, 5, 9'999, 10'000, 1'000'000}) counts.add_latency(ms);

  EXPECT_EQ(counts.by_latency,
            (std::array<std::int64_t, kLatencyBuckets>{2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2}));
  EXPECT_EQ(counts.latency_ms, 1'020'008);
}

TEST(AttemptCounts, estimate_the_latency_that_a_share_stays_below) {
  AttemptCounts counts;
  EXPECT_EQ(counts.latency_below(0.5), std::nullopt);
  for (int i = 0; i < 90; ++i) counts.add_latency(30);
  for (int i = 0; i < 10; ++i) counts.add_latency(20'000);

  EXPECT_DOUBLE_EQ(*counts.latency_below(0.45), 37.5);  // the middle of 25 to 50
  EXPECT_DOUBLE_EQ(*counts.latency_below(0.9), 50);
  EXPECT_DOUBLE_EQ(*counts.latency_below(0.99), 10'000);
}

class Statistics : public ::testing::StoreTest {
 protected:
  void count(SubscriptionId id, const AttemptCounts& counts, base::Time at) {
    store.write(
        [&](db::Tx& tx) { return add_counts(tx, {{id, {id == foreign ? other : acme, counts}}}, at); });
  }
  std::vector<AttemptCounts> series(SeriesQuery query) {
    return store.read([&](db::Tx& tx) { return read_series(tx, query, now); });
  }
  std::vector<std::int64_t> delivered(const SeriesQuery& query) {
    std::vector<std::int64_t> all;
    for (const AttemptCounts& counts : series(query)) all.push_back(counts.delivered);
    return all;
  }
  void sum_up() {
    while (store.write([&](db::Tx& tx) { return sum_up_minute(tx, now); })) {
    }
  }

  /// The beginning of an hour.
  const base::Time hour = std::chrono::floor<std::chrono::hours>(kNow);
  base::Time now = hour + 30min;
  const TenantId acme = TenantId::make(kNow);
  const TenantId other = TenantId::make(kNow);
  const SubscriptionId shop = SubscriptionId::make(kNow);
  const SubscriptionId ledger = SubscriptionId::make(kNow);
  const SubscriptionId foreign = SubscriptionId::make(kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, Statistics, ::testing::both_engines(), ::testing::engine_name);

using Counts = std::vector<std::int64_t>;

TEST_P(Statistics, add_up_what_batches_of_a_minute_did) {
  AttemptCounts first = make_counts(2, 1, 7);
  first.retried = 4;
  count(shop, first, hour + 1s);
  count(shop, make_counts(3, 0, 700), hour + 59s);
  count(ledger, make_counts(50), hour + 2s);

  AttemptCounts both = first;
  both.add(make_counts(3, 0, 700));
  EXPECT_EQ(series({acme, shop, hour, hour + 1min, 60s}), std::vector{both});
}

TEST_P(Statistics, are_given_step_by_step) {
  for (int minute = 0; minute < 6; ++minute) count(shop, make_counts(1 + minute), hour + 1min * minute);

  EXPECT_EQ(delivered({acme, shop, hour, hour + 6min, 60s}), (Counts{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(delivered({acme, shop, hour, hour + 6min, 120s}), (Counts{3, 7, 11}));
  EXPECT_EQ(delivered({acme, shop, hour + 4min, hour + 9min, 120s}), (Counts{11, 0, 0}));
  EXPECT_EQ(delivered({acme, shop, hour + 6min, hour + 6min, 60s}), Counts{});
}

TEST_P(Statistics, of_a_tenant_are_those_of_its_subscriptions_before_and_after_they_are_summed_up) {
  count(shop, make_counts(1), hour);
  count(ledger, make_counts(2), hour);
  count(foreign, make_counts(4), hour);
  count(ledger, make_counts(8), hour + 28min);
  const auto expect_them = [&] {
    EXPECT_EQ(delivered({acme, {}, hour, now, 15min}), (Counts{3, 8}));
    EXPECT_EQ(delivered({other, {}, hour, now, 15min}), (Counts{4, 0}));
    EXPECT_EQ(delivered({acme, shop, hour, now, 15min}), (Counts{1, 0}));
  };

  expect_them();
  sum_up();
  expect_them();
  EXPECT_EQ(store.integer("SELECT minute FROM delivery_minutes_summed"),
            base::to_micros(hour) / 60'000'000 + 1);
}

TEST_P(Statistics, of_all_time_cost_no_more_than_there_is) {
  const SeriesQuery all_time{acme, {}, base::Time{}, hour + 24h * 365, 24h * 365};
  count(shop, make_counts(3), now - 2min);
  // A read of the store may take three seconds; minute by minute since 1970 takes longer.
  const auto series = [&](const SeriesQuery& query) {
    return ::testing::run(
        [](db::Db& db, SeriesQuery asked, base::Time at) -> base::Task<std::vector<AttemptCounts>> {
          co_return co_await db.read([&](db::Tx& tx) { return read_series(tx, asked, at); });
        }(*store, query, now));
  };

  const auto of_tenant = series(all_time);
  ASSERT_TRUE(of_tenant) << of_tenant.error().message;
  EXPECT_EQ(of_tenant->at((now.time_since_epoch() / (24h * 365))).delivered, 3);
  SeriesQuery of_one = all_time;
  of_one.subscription = shop;
  EXPECT_TRUE(series(of_one));
}

TEST_P(Statistics, are_known_by_the_hour_when_their_minutes_are_gone) {
  count(shop, make_counts(1), hour - 2h + 10min);
  count(shop, make_counts(2), hour - 1h);
  count(shop, make_counts(4), hour - 1h + 59min);
  count(shop, make_counts(8), hour + 28min);
  sum_up();
  now += 50h;
  count(shop, make_counts(16), now - 1min);
  sum_up();

  const auto forgotten = store.write([&](db::Tx& tx) { return forget_counts(tx, now, hour - 100h, 1000); });

  EXPECT_GT(forgotten, 0);
  EXPECT_EQ(store.integer("SELECT count(*) FROM delivery_minutes"), 1);
  EXPECT_EQ(delivered({acme, shop, hour - 2h, hour + 1h, 1h}), (Counts{1, 6, 8}));
  EXPECT_EQ(delivered({acme, {}, hour - 2h, hour + 1h, 3h}), Counts{15});
  EXPECT_EQ(delivered({acme, shop, hour - 2h, hour + 60h, 62h}), Counts{31});
}

TEST_P(Statistics, keep_what_is_young_and_what_is_not_summed_up) {
  count(shop, make_counts(1), hour - 60h);
  count(shop, make_counts(2), hour);
  const auto forget = [&] {
    return store.write([&](db::Tx& tx) { return forget_counts(tx, now, hour - 50h, 1000); });
  };

  EXPECT_EQ(forget(), 0);
  sum_up();
  EXPECT_EQ(forget(), 4);  // a minute and an hour, of the subscription and of the tenant
  EXPECT_EQ(delivered({acme, shop, hour - 70h, now, 70h}), (Counts{0, 2}));
}

TEST_P(Statistics, are_forgotten_in_pieces) {
  for (int i = 0; i < 5; ++i) count(shop, make_counts(1), hour - 60h + 1min * i);
  sum_up();
  const auto forget = [&] {
    return store.write([&](db::Tx& tx) { return forget_counts(tx, now, hour - 100h, 3); });
  };

  EXPECT_EQ(forget(), 3);
  EXPECT_EQ(forget(), 3);
  EXPECT_EQ(forget(), 3);
  EXPECT_EQ(forget(), 1);
  EXPECT_EQ(forget(), 0);
}

}  // namespace

}  // namespace outbound
