// What is true of the PostgreSQL engine only: its session, its types, and locks between its connections.
#include <gtest/gtest.h>

#include <latch>

#include "db/conformance_test.hpp"
#include "testing/postgres_server.hpp"

namespace db {
namespace {

using base::Code;
using base::Result;

class Postgres : public testing::Test {
 protected:
  void SetUp() override {
    script("CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT, amount DOUBLE PRECISION)");
  }

  void script(std::string_view sql) {
    must(store->write_now([&](Tx& tx) { return tx.script(sql); }));
  }
  Result<std::int64_t> exec(std::string_view sql, std::initializer_list<Arg> args = {}) {
    return store->write_now([&](Tx& tx) { return tx.exec(sql, args); });
  }
  std::string text(Db& db, std::string_view sql) {
    std::string found;
    must(db.write_now(
        [&](Tx& tx) { return tx.query(sql, {}, [&](const Row& row) { found = row.string(0); }); }));
    return found;
  }

  testing::TestDb store{Engine::postgres};
};

TEST_F(Postgres, session_has_its_settings) {
  EXPECT_EQ(text(*store, "SELECT current_setting('statement_timeout')"), "30s");
  EXPECT_EQ(text(*store, "SELECT current_setting('lock_timeout')"), "2s");
  EXPECT_EQ(text(*store, "SELECT current_setting('idle_in_transaction_session_timeout')"), "10s");
  EXPECT_EQ(text(*store, "SELECT current_setting('TimeZone')"), "UTC");
  EXPECT_EQ(text(*store, "SELECT current_setting('application_name')"), "crossdock");
  EXPECT_EQ(text(*store, "SELECT current_setting('transaction_isolation')"), "read committed");
}

TEST_F(Postgres, commits_are_synchronous_whatever_the_role_says) {
  const testing::PostgresServer server({.settings = {"synchronous_commit=off"}});
  const auto other = must(open_postgres({.url = server.url()}));
  EXPECT_EQ(text(*other, "SELECT current_setting('synchronous_commit')"), "on");
}

TEST_F(Postgres, stronger_commits_than_ours_are_kept) {
  const testing::PostgresServer server({.settings = {"synchronous_commit=remote_apply"}});
  const auto other = must(open_postgres({.url = server.url()}));
  EXPECT_EQ(text(*other, "SELECT current_setting('synchronous_commit')"), "remote_apply");
}

TEST_F(Postgres, store_has_a_schema_of_its_own) {
  testing::TestDb other(Engine::postgres);
  const auto result = other->write_now([](Tx& tx) { return tx.exec("DELETE FROM item"); });
  EXPECT_EQ(result.error().code, Code::invalid);
}

TEST_F(Postgres, schema_may_be_created_by_several_at_once) {
  const std::string schema = "odd \"name\" " + std::to_string(getpid());
  constexpr int kThreads = 6;
  std::atomic<int> opened = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      opened += open_postgres({.url = testing::PostgresServer::shared_url(), .schema = schema}).has_value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(opened, kThreads);
  script("DROP SCHEMA \"odd \"\"name\"\" " + std::to_string(getpid()) + "\"");
}

TEST_F(Postgres, url_that_cannot_be_read_is_invalid_and_not_shown) {
  for (const char* url :
       {"postgresq//user:s3cret@host/db", "postgresql://user:s3cret@host/db?nonsense=1", "s3cret"}) {
    const auto opened = open_postgres({.url = url});
    ASSERT_FALSE(opened) << url;
    EXPECT_EQ(opened.error().code, Code::invalid);
    EXPECT_EQ(opened.error().message.find("s3cret"), std::string::npos);
  }
}

TEST_F(Postgres, server_that_cannot_be_reached_is_unavailable) {
  EXPECT_EQ(open_postgres({.url = "postgresql://user:s3cret@127.0.0.1:1/db"}).error().code,
            Code::unavailable);
  EXPECT_EQ(open_postgres({.url = testing::postgres_url("/nonexistent")}).error().code, Code::unavailable);
}

TEST_F(Postgres, integers_fit_smaller_types_or_are_refused) {
  script("CREATE TABLE small (two SMALLINT, four INTEGER)");
  const char* const sql = "INSERT INTO small VALUES ($1, $2)";
  EXPECT_EQ(must(exec(sql, {-32768, -2147483648LL})), 1);
  EXPECT_EQ(exec(sql, {32768, 0}).error().code, Code::invalid);
  EXPECT_EQ(exec(sql, {0, 2147483648LL}).error().code, Code::invalid);
  must(store->read_now([](Tx& tx) {
    return tx.query("SELECT two, four FROM small", {}, [](const Row& row) {
      EXPECT_EQ(row.integer(0), -32768);
      EXPECT_EQ(row.integer(1), -2147483648LL);
    });
  }));
}

TEST_F(Postgres, arguments_of_another_kind_are_refused) {
  const base::Uuid uuid = base::make_uuid(base::from_micros(1'700'000'000'000'000));
  const char* const by_id = "UPDATE item SET name = 'x' WHERE id = $1";
  EXPECT_EQ(exec(by_id, {"1"}).error().code, Code::invalid);
  EXPECT_EQ(exec(by_id, {1.5}).error().code, Code::invalid);
  EXPECT_EQ(exec(by_id, {uuid}).error().code, Code::invalid);
  const char* const by_name = "UPDATE item SET amount = 1 WHERE name = $1";
  EXPECT_EQ(exec(by_name, {4'702'394'921'427'289'928}).error().code, Code::invalid);
  EXPECT_EQ(exec(by_name, {Arg::blob("x")}).error().code, Code::invalid);
  EXPECT_EQ(exec("UPDATE item SET amount = $1", {"1.5"}).error().code, Code::invalid);
}

TEST_F(Postgres, integer_argument_of_a_real_column_becomes_real) {
  must(exec("INSERT INTO item (id, amount) VALUES (1, $1)", {-3}));
  EXPECT_EQ(text(*store, "SELECT CAST(amount AS TEXT) FROM item"), "-3");
}

TEST_F(Postgres, refused_argument_in_the_middle_of_many_leaves_the_connection_whole) {
  const std::vector<Arg> args = {1, "a", 2, 2.5, 3, "c"};
  for (int round = 0; round < 8; ++round) {
    const auto result = store->write_now(
        [&](Tx& tx) { return tx.each("INSERT INTO item (id, name) VALUES ($1, $2)", 2, args); });
    ASSERT_EQ(result.error().code, Code::invalid);
    ASSERT_EQ(must(exec("DELETE FROM item")), 0);
  }
}

TEST_F(Postgres, text_with_a_zero_byte_is_refused_without_showing_it) {
  const auto result = exec("INSERT INTO item (id, name) VALUES (1, $1)", {std::string_view("s3\0cret", 7)});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::invalid);
  EXPECT_EQ(result.error().message.find("s3"), std::string::npos);
}

TEST_F(Postgres, mistake_is_shown_with_its_statement) {
  const auto result = exec("UPDATE item SET nothing = 1");
  EXPECT_NE(result.error().message.find("42703"), std::string::npos) << result.error().message;
  EXPECT_NE(result.error().message.find("UPDATE item SET nothing = 1"), std::string::npos)
      << result.error().message;
}

TEST_F(Postgres, answers_larger_than_every_buffer_do_not_deadlock) {
  // Both sides have more to say than the sockets hold; whoever only writes waits for ever.
  constexpr std::int64_t kRows = 400;
  const std::string large(64 << 10, 'x');
  std::vector<Arg> args;
  for (std::int64_t id = 0; id < kRows; ++id) args.insert(args.end(), {id, large});
  std::int64_t answered = 0;
  must(store->write_now([&](Tx& tx) {
    return tx.each("INSERT INTO item (id, name) VALUES ($1, $2) RETURNING name || name || name", 2, args,
                   [&](std::size_t, std::int64_t, const Row* first) {
                     ASSERT_EQ(first->text(0).size(), 3 * large.size());
                     ++answered;
                   });
  }));
  EXPECT_EQ(answered, kRows);
}

TEST_F(Postgres, statement_that_takes_too_long_is_unavailable) {
  const auto impatient = must(open_postgres(
      {.url = testing::PostgresServer::shared_url(), .statement_timeout = std::chrono::milliseconds(500)}));
  const auto result = impatient->read_now([](Tx& tx) { return tx.exec("SELECT pg_sleep(60)"); });
  EXPECT_EQ(result.error().code, Code::unavailable);
  EXPECT_TRUE(result.error().retryable());
  must(impatient->read_now([](Tx& tx) { return tx.exec("SELECT 1"); }));
}

TEST_F(Postgres, script_may_take_longer_than_a_statement) {
  const auto impatient = must(open_postgres(
      {.url = testing::PostgresServer::shared_url(), .statement_timeout = std::chrono::milliseconds(500)}));
  must(impatient->write_now([](Tx& tx) { return tx.script("SELECT pg_sleep(1)"); }));
  EXPECT_EQ(text(*impatient, "SELECT current_setting('statement_timeout')"), "500ms");
}

TEST_F(Postgres, script_cannot_end_its_transaction) {
  const auto result = store->write_now([](Tx& tx) -> Result<void> {
    XD_DO(tx.exec("INSERT INTO item (id) VALUES (1)"));
    return tx.script("ROLLBACK");
  });
  EXPECT_EQ(result.error().code, Code::invalid);
  EXPECT_EQ(store->write_now([](Tx& tx) { return tx.script("COPY item FROM STDIN"); }).error().code,
            Code::invalid);
  EXPECT_EQ(must(exec("DELETE FROM item")), 0);
}

TEST_F(Postgres, deadlock_is_unavailable_and_ends_one_of_the_two) {
  must(exec("INSERT INTO item (id) VALUES (1), (2)"));
  std::latch both(2);
  const auto update = [&](std::int64_t first, std::int64_t second) {
    return [&both, first, second](Tx& tx) -> Result<void> {
      const char* const sql = "UPDATE item SET amount = 1 WHERE id = $1";
      XD_DO(tx.exec(sql, {first}));
      both.arrive_and_wait();
      XD_DO(tx.exec(sql, {second}));
      return {};
    };
  };
  Result<void> other;
  std::thread thread([&] { other = store->write_now(update(2, 1)); });
  const Result<void> one = store->write_now(update(1, 2));
  thread.join();
  ASSERT_NE(one.has_value(), other.has_value());
  EXPECT_EQ((one ? other : one).error().code, Code::unavailable);
  EXPECT_NE((one ? other : one).error().message.find("40P01"), std::string::npos);
}

TEST_F(Postgres, lock_that_is_held_for_too_long_is_unavailable) {
  must(exec("INSERT INTO item (id) VALUES (1)"));
  must(store->write_now([&](Tx& tx) -> Result<void> {
    XD_DO(tx.exec("UPDATE item SET amount = 1"));
    const auto result = exec("UPDATE item SET amount = 2");
    EXPECT_EQ(result.error().code, Code::unavailable);
    EXPECT_NE(result.error().message.find("55P03"), std::string::npos);
    return {};
  }));
}

TEST_F(Postgres, commit_that_is_refused_is_no_success) {
  script("CREATE TABLE part (item BIGINT REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED)");
  std::atomic<bool> hooked = false;
  const auto result = store->write_now([&](Tx& tx) {
    tx.on_commit([&] { hooked = true; });
    return tx.exec("INSERT INTO part VALUES (5)");
  });
  EXPECT_EQ(result.error().code, Code::conflict);
  EXPECT_EQ(result.error().reason, "");
  EXPECT_FALSE(hooked);
  EXPECT_EQ(must(exec("DELETE FROM part")), 0);
}

TEST_F(Postgres, statements_are_kept_in_bounded_number) {
  const auto one_writer = must(open_postgres({.url = testing::PostgresServer::shared_url(), .writers = 1}));
  must(one_writer->write_now([](Tx& tx) -> Result<void> {
    for (int i = 0; i < 600; ++i) XD_DO(tx.exec("SELECT " + std::to_string(i)));
    return {};
  }));
  const std::string kept = text(*one_writer, "SELECT CAST(COUNT(*) AS TEXT) FROM pg_prepared_statements");
  EXPECT_LE(std::stoi(kept), 256);
  EXPECT_GE(std::stoi(kept), 200);
}

TEST_F(Postgres, changed_table_costs_one_retry) {
  must(exec("INSERT INTO item (id, name) VALUES (1, 'a')"));
  const auto one_writer = must(open_postgres({.url = testing::PostgresServer::shared_url(),
                                              .schema = text(*store, "SELECT current_schema()::text"),
                                              .writers = 1}));
  const auto select = [](Tx& tx) { return tx.query("SELECT * FROM item", {}, [](const Row&) {}); };
  must(one_writer->write_now(select));
  script("ALTER TABLE item ADD COLUMN extra BIGINT");
  EXPECT_EQ(one_writer->write_now(select).error().code, Code::unavailable);
  EXPECT_EQ(must(one_writer->write_now(select)), 1);
}

TEST_F(Postgres, hook_that_throws_changes_nothing_for_the_others) {
  std::atomic<bool> hooked = false;
  must(store->write_now([&](Tx& tx) {
    tx.on_commit([] { throw std::runtime_error("a bug"); });
    tx.on_commit([&] { hooked = true; });
    return tx.exec("INSERT INTO item (id) VALUES (1)");
  }));
  EXPECT_TRUE(hooked);
  EXPECT_EQ(must(exec("DELETE FROM item")), 1);
}

}  // namespace
}  // namespace db
