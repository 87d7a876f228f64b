#include "operation/operation.hpp"

#include "queue/queue_store.hpp"
#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/node.hpp"

namespace operation {

namespace {

using namespace std::chrono_literals;

class Operations : public ::testing::StoreTest {
 protected:
  Operation make(std::optional<TenantId> tenant) {
    Operation made{.id = OperationId::make(clock.now()), .tenant = tenant, .kind = "TEST"};
    made.parameters = R"({"a":1})";
    made.created = clock.now();
    made.updated = clock.now();
    return made;
  }
  Operation started(std::optional<TenantId> tenant) {
    const Operation made = make(tenant);
    store.write([&](db::Tx& tx) { return start(tx, node.queue(), made, "test"); });
    return made;
  }
  std::optional<Operation> find(const Operation& operation) {
    return store.read([&](db::Tx& tx) { return find_operation(tx, operation.id); });
  }
  bool advance_to(const Operation& before, const Operation& after) {
    return store.write([&](db::Tx& tx) { return advance(tx, node.queue(), before, after); });
  }
  bool cancel_now(const Operation& known) {
    return store.write([&](db::Tx& tx) { return cancel(tx, node.queue(), known, clock.now()); });
  }
  std::int64_t tasks_of(const Operation& operation) {
    return store.integer("SELECT count(*) FROM tasks WHERE lane_id = $1", {operation.id});
  }

  ::testing::FakeClock clock;
  ::testing::Node node{*store, clock};  // not started
  const TenantId acme = TenantId::make(clock.now());
  const TenantId other = TenantId::make(clock.now());
};

INSTANTIATE_TEST_SUITE_P(Engines, Operations, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Operations, begin_with_a_task_in_a_lane_of_their_own) {
  const Operation made = started(acme);

  const auto found = find(made);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->tenant, acme);
  EXPECT_EQ(found->status, Status::pending);
  EXPECT_EQ(found->parameters, R"({"a":1})");
  EXPECT_EQ(found->created, made.created);
  EXPECT_EQ(found->total, std::nullopt);
  EXPECT_EQ(tasks_of(made), 1);
  EXPECT_EQ(store.text("SELECT kind FROM tasks WHERE lane_id = $1", {made.id}), "test");
}

TEST_P(Operations, keep_what_a_piece_has_done) {
  const Operation made = started(acme);
  Operation after = made;
  after.status = Status::running;
  after.cursor = "7";
  after.total = 10;
  after.done = 5;
  after.fail_one("EVENT_GONE");
  after.fail_one("EVENT_GONE");
  after.started = clock.now();

  EXPECT_TRUE(advance_to(made, after));

  const auto found = find(made);
  EXPECT_EQ(found->status, Status::running);
  EXPECT_EQ(found->cursor, "7");
  EXPECT_EQ(found->total, 10);
  EXPECT_EQ(found->done, 5);
  EXPECT_EQ(found->failed, 2);
  EXPECT_EQ(found->reasons.at("EVENT_GONE"), 2);
  EXPECT_EQ(found->started, clock.now());
  EXPECT_EQ(tasks_of(made), 1);
}

TEST_P(Operations, refuse_a_piece_that_another_node_has_done) {
  const Operation made = started(acme);
  Operation after = made;
  after.cursor = "7";
  ASSERT_TRUE(advance_to(made, after));
  Operation stale = made;
  stale.cursor = "5";

  EXPECT_FALSE(advance_to(made, stale));
  EXPECT_EQ(find(made)->cursor, "7");
}

TEST_P(Operations, lose_their_lane_at_the_end) {
  const Operation made = started(acme);
  Operation after = made;
  after.status = Status::completed;
  after.finished = clock.now();

  EXPECT_TRUE(advance_to(made, after));

  EXPECT_EQ(tasks_of(made), 0);
  EXPECT_EQ(store.integer("SELECT count(*) FROM lanes"), 0);
  EXPECT_EQ(find(made)->finished, clock.now());
}

TEST_P(Operations, that_are_cancelled_go_no_further) {
  const Operation made = started(acme);
  Operation running = made;
  running.status = Status::running;
  running.cursor = "7";
  ASSERT_TRUE(advance_to(made, running));

  EXPECT_TRUE(cancel_now(made));  // as it was when the request came

  EXPECT_EQ(find(made)->status, Status::cancelled);
  EXPECT_EQ(find(made)->cursor, "7");
  EXPECT_EQ(tasks_of(made), 0);
  Operation after = running;
  after.cursor = "9";
  EXPECT_FALSE(advance_to(running, after));
  EXPECT_FALSE(cancel_now(*find(made)));
}

TEST_P(Operations, are_listed_for_their_tenant_by_kind_and_status) {
  const Operation first = started(acme);
  const Operation second = started(acme);
  const Operation foreign = started(other);
  const Operation of_platform = started(std::nullopt);
  ASSERT_TRUE(cancel_now(second));
  const auto listed = [&](OperationQuery query) {
    std::vector<OperationId> ids;
    for (const auto& one : store.read([&](db::Tx& tx) { return list_operations(tx, query); })) {
      ids.push_back(one.id);
    }
    return ids;
  };

  EXPECT_EQ(listed({.tenant = acme}), (std::vector{second.id, first.id}));
  EXPECT_EQ(listed({.tenant = acme, .statuses = {Status::cancelled, Status::failed}}),
            (std::vector{second.id}));
  EXPECT_EQ(listed({.tenant = acme, .kind = "OTHER"}), std::vector<OperationId>{});
  EXPECT_EQ(listed({.tenant = other}), (std::vector{foreign.id}));
  EXPECT_EQ(listed({}), (std::vector{of_platform.id}));
}

TEST_P(Operations, are_listed_by_state_page_by_page_in_both_directions) {
  std::vector<OperationId> ids;  // newest first; every third is cancelled
  for (int i = 0; i < 9; ++i) {
    const Operation made = started(acme);
    if (i % 3 == 0) cancel_now(made);
    ids.insert(ids.begin(), made.id);
  }
  const auto listed = [&](db::Page page) {
    std::vector<OperationId> found;
    const OperationQuery query{
        .tenant = acme, .kind = "TEST", .statuses = {Status::pending, Status::cancelled}, .page = page};
    for (const auto& one : store.read([&](db::Tx& tx) { return list_operations(tx, query); }))
      found.push_back(one.id);
    return found;
  };
  const auto part = [&](std::ptrdiff_t from, std::ptrdiff_t count) {
    return std::vector(ids.begin() + from, ids.begin() + from + count);
  };

  EXPECT_EQ(listed({.limit = 4}), part(0, 4));
  EXPECT_EQ(listed({.before = ids[3].uuid, .limit = 4}), part(4, 4));
  EXPECT_EQ(listed({.after = ids[8].uuid, .limit = 4}), part(4, 4));
  EXPECT_EQ(listed({.after = ids[2].uuid, .limit = 4}), part(0, 2));
}

TEST_P(Operations, are_listed_up_to_a_number_of_bytes) {
  for (int i = 0; i < 5; ++i) {
    Operation large = make(acme);
    large.parameters = "\"" + std::string(base::limits::kPageBytesMax / 2, 'x') + "\"";
    store.write([&](db::Tx& tx) { return insert_operation(tx, large); });
  }
  const auto count = [&](OperationQuery query) {
    query.tenant = acme;
    return store.read([&](db::Tx& tx) { return list_operations(tx, query); }).size();
  };

  EXPECT_EQ(count({}), 2U);
  EXPECT_EQ(count({.statuses = {Status::pending}}), 2U);
}

TEST_P(Operations, are_found_by_state_without_a_look_at_the_others) {
  if (GetParam() == db::Engine::sqlite) GTEST_SKIP() << "it does not tell how many rows it looked at";
  Operation done = make(acme);
  done.status = Status::completed;
  store.write([&](db::Tx& tx) -> base::Result<void> {
    for (int i = 0; i < 500; ++i) {
      done.id = OperationId::make(clock.now());
      XD_DO(insert_operation(tx, done));
    }
    XD_DO(tx.exec("ANALYZE operations"));
    return {};
  });
  const db::Page pages[] = {{}, {.before = done.id.uuid}, {.after = base::Uuid{}}};
  std::vector<OperationQuery> queries;
  for (const db::Page& page : pages) {
    queries.push_back({.tenant = acme, .statuses = {Status::failed}, .page = page});
    queries.push_back({.tenant = acme, .kind = "TEST", .statuses = {Status::failed}, .page = page});
    queries.push_back({.tenant = acme, .kind = "OTHER", .page = page});
  }
  const auto looked_at = [](db::Tx& tx) {
    std::int64_t rows = 0;
    const auto read = tx.query(
        "SELECT pg_stat_get_xact_tuples_fetched('operations'::regclass)"
        " + pg_stat_get_xact_tuples_returned('operations'::regclass)",
        {}, [&](const db::Row& row) { rows = row.integer(0); });
    EXPECT_TRUE(read);
    return rows;
  };
  for (const OperationQuery& query : queries) {
    store.read([&](db::Tx& tx) -> base::Result<void> {
      const std::int64_t before = looked_at(tx);
      XD_TRY(const auto found, list_operations(tx, query));
      EXPECT_TRUE(found.empty());
      EXPECT_LE(looked_at(tx) - before, 5) << &query - queries.data();
      return {};
    });
  }
}

TEST_P(Operations, are_found_by_state_by_an_index_of_their_own) {
  if (GetParam() != db::Engine::sqlite) GTEST_SKIP() << "the rows it looks at are counted";
  for (const std::string filter : {"status = 'FAILED'", "status = 'FAILED' AND kind = 'TEST'"}) {
    std::string plan;
    store.read([&](db::Tx& tx) {
      return tx.query("EXPLAIN QUERY PLAN SELECT id FROM operations WHERE tenant_id = $1 AND " + filter +
                          " AND id < $2 ORDER BY id DESC LIMIT 51",
                      {acme, base::make_uuid(clock.now())},
                      [&](const db::Row& row) { plan += row.string(3) + "\n"; });
    });
    const bool by_kind = filter.contains("kind");
    EXPECT_TRUE(plan.contains(by_kind ? "operations_by_kind" : "operations_by_status")) << plan;
    EXPECT_FALSE(plan.contains("TEMP B-TREE")) << plan;
  }
}

TEST_P(Operations, are_forgotten_a_month_after_their_end) {
  const Operation old = started(acme);
  const Operation running = started(acme);
  ASSERT_TRUE(cancel_now(old));
  const auto forget = [&](base::Time now) {
    return store.write([&](db::Tx& tx) { return forget_operations(tx, now, 100); });
  };

  EXPECT_EQ(forget(clock.now() + kOperationPeriod), 0);
  EXPECT_EQ(forget(clock.now() + kOperationPeriod + 1us), 1);

  EXPECT_FALSE(find(old));
  EXPECT_TRUE(find(running));
}

}  // namespace

}  // namespace operation
