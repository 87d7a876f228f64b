#include "operation/pieces.hpp"

#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/node.hpp"

namespace operation {

namespace {

/// One whose steps a test takes itself.
class Stepping final : public PieceHandler {
 public:
  using PieceHandler::begin_step;
  using PieceHandler::end_step;
  using PieceHandler::PieceHandler;

 private:
  base::Task<queue::Verdict> perform(const Operation&) override { co_return queue::Verdict::done(); }
};

class Steps : public ::testing::StoreTest {
 protected:
  Steps() {
    store.write([&](db::Tx& tx) { return start(tx, node.queue(), made, "test"); });
    store.write([&](db::Tx& tx) { return node.queue().create_lane(tx, lane, *made.tenant, "work"); });
  }
  /// A step from what the operation was, with one task.
  base::Result<base::Time> step_from(const Operation& before, bool last) {
    return store->write_now([&](db::Tx& tx) {
      auto step = handler.begin_step(before, std::nullopt);
      ++step.after.done;
      step.take({.lane = lane,
                 .id = queue::TaskId::make(clock.now()),
                 .tenant = *made.tenant,
                 .kind = "work",
                 .created = clock.now()});
      return handler.end_step(tx, before, std::move(step), lane.uuid, last);
    });
  }
  Operation known() {
    return *store.read([&](db::Tx& tx) { return find_operation(tx, made.id); });
  }
  std::int64_t tasks() { return store.integer("SELECT count(*) FROM tasks WHERE kind = 'work'"); }

  ::testing::FakeClock clock;
  ::testing::Node node{*store, clock};  // not started
  Stepping handler{*store, node.queue(), clock};
  const Operation made{.id = OperationId::make(clock.now()),
                       .tenant = TenantId::make(clock.now()),
                       .kind = "TEST",
                       .created = clock.now(),
                       .updated = clock.now()};
  const queue::LaneId lane = queue::LaneId::make(clock.now());
};

INSTANTIATE_TEST_SUITE_P(Engines, Steps, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Steps, that_somebody_else_has_done_change_nothing) {
  ASSERT_TRUE(step_from(made, false));

  const auto again = step_from(made, false);

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, base::Code::conflict);
  EXPECT_EQ(tasks(), 1);
  EXPECT_EQ(known().done, 1);
}

TEST_P(Steps, of_an_operation_that_was_cancelled_change_nothing) {
  store.write([&](db::Tx& tx) { return cancel(tx, node.queue(), made, clock.now()); });

  EXPECT_FALSE(step_from(made, true));

  EXPECT_EQ(tasks(), 0);
  EXPECT_EQ(known().status, Status::cancelled);
}

TEST_P(Steps, end_the_operation_with_the_last) {
  ASSERT_TRUE(step_from(made, true));

  EXPECT_EQ(known().status, Status::completed);
  EXPECT_EQ(known().total, 1);
  EXPECT_EQ(tasks(), 1);
}

}  // namespace

}  // namespace operation
