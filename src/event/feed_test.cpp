#include "event/feed.hpp"

#include <gtest/gtest.h>

#include <future>
#include <set>
#include <thread>

#include "base/limits.hpp"
#include "event/event_store.hpp"
#include "testing/core_db.hpp"

namespace event {

namespace {

using namespace std::chrono_literals;
using base::TenantId;
using base::Uuid;

constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};

class Feed : public ::testing::StoreTest {
 protected:
  Uuid add(base::Time at = kNow) {
    const FeedItem item{tenant, base::make_uuid(at)};
    store.write([&](db::Tx& tx) { return add_to_feed(tx, FeedKind::event, std::span(&item, 1), at); });
    return item.id;
  }
  FeedPage read(FeedPosition from) { return read_as(tenant, from); }
  FeedPage read_as(TenantId who, FeedPosition from) {
    return store.read([&](db::Tx& tx) { return read_feed(tx, who, from); });
  }
  std::vector<Uuid> ids_behind(FeedPosition from) {
    std::vector<Uuid> ids;
    for (bool more = true; more;) {
      const FeedPage page = read(from);
      for (const FeedEntry& entry : page.entries) ids.push_back(entry.id);
      more = page.more;
      from = page.end;
    }
    return ids;
  }
  FeedPosition end() { return store.read(feed_end); }
  std::int64_t trim(base::Time now, std::size_t most = 100) {
    return store.write([&](db::Tx& tx) { return trim_feed(tx, now, most); });
  }

  const TenantId tenant = TenantId::make(kNow);
  const TenantId other = TenantId::make(kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, Feed, ::testing::both_engines(), ::testing::engine_name);

TEST(FeedPosition, is_read_as_it_is_written_and_nothing_else_is) {
  const FeedPosition position{17, 0, 3};
  EXPECT_EQ(position.str(), "17-0-3");
  EXPECT_EQ(FeedPosition::parse(position.str()), position);
  for (const char* text : {"", "1", "1-2", "1-2-", "1-2-3-4", "-1-2-3", "1-2-x", "1 -2-3", "1-2-3 ", "a-b-c",
                           "99999999999999999999-0-0"}) {
    EXPECT_FALSE(FeedPosition::parse(text)) << text;
  }
}

TEST_P(Feed, gives_what_was_added_in_order_from_any_position) {
  const std::vector<Uuid> ids = {add(), add(), add()};

  const FeedPage all = read({});

  ASSERT_EQ(all.entries.size(), 3u);
  EXPECT_FALSE(all.more);
  EXPECT_FALSE(all.lost);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(all.entries[i].id, ids[i]);
    EXPECT_EQ(ids_behind(all.entries[i].position),
              std::vector(ids.begin() + 1 + static_cast<long>(i), ids.end()));
  }
  EXPECT_EQ(all.end, end());
  EXPECT_TRUE(read(all.end).entries.empty());
}

TEST_P(Feed, gives_each_tenant_its_own_of_one_transaction_and_tells_whose_there_are) {
  const std::vector<FeedItem> items = {{tenant, base::make_uuid(kNow)},
                                       {other, base::make_uuid(kNow)},
                                       {other, base::make_uuid(kNow)},
                                       {tenant, base::make_uuid(kNow)}};
  const FeedPosition before = end();
  store.write([&](db::Tx& tx) { return add_to_feed(tx, FeedKind::delivery, items, kNow); });

  EXPECT_EQ(ids_behind({}), (std::vector{items[0].id, items[3].id}));
  EXPECT_EQ(read_as(other, {}).entries.size(), 2u);
  EXPECT_EQ(read_as(other, {}).entries[1].kind, FeedKind::delivery);
  EXPECT_TRUE(read_as(TenantId::make(kNow), {}).entries.empty());
  const FeedGlance glance = store.read([&](db::Tx& tx) { return glance_at_feed(tx, before); });
  EXPECT_EQ(glance.tenants, (std::vector{std::min(tenant, other), std::max(tenant, other)}));
  EXPECT_EQ(glance.end, end());
  EXPECT_TRUE(store.read([&](db::Tx& tx) { return glance_at_feed(tx, glance.end); }).tenants.empty());
}

TEST_P(Feed, gives_many_in_several_reads_that_begin_where_the_last_one_ended) {
  const std::size_t count = base::limits::kFeedEntriesPerRead * 2 + 50;
  std::vector<FeedItem> items;
  std::vector<Uuid> ids;
  for (std::size_t i = 0; i < count; ++i) {
    items.push_back({tenant, base::make_uuid(kNow)});
    ids.push_back(items.back().id);
  }
  store.write([&](db::Tx& tx) { return add_to_feed(tx, FeedKind::event, items, kNow); });
  for (std::size_t i = 0; i < base::limits::kFeedRowsPerRead + 5; ++i) ids.push_back(add());

  const FeedPage first = read({});
  EXPECT_EQ(first.entries.size(), base::limits::kFeedEntriesPerRead);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(ids_behind({}), ids);
}

TEST_P(Feed, takes_nothing_for_nothing) {
  const FeedPosition before = end();
  store.write([&](db::Tx& tx) { return add_to_feed(tx, FeedKind::event, {}, kNow); });
  EXPECT_EQ(end(), before);
}

TEST_P(Feed, says_when_a_position_is_no_longer_kept) {
  add(kNow);
  const FeedPosition old = end();
  add(kNow + 1h);
  const FeedPosition last_old = end();
  add(kNow + 2h);

  EXPECT_EQ(trim(kNow + kFeedPeriod + 90min), 1);

  EXPECT_TRUE(read(old).lost);
  EXPECT_FALSE(read(last_old).lost) << "nothing behind it was removed";
  EXPECT_EQ(store.read(feed_start), (FeedPosition{last_old.commit, last_old.seq, 0}));
}

TEST_P(Feed, leaves_nobody_behind_who_has_read_all_that_was_too_old) {
  add(kNow);
  const FeedPosition stand = end();
  const Uuid fresh = add(kNow + kFeedPeriod + 1h);

  EXPECT_EQ(trim(kNow + kFeedPeriod + 1h), 0);

  EXPECT_FALSE(read(stand).lost);
  EXPECT_EQ(ids_behind(stand), std::vector{fresh});
}

TEST_P(Feed, keeps_its_newest_row_however_old_and_trims_no_more_than_asked) {
  for (int i = 0; i < 5; ++i) add(kNow);
  const base::Time later = kNow + kFeedPeriod + 1h;

  EXPECT_EQ(trim(later, 2), 2);
  EXPECT_EQ(trim(later, 100), 2);
  EXPECT_EQ(trim(later, 100), 0);
  EXPECT_FALSE(read(end()).lost);
}

TEST_P(Feed, finds_the_position_of_a_time) {
  std::vector<Uuid> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(add(kNow + i * 1min));
  const auto behind = [&](base::Time time) {
    return ids_behind(store.read([&](db::Tx& tx) { return feed_position_at(tx, time); }));
  };

  EXPECT_EQ(behind(kNow - 1h), ids);
  EXPECT_EQ(behind(kNow + 7min), std::vector(ids.begin() + 7, ids.end()));
  EXPECT_EQ(behind(kNow + 7min + 1s), std::vector(ids.begin() + 8, ids.end()));
  EXPECT_TRUE(behind(kNow + 1h).empty());
}

TEST_P(Feed, gets_what_is_published) {
  const auto event = std::make_shared<const Event>(
      Event{.id = EventId::make(kNow), .tenant = tenant, .type = "a", .data = "{}", .created = kNow});
  const std::int64_t deliveries = 0;
  store.write([&](db::Tx& tx) { return insert_events(tx, std::span(&event, 1), std::span(&deliveries, 1)); });

  EXPECT_EQ(ids_behind({}), std::vector{event->id.uuid});
}

/// On PostgreSQL what is committed may have to wait for a transaction that began before it.
TEST_P(Feed, begins_now_behind_all_that_is_committed) {
  std::promise<void> may_commit;
  std::promise<void> began;
  std::thread writer;
  if (GetParam() == db::Engine::postgres) {
    writer = std::thread([&] {
      const FeedItem item{tenant, base::make_uuid(kNow)};
      ::testing::must(store->write_now([&](db::Tx& tx) -> base::Result<void> {
        XD_DO(add_to_feed(tx, FeedKind::event, std::span(&item, 1), kNow));
        began.set_value();
        may_commit.get_future().wait();
        return {};
      }));
    });
    began.get_future().wait();
  }
  add();

  const FeedPosition now = store.read(feed_now);
  const FeedPage unsettled = read(now);
  const Uuid next = add();
  may_commit.set_value();
  if (writer.joinable()) writer.join();

  EXPECT_FALSE(unsettled.lost);
  EXPECT_EQ(unsettled.end, now);
  EXPECT_FALSE(read(now).lost);
  EXPECT_EQ(ids_behind(now), std::vector{next});
}

/// A reader that goes on from where it stands while many write and commit in whatever order.
TEST_P(Feed, leaves_nothing_out_and_gives_nothing_twice_while_many_commit) {
  constexpr int kWriters = 4;
  constexpr int kEach = 60;
  std::atomic<int> running = kWriters;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < kEach; ++i) {
        const FeedItem item{tenant, base::make_uuid(kNow)};
        ::testing::must(store->write_now([&](db::Tx& tx) -> base::Result<void> {
          XD_DO(add_to_feed(tx, FeedKind::event, std::span(&item, 1), kNow));
          // Some take their number early and commit late.
          if (tx.engine() == db::Engine::postgres && (i + w) % 5 == 0) {
            XD_DO(tx.query("SELECT CAST(pg_sleep(0.01) AS TEXT)", {}, [](const db::Row&) {}));
          }
          return {};
        }));
      }
      --running;
    });
  }
  std::vector<Uuid> got;
  FeedPosition from;
  for (bool last = false; !last;) {
    last = running == 0;
    FeedPage page;
    do {
      page = read(from);
      for (const FeedEntry& entry : page.entries) {
        EXPECT_GT(entry.position, from);
        from = entry.position;
        got.push_back(entry.id);
      }
      from = page.end;
    } while (page.more);
  }
  for (std::thread& writer : writers) writer.join();
  for (const Uuid& id : ids_behind(from)) got.push_back(id);

  EXPECT_EQ(got.size(), static_cast<std::size_t>(kWriters * kEach));
  EXPECT_EQ(std::set(got.begin(), got.end()).size(), got.size());
}

}  // namespace

}  // namespace event
