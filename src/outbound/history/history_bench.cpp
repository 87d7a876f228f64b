// What a delivery at the first try costs in the transaction that closes it: its row of history, and its
// counts.
#include "outbound/history/history.hpp"

#include <benchmark/benchmark.h>

#include <fstream>
#include <random>

#include "outbound/history/search.hpp"
#include "outbound/subscription/fixture.hpp"
#include "outbound/subscription/statistics.hpp"
#include "testing/core_db.hpp"

namespace outbound {
namespace {

constexpr std::size_t kBatch = 30;  // as many as end within one commit at 10,000 a second
constexpr std::size_t kTenants = 4;
constexpr int kFillBatches = 300;
constexpr std::size_t kFillRows = 1000;

/// Bytes that this process has written so far, to files and sockets.
std::int64_t bytes_written() {
  std::ifstream file("/proc/self/io");
  std::string name;
  std::int64_t value = 0;
  while (file >> name >> value) {
    if (name == "wchar:") return value;
  }
  return 0;
}

class Closing {
 public:
  Closing(db::Engine engine, std::size_t subscriptions) : store_(engine) {
    for (std::size_t i = 0; i < kTenants; ++i) tenants_.push_back(TenantId::make(kNow));
    for (std::size_t i = 0; i < subscriptions; ++i) subscriptions_.push_back(SubscriptionId::make(kNow));
    for (int i = 0; i < kFillBatches; ++i) insert(kFillRows);
  }

  void insert(std::size_t rows) {
    std::vector<Delivery> deliveries;
    for (std::size_t i = 0; i < rows; ++i) deliveries.push_back(make());
    store_.write([&](db::Tx& tx) { return insert_deliveries(tx, deliveries); });
  }
  void insert_and_count(std::size_t rows) {
    std::vector<Delivery> deliveries;
    CountsBySubscription counts;
    for (std::size_t i = 0; i < rows; ++i) {
      deliveries.push_back(make());
      SubscriptionCounts& of = counts[deliveries.back().subscription];
      of.tenant = deliveries.back().tenant;
      ++of.counts.delivered;
      of.counts.add_latency(3);
    }
    store_.write([&](db::Tx& tx) -> base::Result<void> {
      XD_DO(insert_deliveries(tx, deliveries));
      return add_counts(tx, counts, now_);
    });
  }

 private:
  Delivery make() {
    now_ += std::chrono::microseconds{100};
    const std::size_t n = random_() % subscriptions_.size();
    Delivery d{
        .id = DeliveryId::make(now_), .tenant = tenants_[n % kTenants], .subscription = subscriptions_[n]};
    d.event = event::EventId::make(now_);
    d.event_type = "order.created";
    d.status = "DELIVERED";
    d.created = now_;
    d.completed = now_ + std::chrono::milliseconds{5};
    d.last = {.number = 1, .outcome = "DELIVERED", .started = now_};
    d.last.request_url = "http://127.0.0.1:45123/receiver/0123456789";
    d.last.remote_ip = "127.0.0.1";
    d.last.response_status = 200;
    d.last.response_time_ms = 3;
    return d;
  }

  ::testing::CoreDb store_;
  std::vector<TenantId> tenants_;
  std::vector<SubscriptionId> subscriptions_;
  std::minstd_rand random_;
  base::Time now_ = kNow;
};

using Insert = void (Closing::*)(std::size_t);

void close_attempts(benchmark::State& state, db::Engine engine, Insert insert) {
  Closing closing(engine, static_cast<std::size_t>(state.range(0)));
  const std::int64_t before = bytes_written();
  for (auto _ : state) (closing.*insert)(kBatch);
  const auto rows = static_cast<double>(state.iterations()) * kBatch;
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.counters["bytes_per_row"] = static_cast<double>(bytes_written() - before) / rows;
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("subscriptions")->Arg(16)->Arg(2000)->UseRealTime();
}

constexpr Insert kHistory = &Closing::insert;
constexpr Insert kCounted = &Closing::insert_and_count;
BENCHMARK_CAPTURE(close_attempts, history_sqlite, db::Engine::sqlite, kHistory)->Apply(sizes);
BENCHMARK_CAPTURE(close_attempts, counted_sqlite, db::Engine::sqlite, kCounted)->Apply(sizes);
BENCHMARK_CAPTURE(close_attempts, history_postgres, db::Engine::postgres, kHistory)->Apply(sizes);
BENCHMARK_CAPTURE(close_attempts, counted_postgres, db::Engine::postgres, kCounted)->Apply(sizes);

}  // namespace
}  // namespace outbound
