#include "monitor/backlog.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "queue/queue_store.hpp"
#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/faulty_db.hpp"
#include "testing/run.hpp"
#include "testing/tasks.hpp"

namespace monitor {

namespace {

using namespace std::chrono_literals;
using queue::LaneState;
using ::testing::make_lane_id;
using ::testing::make_tasks;

class BacklogMetrics : public ::testing::StoreTest {
 protected:
  queue::LaneId make_lane(const std::string& kind, LaneState state = LaneState::active) {
    const queue::LaneId lane = make_lane_id();
    store.write([&](db::Tx& tx) { return queue::insert_lane(tx, lane, tenant, kind, state); });
    return lane;
  }
  /// So many tasks of a lane, due so long ago.
  void insert(queue::LaneId lane, std::size_t count, std::chrono::microseconds ago) {
    const auto tasks = make_tasks({.lane = lane, .tenant = tenant, .now = clock.now() - ago}, count);
    store.write([&](db::Tx& tx) { return queue::insert_tasks(tx, tasks); });
  }
  void look() {
    const auto once = [](db::Db& db, const base::Clock& time_of) -> base::Task<void> {
      BacklogWatch watch(co_await asio::this_coro::executor, db, time_of);
      co_return co_await watch.look();
    };
    ASSERT_TRUE(::testing::run(once(*store, clock)));
  }
  /// The line of a series as it is written out.
  static std::string line(const std::string& series) {
    const std::string text = "\n" + base::metrics().text();
    const std::size_t at = text.find("\n" + series + " ");
    return at == std::string::npos
               ? "none"
               : text.substr(at + series.size() + 2, text.find('\n', at + 1) - at - series.size() - 2);
  }

  ::testing::FakeClock clock;
  const base::TenantId tenant = ::testing::make_tenant_id();
};

INSTANTIATE_TEST_SUITE_P(Engines, BacklogMetrics, ::testing::both_engines(), ::testing::engine_name);

TEST_P(BacklogMetrics, tell_how_much_waits_of_each_kind_and_how_late_the_oldest_is) {
  insert(make_lane("deliver"), 3, 90s);
  insert(make_lane("deliver"), 2, -1h);
  insert(make_lane("deliver", LaneState::paused), 4, 24h);
  insert(make_lane("fanout"), 1, -1h);
  make_lane("inbound");

  look();

  EXPECT_EQ(line(R"(crossdock_backlog_tasks{kind="deliver",state="active"})"), "5");
  EXPECT_EQ(line(R"(crossdock_backlog_tasks{kind="deliver",state="paused"})"), "4");
  EXPECT_EQ(line(R"(crossdock_backlog_tasks{kind="fanout",state="active"})"), "1");
  EXPECT_EQ(line(R"(crossdock_backlog_oldest_seconds{kind="deliver"})"), "90");
  EXPECT_EQ(line(R"(crossdock_backlog_oldest_seconds{kind="fanout"})"), "0") << "it is not due yet";
}

TEST_P(BacklogMetrics, are_no_numbers_while_nothing_can_be_counted) {
  insert(make_lane("deliver"), 3, 90s);
  ::testing::FaultyDb faulty(*store);
  const auto twice = [](::testing::FaultyDb& db, const base::Clock& time_of) -> base::Task<void> {
    BacklogWatch watch(co_await asio::this_coro::executor, db, time_of);
    XD_CO_DO(co_await watch.look());
    db.refuse_reads(1);
    co_return co_await watch.look();
  };

  EXPECT_FALSE(::testing::run(twice(faulty, clock)));

  EXPECT_TRUE(std::isnan(std::stod(line(R"(crossdock_backlog_tasks{kind="deliver",state="active"})"))));
  EXPECT_TRUE(std::isnan(std::stod(line(R"(crossdock_backlog_oldest_seconds{kind="deliver"})"))));
}

}  // namespace

}  // namespace monitor
