#include "event/tail.hpp"

#include <gtest/gtest.h>

#include "testing/core_db.hpp"
#include "testing/run.hpp"

namespace event {

namespace {

using namespace std::chrono_literals;
using base::TenantId;

constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};
constexpr auto kNever = 10s;  // longer than anything here takes

class Tails : public ::testing::StoreTest {
 protected:
  /// Runs what(tail, bell, gate) on a loop of its own.
  template <class F>
  void with_tail(F what) {
    ::testing::must(::testing::run([](Tails& self, F body) -> base::Task<void> {
      base::Gate gate(co_await asio::this_coro::executor);
      Tail tail(gate, *self.store);
      Bell bell;
      bell.add(co_await asio::this_coro::executor, tail);
      co_await body(tail, bell);
      co_await gate.close();
      co_return base::Result<void>{};
    }(*this, std::move(what))));
  }

  void add(TenantId whose) {
    const FeedItem item{whose, base::make_uuid(kNow)};
    store.write([&](db::Tx& tx) { return add_to_feed(tx, FeedKind::event, std::span(&item, 1), kNow); });
  }
  FeedPosition end() { return store.read(feed_end); }

  /// Reads as a stream does; returns how many entries there were.
  asio::awaitable<std::size_t> read(Tail::Reader& reader, TenantId who) {
    reader.begin();
    auto page = co_await store->read(
        [who, from = reader.position()](db::Tx& tx) { return read_feed(tx, who, from); });
    reader.done(page->end);
    co_return page->entries.size();
  }
  /// Waits until there are entries.
  asio::awaitable<std::size_t> next(Tail::Reader& reader, TenantId who) {
    for (const base::Deadline deadline = base::steady_now() + kNever; base::steady_now() < deadline;) {
      if (const std::size_t count = co_await read(reader, who); count > 0) co_return count;
      co_await reader.wait(deadline);
    }
    co_return 0;
  }

  const TenantId tenant = TenantId::make(kNow);
  const TenantId other = TenantId::make(kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, Tails, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Tails, wakes_a_reader_when_the_bell_rings_and_also_when_it_does_not) {
  with_tail([&](Tail& tail, Bell& bell) -> asio::awaitable<void> {
    Tail::Reader reader(tail, tenant, end());
    for (const bool rings : {true, false, true}) {
      add(tenant);
      if (rings) bell.ring();
      EXPECT_EQ(co_await next(reader, tenant), 1u);
    }
    EXPECT_EQ(reader.position(), end());
  });
}

TEST_P(Tails, carries_a_reader_past_what_is_of_others_without_waking_it) {
  with_tail([&](Tail& tail, Bell& bell) -> asio::awaitable<void> {
    Tail::Reader mine(tail, tenant, end());
    Tail::Reader others(tail, other, end());
    const auto settled = [&]() -> asio::awaitable<void> {  // the first look wakes everybody
      for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(co_await read(mine, tenant), 0u);
        co_await mine.wait(base::steady_now() + 500ms);
      }
      EXPECT_EQ(co_await read(mine, tenant), 0u);
    };
    co_await settled();
    add(other);
    bell.ring();

    EXPECT_EQ(co_await next(others, other), 1u);
    for (int i = 0; i < 1000 && mine.position() != end(); ++i) co_await base::sleep_for(10ms);

    EXPECT_EQ(mine.position(), end());
  });
}

TEST_P(Tails, counts_readers_and_does_nothing_for_none) {
  with_tail([&](Tail& tail, Bell&) -> asio::awaitable<void> {
    EXPECT_FALSE(tail.wants_ring());
    {
      const Tail::Reader one(tail, tenant, end());
      const Tail::Reader two(tail, tenant, end());
      EXPECT_TRUE(tail.wants_ring());
      EXPECT_FALSE(tail.wants_ring()) << "one post is enough until it was heard";
      EXPECT_EQ(tail.readers(), 2u);
      EXPECT_EQ(tail.readers_of(tenant), 2u);
      EXPECT_EQ(tail.readers_of(other), 0u);
    }
    EXPECT_EQ(tail.readers_of(tenant), 0u);
    for (int i = 0; i < 1000 && tail.wants_ring(); ++i) co_await base::sleep_for(1ms);
    EXPECT_FALSE(tail.wants_ring());
  });
}

TEST_P(Tails, nudges_the_readers_of_a_name) {
  with_tail([&](Tail& tail, Bell&) -> asio::awaitable<void> {
    const base::Uuid name = base::make_uuid(kNow);
    Tail::Reader named(tail, tenant, end(), {base::make_uuid(base::Time{}), name});
    Tail::Reader unnamed(tail, tenant, end());

    tail.nudge(name);

    EXPECT_TRUE(named.take_nudge());
    EXPECT_FALSE(named.take_nudge());
    EXPECT_FALSE(unnamed.take_nudge());
    co_return;
  });
}

TEST_P(Tails, waits_no_longer_than_the_deadline) {
  with_tail([&](Tail& tail, Bell&) -> asio::awaitable<void> {
    Tail::Reader reader(tail, tenant, end());
    co_await reader.wait(base::steady_now() + kNever);
    reader.begin();
    co_await reader.wait(base::steady_now() + 1ms);
    reader.begin();
    co_await reader.wait(base::steady_now() - 1s);
  });
}

}  // namespace

}  // namespace event
