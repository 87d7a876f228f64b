// The contract of statements: exec, query, each, script.
#include "db/conformance_test.hpp"

namespace db {
namespace {

using base::Code;
using Integers = std::vector<std::int64_t>;

class StoreStatement : public StoreTest {
 protected:
  void SetUp() override {
    script("CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT NOT NULL, state TEXT)");
  }

  void insert(std::int64_t first, std::int64_t last) {
    std::vector<Arg> args;
    for (std::int64_t id = first; id <= last; ++id) args.insert(args.end(), {id, "name"});
    must(store->write_now(
        [&](Tx& tx) { return tx.each("INSERT INTO item (id, name) VALUES ($1, $2)", 2, args); }));
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, StoreStatement, testing::both_engines(), testing::engine_name);

TEST_P(StoreStatement, exec_returns_the_rows_changed) {
  EXPECT_EQ(must(exec("INSERT INTO item (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')")), 3);
  EXPECT_EQ(must(exec("UPDATE item SET name = $1 WHERE id > $2", {"d", 1})), 2);
  EXPECT_EQ(must(exec("UPDATE item SET name = 'e' WHERE id = 9")), 0);
  EXPECT_EQ(must(exec("DELETE FROM item WHERE id = 1")), 1);
}

TEST_P(StoreStatement, query_gives_rows_in_order_and_their_number) {
  insert(1, 3);
  Integers found;
  const auto rows = must(store->read_now([&](Tx& tx) {
    return tx.query("SELECT id FROM item ORDER BY id DESC", {},
                    [&](const Row& row) { found.push_back(row.integer(0)); });
  }));
  EXPECT_EQ(rows, 3);
  EXPECT_EQ(found, (Integers{3, 2, 1}));
}

TEST_P(StoreStatement, query_without_rows_calls_nobody) {
  const auto rows = must(store->read_now([&](Tx& tx) {
    return tx.query("SELECT id FROM item", {}, [](const Row&) { FAIL() << "there is no row"; });
  }));
  EXPECT_EQ(rows, 0);
}

TEST_P(StoreStatement, query_takes_a_list_built_at_run_time) {
  insert(1, 9);
  const std::vector<Arg> ids = {2, 4, 8, 100};
  std::string marks;
  for (std::size_t i = 1; i <= ids.size(); ++i) marks += (i == 1 ? "$" : ", $") + std::to_string(i);
  Integers found;
  must(store->read_now([&](Tx& tx) {
    return tx.query("SELECT id FROM item WHERE id IN (" + marks + ") ORDER BY id", ids,
                    [&](const Row& row) { found.push_back(row.integer(0)); });
  }));
  EXPECT_EQ(found, (Integers{2, 4, 8}));
}

TEST_P(StoreStatement, returning_gives_the_rows_it_changed) {
  insert(1, 3);
  Integers changed;
  const auto rows = must(store->write_now([&](Tx& tx) {
    return tx.query("UPDATE item SET name = 'new' WHERE id >= $1 RETURNING id", {2},
                    [&](const Row& row) { changed.push_back(row.integer(0)); });
  }));
  std::ranges::sort(changed);  // RETURNING promises no order
  EXPECT_EQ(rows, 2);
  EXPECT_EQ(changed, (Integers{2, 3}));
}

TEST_P(StoreStatement, on_conflict_do_nothing_counts_nothing) {
  const char* const sql = "INSERT INTO item (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
  EXPECT_EQ(must(exec(sql, {1, "first"})), 1);
  EXPECT_EQ(must(exec(sql, {1, "second"})), 0);
  EXPECT_EQ(integer("SELECT COUNT(*) FROM item WHERE name = 'first'"), 1);
}

TEST_P(StoreStatement, on_conflict_do_update_counts_the_row) {
  const char* const sql =
      "INSERT INTO item (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name";
  EXPECT_EQ(must(exec(sql, {1, "first"})), 1);
  EXPECT_EQ(must(exec(sql, {1, "second"})), 1);
  EXPECT_EQ(integer("SELECT COUNT(*) FROM item WHERE name = 'second'"), 1);
}

TEST_P(StoreStatement, conflict_on_a_partial_index_is_seen) {
  script("CREATE UNIQUE INDEX item_active ON item (name) WHERE state = 'ACTIVE'");
  const char* const sql =
      "INSERT INTO item (id, name, state) VALUES ($1, 'x', $2) ON CONFLICT (name) WHERE state = 'ACTIVE' DO "
      "NOTHING";
  EXPECT_EQ(must(exec(sql, {1, "ACTIVE"})), 1);
  EXPECT_EQ(must(exec(sql, {2, "ACTIVE"})), 0);
  EXPECT_EQ(must(exec(sql, {3, "PAUSED"})), 1);
  EXPECT_EQ(must(exec(sql, {4, "PAUSED"})), 1);
}

TEST_P(StoreStatement, row_values_page_by_key) {
  for (std::int64_t id = 1; id <= 6; ++id) {
    must(exec("INSERT INTO item (id, name) VALUES ($1, $2)", {id, id <= 3 ? "a" : "b"}));
  }
  const char* const sql = "SELECT id FROM item WHERE (name, id) > ($1, $2) ORDER BY name, id LIMIT $3";
  EXPECT_EQ(integers(sql, {"", 0, 2}), (Integers{1, 2}));
  EXPECT_EQ(integers(sql, {"a", 2, 2}), (Integers{3, 4}));
  EXPECT_EQ(integers(sql, {"b", 4, 9}), (Integers{5, 6}));
  EXPECT_EQ(integers("SELECT id FROM item WHERE (name, id) < ($1, $2) ORDER BY name DESC, id DESC LIMIT 2",
                     {"b", 5}),
            (Integers{4, 3}));
}

TEST_P(StoreStatement, each_runs_in_order_and_reports_each) {
  const std::vector<Arg> args = {3, "c", 1, "a", 3, "again", 2, "b"};
  std::vector<std::pair<std::size_t, std::int64_t>> reported;
  must(store->write_now([&](Tx& tx) {
    return tx.each("INSERT INTO item (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING", 2, args,
                   [&](std::size_t index, std::int64_t rows, const Row* first) {
                     EXPECT_EQ(first, nullptr);
                     reported.emplace_back(index, rows);
                   });
  }));
  EXPECT_EQ(reported, (std::vector<std::pair<std::size_t, std::int64_t>>{{0, 1}, {1, 1}, {2, 0}, {3, 1}}));
  EXPECT_EQ(integer("SELECT COUNT(*) FROM item WHERE name = 'c'"), 1);
}

TEST_P(StoreStatement, each_gives_the_row_that_each_returned) {
  const std::vector<Arg> args = {1, "a", 1, "again", 2, "b"};
  std::vector<std::string> reported;
  must(store->write_now([&](Tx& tx) {
    return tx.each("INSERT INTO item (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING name", 2,
                   args, [&](std::size_t, std::int64_t rows, const Row* first) {
                     EXPECT_EQ(rows, first == nullptr ? 0 : 1);
                     reported.push_back(first == nullptr ? "nothing" : first->string(0));
                   });
  }));
  EXPECT_EQ(reported, (std::vector<std::string>{"a", "nothing", "b"}));
}

TEST_P(StoreStatement, each_may_look_up_rows) {
  insert(1, 5);
  const std::vector<Arg> args = {5, 7, 1};
  Integers found;
  must(store->read_now([&](Tx& tx) {
    return tx.each(
        "SELECT id FROM item WHERE id = $1", 1, args,
        [&](std::size_t, std::int64_t, const Row* first) { found.push_back(first ? first->integer(0) : 0); });
  }));
  EXPECT_EQ(found, (Integers{5, 0, 1}));
}

TEST_P(StoreStatement, each_of_nothing_does_nothing) {
  must(store->write_now([&](Tx& tx) {
    return tx.each("INSERT INTO item (id, name) VALUES ($1, $2)", 2, std::vector<Arg>{},
                   [](std::size_t, std::int64_t, const Row*) { FAIL() << "nothing was run"; });
  }));
  EXPECT_EQ(integer("SELECT COUNT(*) FROM item"), 0);
}

TEST_P(StoreStatement, each_takes_5000_rows_of_1_kib) {
  constexpr std::int64_t kRows = 5000;
  const std::string body(1024, 'b');
  std::vector<Arg> args;
  for (std::int64_t id = 0; id < kRows; ++id) args.insert(args.end(), {id, body});
  std::size_t expected = 0;
  must(store->write_now([&](Tx& tx) {
    return tx.each("INSERT INTO item (id, name) VALUES ($1, $2) RETURNING name", 2, args,
                   [&](std::size_t index, std::int64_t, const Row* first) {
                     ASSERT_EQ(index, expected++);
                     ASSERT_EQ(first->text(0), body);
                   });
  }));
  EXPECT_EQ(expected, kRows);
  EXPECT_EQ(integer("SELECT CAST(SUM(LENGTH(name)) AS BIGINT) FROM item"), kRows * 1024);
}

TEST_P(StoreStatement, each_ends_at_the_first_error_and_leaves_nothing) {
  const std::vector<Arg> args = {1, "a", 2, "b", 1, "conflict", 3, "c"};
  Integers reported;
  const auto result = store->write_now([&](Tx& tx) {
    return tx.each(
        "INSERT INTO item (id, name) VALUES ($1, $2)", 2, args,
        [&](std::size_t index, std::int64_t, const Row*) { reported.push_back(static_cast<int>(index)); });
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::conflict);
  EXPECT_EQ(reported, (Integers{0, 1}));
  EXPECT_EQ(integer("SELECT COUNT(*) FROM item"), 0);
}

TEST_P(StoreStatement, thousand_different_statements_are_run_and_run_again) {
  for (int round = 0; round < 2; ++round) {
    must(store->write_now([&](Tx& tx) -> base::Result<void> {
      for (int i = 0; i < 1000; ++i) {
        std::int64_t sum = 0;
        const std::string sql = "SELECT CAST($1 AS BIGINT) + " + std::to_string(i);
        XD_DO(tx.query(sql, {round}, [&](const Row& row) { sum = row.integer(0); }));
        EXPECT_EQ(sum, round + i);
      }
      return {};
    }));
  }
}

TEST_P(StoreStatement, script_runs_the_parts_of_its_engine) {
  script(R"(
    CREATE TABLE part (name TEXT) /*sqlite STRICT*/;
    /*sqlite INSERT INTO part VALUES ('sqlite');*/
    /*postgres INSERT INTO part VALUES ('postgres');*/
    INSERT INTO part VALUES ('both; -- or /*sqlite none*/');  -- it's a comment
  )");
  std::vector<std::string> found;
  must(store->read_now([&](Tx& tx) {
    return tx.query("SELECT name FROM part ORDER BY name", {},
                    [&](const Row& row) { found.push_back(row.string(0)); });
  }));
  const std::string engine = GetParam() == Engine::sqlite ? "sqlite" : "postgres";
  EXPECT_EQ(found, (std::vector<std::string>{"both; -- or /*sqlite none*/", engine}));
}

TEST_P(StoreStatement, script_that_fails_leaves_nothing) {
  const auto result = store->write_now([](Tx& tx) {
    return tx.script("CREATE TABLE other (id BIGINT); INSERT INTO other VALUES (1); NONSENSE;");
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::invalid);
  EXPECT_EQ(exec("INSERT INTO other VALUES (1)").error().code, Code::invalid);
}

TEST_P(StoreStatement, script_and_statements_share_a_transaction) {
  must(store->write_now([](Tx& tx) -> base::Result<void> {
    XD_DO(tx.exec("INSERT INTO item (id, name) VALUES (1, 'old')"));
    XD_DO(tx.script("UPDATE item SET name = 'new'; CREATE TABLE other (id BIGINT)"));
    XD_DO(tx.exec("INSERT INTO other SELECT id FROM item WHERE name = $1", {"new"}));
    return {};
  }));
  EXPECT_EQ(integers("SELECT id FROM other"), (Integers{1}));
}

TEST_P(StoreStatement, mistakes_are_invalid) {
  EXPECT_EQ(exec("INSRT INTO item VALUES (1)").error().code, Code::invalid);
  EXPECT_EQ(exec("INSERT INTO nowhere VALUES (1)").error().code, Code::invalid);
  EXPECT_EQ(exec("INSERT INTO item (id, nothing) VALUES (1, 2)").error().code, Code::invalid);
  EXPECT_EQ(exec("INSERT INTO item (id, name) VALUES ($1, $2)", {1}).error().code, Code::invalid);
}

}  // namespace
}  // namespace db
