// What PostgreSQL makes of the statements of the hot path.
#include <gtest/gtest.h>

#include "queue/queue_store.hpp"
#include "testing/core_db.hpp"
#include "testing/tasks.hpp"

namespace queue {

namespace {

using namespace std::chrono_literals;
using ::testing::make_lane_id;
using ::testing::make_tasks;
using ::testing::make_tenant_id;

constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};

class HotPath : public ::testing::StoreTest {
 protected:
  /// All that happens to tasks, one after the other.
  Result<void> pass(db::Tx& tx, std::span<const Task> tasks) const {
    XD_TRY(const auto lease, acquire(tx, lane, node));
    const std::int64_t epoch = lease ? lease->epoch : 1;
    XD_DO(load(tx, lane, kNow, 100));
    XD_DO(load_ordered(tx, lane, kNow, 100, ""));
    XD_DO(load_ordered(tx, lane, kNow, 5, "", {.id = tasks.front().id}));
    XD_DO(lanes_with_tasks(tx));
    for (const Task& task : tasks) {
      const Opening opening{lane, task.id, epoch};
      XD_DO(open(tx, {&opening, 1}, node, kNow));
      XD_DO(advance_args(tx, task, "{}"));
      XD_DO(find_task(tx, tenant, task.id));
      XD_DO(is_replayed(tx, task.ref));
      const Outcome again{Verdict::retry_at(kNow)};
      const Closing retried{&task, &again, epoch};
      XD_DO(close(tx, {&retried, 1}, node));
      const Outcome done{Verdict::done()};
      const Closing closed{&task, &done, epoch};
      XD_DO(close(tx, {&closed, 1}, node));
    }
    return {};
  }
  /// Scans from end to end, in this transaction.
  static Result<std::int64_t> scans(db::Tx& tx) {
    std::int64_t count = 0;
    XD_DO(
        tx.query("SELECT pg_stat_get_xact_numscans('tasks'::regclass)"
                 " + pg_stat_get_xact_numscans('lanes'::regclass)",
                 {}, [&](const db::Row& row) { count = row.integer(0); }));
    return count;
  }

  const LaneId lane = make_lane_id();
  const base::TenantId tenant = make_tenant_id();
  const base::Uuid node = base::make_uuid(kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, HotPath, ::testing::Values(db::Engine::postgres), ::testing::engine_name);

TEST_P(HotPath, reads_no_table_from_end_to_end_whatever_was_planned_while_it_was_empty) {
  std::vector<Task> tasks = make_tasks({.lane = lane, .tenant = tenant, .now = kNow}, 20);
  for (Task& task : tasks) task.order_key = task.id.str();
  std::int64_t before = 0;
  std::int64_t after = 0;
  // One transaction is one connection, which keeps its plans from the sixth execution on.
  store.write([&](db::Tx& tx) -> Result<void> {
    XD_DO(tx.exec("ANALYZE tasks"));
    XD_DO(tx.exec("ANALYZE lanes"));
    XD_DO(pass(tx, tasks));
    XD_DO(renew(tx, {node}, 60s));
    XD_DO(insert_lane(tx, lane, tenant, "test", LaneState::active));
    XD_DO(insert_tasks(tx, tasks));
    XD_TRY(before, scans(tx));
    XD_DO(pass(tx, tasks));
    XD_TRY(after, scans(tx));
    return {};
  });
  EXPECT_EQ(after - before, 0);
}

}  // namespace

}  // namespace queue
