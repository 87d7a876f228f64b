// What happens when PostgreSQL, or the connection to it, goes away; each test has a server of its own to
// ill-treat.
#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "db/conformance_test.hpp"
#include "testing/postgres_server.hpp"

namespace db {
namespace {

using base::Code;
using base::Result;

class PostgresOutage : public testing::Test {
 protected:
  void SetUp() override {
    store = must(open_postgres({.url = server.url(), .writers = 2, .application_name = "victim"}));
    must(store->write_now([](Tx& tx) { return tx.script("CREATE TABLE item (id BIGINT PRIMARY KEY)"); }));
  }

  static Result<void> insert(Tx& tx, std::int64_t id) {
    XD_DO(tx.exec("INSERT INTO item (id) VALUES ($1)", {id}));
    return {};
  }
  Result<void> insert(std::int64_t id) {
    return store->write_now([id](Tx& tx) { return insert(tx, id); });
  }
  std::set<std::int64_t> items() {
    std::set<std::int64_t> found;
    must(store->read_now([&](Tx& tx) {
      return tx.query("SELECT id FROM item", {}, [&](const Row& row) { found.insert(row.integer(0)); });
    }));
    return found;
  }

  /// Ends all connections of the store; returns when they are closed.
  static void cut_all(Db& db) {
    const char* const sql =
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'";
    std::vector<pid_t> backends;
    must(db.write_now([&](Tx& tx) {
      return tx.query(sql, {},
                      [&](const Row& row) { backends.push_back(static_cast<pid_t>(row.integer(0))); });
    }));
    ASSERT_FALSE(backends.empty());
    for (const pid_t backend : backends) {
      while (kill(backend, 0) == 0) std::this_thread::yield();
    }
  }
  static Result<void> commit_remotely(Tx& tx) {
    XD_DO(tx.exec("SET LOCAL synchronous_commit = on"));
    return {};
  }

  /// Another client of the server, who does the harm through its writer, which is connected from the start.
  std::unique_ptr<Db> other() {
    return must(
        open_postgres({.url = server.url(), .writers = 1, .readers = 1, .application_name = "other"}));
  }
  /// Calls a function of the server for each of the store's connections that the condition picks, until there
  /// was one.
  static void until_one(Db& db, const std::string& function, const std::string& condition) {
    const std::string sql = "SELECT " + function +
                            "(pid) FROM pg_stat_activity WHERE application_name = 'victim' AND " + condition;
    while (must(db.write_now([&](Tx& tx) { return tx.query(sql, {}, [](const Row&) {}); })) == 0) {
      std::this_thread::yield();
    }
  }
  // A commit that asks for it (commit_remotely) waits for a standby that never comes.
  testing::PostgresServer server{
      {.settings = {"synchronous_standby_names=nobody", "synchronous_commit=local"}}};
  std::unique_ptr<Db> store;
};

TEST_F(PostgresOutage, connection_cut_in_a_transaction_is_unavailable_and_the_next_work_succeeds) {
  const auto killer = other();
  const auto result = store->write_now([&](Tx& tx) -> Result<void> {
    XD_DO(insert(tx, 1));
    until_one(*killer, "pg_terminate_backend", "state = 'idle in transaction'");
    return insert(tx, 2);
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::unavailable);
  EXPECT_NE(result.error().reason, "OUTCOME_UNKNOWN");
  must(insert(3));
  EXPECT_EQ(items(), (std::set<std::int64_t>{3}));
}

TEST_F(PostgresOutage, connection_cut_while_nothing_is_asked_costs_nobody_an_error) {
  const auto killer = other();
  must(insert(1));
  cut_all(*killer);
  for (std::int64_t id = 2; id < 6; ++id) must(insert(id));
  EXPECT_EQ(items(), (std::set<std::int64_t>{1, 2, 3, 4, 5}));
}

TEST_F(PostgresOutage, work_waits_for_the_server_to_come_back) {
  const auto killer = other();
  server.hide();
  cut_all(*killer);
  std::promise<Result<void>> written;
  std::promise<Result<void>> read;
  store->submit_write([](Tx& tx) { return insert(tx, 1); },
                      [&](Result<void> result) { written.set_value(result); });
  store->submit_read([](Tx& tx) -> Result<void> { return tx.script("SELECT 1"); },
                     [&](Result<void> result) { read.set_value(result); });
  server.reveal();
  EXPECT_TRUE(written.get_future().get());
  EXPECT_TRUE(read.get_future().get());
}

TEST_F(PostgresOutage, work_is_given_up_when_the_server_stays_away_and_stop_waits_for_that) {
  server.crash();
  std::promise<Result<void>> written;
  store->submit_write([](Tx& tx) { return insert(tx, 1); },
                      [&](Result<void> result) { written.set_value(result); });
  store->stop();
  const Result<void> result = written.get_future().get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::unavailable);
  EXPECT_EQ(result.error().reason, "");
}

TEST_F(PostgresOutage, crashes_under_load_lose_nothing_that_was_acknowledged) {
  constexpr int kThreads = 4;
  constexpr int kCrashes = 3;
  std::mutex mutex;
  std::set<std::int64_t> acknowledged;
  std::set<std::int64_t> unknown;
  std::set<Code> codes;
  std::atomic<std::int64_t> next = 0;
  std::atomic<bool> ended = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (!ended) {
        const std::int64_t id = next++;
        const Result<void> result = insert(id);
        const std::lock_guard lock(mutex);
        if (result) acknowledged.insert(id);
        if (!result) codes.insert(result.error().code);
        if (!result && result.error().reason == "OUTCOME_UNKNOWN") unknown.insert(id);
      }
    });
  }
  for (int crash = 0; crash < kCrashes; ++crash) {
    const std::int64_t enough = next + 100;
    while (next < enough) std::this_thread::yield();
    server.crash();
    server.restart();
  }
  ended = true;
  for (std::thread& thread : threads) thread.join();

  must(insert(next));
  acknowledged.insert(next);
  std::set<std::int64_t> stored = items();
  for (const std::int64_t id : acknowledged) EXPECT_EQ(stored.erase(id), 1U) << "lost: " << id;
  // What is there without having been acknowledged is only what was said to be unknown.
  for (const std::int64_t id : stored) EXPECT_TRUE(unknown.contains(id)) << "reported as not done: " << id;
  for (const Code code : codes) EXPECT_EQ(code, Code::unavailable);
}

TEST_F(PostgresOutage, commit_whose_connection_breaks_is_of_unknown_outcome) {
  const auto killer = other();
  std::atomic<bool> hooked = false;
  std::thread killing([&] { until_one(*killer, "pg_terminate_backend", "wait_event = 'SyncRep'"); });
  const auto result = store->write_now([&](Tx& tx) -> Result<void> {
    tx.on_commit([&] { hooked = true; });
    XD_DO(commit_remotely(tx));
    return insert(tx, 1);
  });
  killing.join();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::unavailable);
  EXPECT_EQ(result.error().reason, "OUTCOME_UNKNOWN");
  EXPECT_FALSE(hooked);
  must(insert(2));
  EXPECT_EQ(items(), (std::set<std::int64_t>{1, 2}));
}

TEST_F(PostgresOutage, commit_whose_wait_for_the_standby_is_cancelled_is_of_unknown_outcome) {
  const auto killer = other();
  std::thread cancelling([&] { until_one(*killer, "pg_cancel_backend", "wait_event = 'SyncRep'"); });
  const auto result = store->write_now([&](Tx& tx) -> Result<void> {
    XD_DO(commit_remotely(tx));
    return insert(tx, 1);
  });
  cancelling.join();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "OUTCOME_UNKNOWN");
  for (std::int64_t id = 2; id < 6; ++id) must(insert(id));  // the warning is not held against later commits
}

TEST_F(PostgresOutage, commit_that_waits_for_a_standby_for_too_long_is_of_unknown_outcome) {
  const auto impatient =
      must(open_postgres({.url = server.url(), .statement_timeout = std::chrono::seconds(1)}));
  const auto result = impatient->write_now([&](Tx& tx) -> Result<void> {
    XD_DO(commit_remotely(tx));
    return insert(tx, 1);
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "OUTCOME_UNKNOWN");
  must(impatient->write_now([](Tx& tx) { return insert(tx, 2); }));
}

TEST_F(PostgresOutage, server_that_falls_silent_is_given_up) {
  const auto impatient =
      must(open_postgres({.url = server.url(), .statement_timeout = std::chrono::seconds(1)}));
  pid_t backend = 0;
  const auto result = impatient->write_now([&](Tx& tx) -> Result<void> {
    XD_DO(tx.query("SELECT pg_backend_pid()", {},
                   [&](const Row& row) { backend = static_cast<pid_t>(row.integer(0)); }));
    kill(backend, SIGSTOP);
    return insert(tx, 1);
  });
  must(impatient->write_now([](Tx& tx) { return insert(tx, 2); }));
  kill(backend, SIGCONT);
  EXPECT_EQ(result.error().code, Code::unavailable);
  EXPECT_EQ(items(), (std::set<std::int64_t>{2}));
}

TEST_F(PostgresOutage, server_that_no_longer_takes_writes_is_left) {
  const auto result = store->write_now([&](Tx& tx) -> Result<void> {
    XD_DO(tx.exec("SET LOCAL transaction_read_only = on"));  // what a standby says to every write
    return insert(tx, 1);
  });
  EXPECT_EQ(result.error().code, Code::unavailable);
  must(insert(2));
}

TEST_F(PostgresOutage, session_that_is_not_ours_any_more_is_left) {
  const auto one = must(open_postgres({.url = server.url(), .writers = 1}));
  must(one->write_now([](Tx& tx) { return insert(tx, 1); }));
  must(one->write_now([](Tx& tx) { return tx.exec("DISCARD PLANS"); }));
  must(one->write_now([](Tx& tx) { return tx.exec("DEALLOCATE ALL"); }));
  EXPECT_EQ(one->write_now([](Tx& tx) { return insert(tx, 2); }).error().code, Code::unavailable);
  must(one->write_now([](Tx& tx) { return insert(tx, 3); }));
}

}  // namespace
}  // namespace db
