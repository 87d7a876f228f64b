// What the feed adds to a transaction that publishes: events with it and without, and its row alone.
#include "event/feed.hpp"

#include <benchmark/benchmark.h>

#include "event/event_store.hpp"
#include "testing/core_db.hpp"

namespace event {

namespace {

/// The events of one transaction, written and their rows in the feed with them; range(0): how many. The time
/// is that of the closure: what the commit costs is the disk's.
void publish(benchmark::State& state, db::Engine engine) {
  testing::CoreDb store(engine);
  const base::TenantId tenant = base::TenantId::make(base::SystemClock{}.now());
  const std::vector<std::int64_t> deliveries(static_cast<std::size_t>(state.range(0)), 1);
  double feed_seconds = 0;
  for (auto _ : state) {
    const base::Time now = base::SystemClock{}.now();
    std::vector<EventPtr> events;
    std::vector<FeedItem> items;
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
      events.push_back(std::make_shared<const Event>(Event{.id = EventId::make(now),
                                                           .tenant = tenant,
                                                           .type = "order.created",
                                                           .data = '"' + std::string(1000, 'x') + '"',
                                                           .created = now}));
      items.push_back({tenant, events.back()->id.uuid});
    }
    store.write([&](db::Tx& tx) -> base::Result<void> {
      const base::Steady begun = base::steady_now();
      XD_DO(insert_events(tx, events, deliveries));
      state.SetIterationTime(std::chrono::duration<double>(base::steady_now() - begun).count());
      // Once more, to know its share.
      const base::Steady again = base::steady_now();
      XD_DO(add_to_feed(tx, FeedKind::event, items, now));
      feed_seconds += std::chrono::duration<double>(base::steady_now() - again).count();
      return {};
    });
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["feed_us"] = benchmark::Counter(feed_seconds * 1e6, benchmark::Counter::kAvgIterations);
}

BENCHMARK_CAPTURE(publish, sqlite, db::Engine::sqlite)->Arg(1)->Arg(64)->Arg(256)->UseManualTime();
BENCHMARK_CAPTURE(publish, postgres, db::Engine::postgres)->Arg(1)->Arg(64)->Arg(256)->UseManualTime();

}  // namespace

}  // namespace event
