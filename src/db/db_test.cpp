// The contract of transactions: what is kept, what is not, who hears of it and when.
#include "db/db.hpp"

#include <condition_variable>
#include <latch>
#include <mutex>

#include "db/conformance_test.hpp"
#include "testing/run.hpp"

namespace db {
namespace {

using base::Code;
using base::fail;
using base::Result;
using Integers = std::vector<std::int64_t>;

class Store : public StoreTest {
 protected:
  void SetUp() override {
    script("CREATE TABLE item (id BIGINT PRIMARY KEY, amount BIGINT NOT NULL DEFAULT 0)");
  }

  Integers items() { return integers("SELECT id FROM item ORDER BY id"); }
};

INSTANTIATE_TEST_SUITE_P(Engines, Store, testing::both_engines(), testing::engine_name);

Result<void> insert(Tx& tx, std::int64_t id) {
  XD_DO(tx.exec("INSERT INTO item (id) VALUES ($1)", {id}));
  return {};
}

/// Holds threads back until it is opened.
class Barrier {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

TEST_P(Store, write_that_returned_is_seen_by_a_read_begun_later) {
  for (std::int64_t id = 1; id <= 50; ++id) {
    must(store->write_now([&](Tx& tx) { return insert(tx, id); }));
    ASSERT_EQ(integer("SELECT MAX(id) FROM item"), id);
  }
}

TEST_P(Store, write_survives_a_restart) {
  must(store->write_now([](Tx& tx) { return insert(tx, 1); }));
  store.reopen();
  EXPECT_EQ(items(), (Integers{1}));
}

TEST_P(Store, write_sees_its_own_changes) {
  const auto seen = must(store->write_now([](Tx& tx) -> Result<std::int64_t> {
    XD_DO(insert(tx, 1));
    std::int64_t found = 0;
    XD_DO(tx.query("SELECT id FROM item", {}, [&](const Row& row) { found = row.integer(0); }));
    return found;
  }));
  EXPECT_EQ(seen, 1);
}

TEST_P(Store, closure_that_touches_nothing_succeeds) {
  EXPECT_EQ(must(store->write_now([](Tx&) -> Result<int> { return 5; })), 5);
  EXPECT_EQ(must(store->read_now([](Tx&) -> Result<int> { return 6; })), 6);
}

TEST_P(Store, unique_and_foreign_keys_are_conflicts) {
  script(
      "CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT NOT NULL REFERENCES item (id), name TEXT "
      "UNIQUE)");
  must(exec("INSERT INTO item (id) VALUES (1)"));
  must(exec("INSERT INTO part VALUES (1, 1, 'a')"));
  EXPECT_EQ(exec("INSERT INTO item (id) VALUES (1)").error().code, Code::conflict);
  EXPECT_EQ(exec("INSERT INTO part VALUES (2, 1, 'a')").error().code, Code::conflict);
  EXPECT_EQ(exec("INSERT INTO part VALUES (2, 9, 'b')").error().code, Code::conflict);
  EXPECT_EQ(exec("DELETE FROM item WHERE id = 1").error().code, Code::conflict);
}

TEST_P(Store, nulls_and_checks_are_invalid) {
  script("CREATE TABLE part (id BIGINT PRIMARY KEY, size BIGINT NOT NULL CHECK (size > 0))");
  EXPECT_EQ(exec("INSERT INTO part VALUES (1, $1)", {nullptr}).error().code, Code::invalid);
  EXPECT_EQ(exec("INSERT INTO part VALUES (1, $1)", {0}).error().code, Code::invalid);
}

TEST_P(Store, error_of_a_statement_undoes_all_of_its_closure_and_nothing_else) {
  must(store->write_now([](Tx& tx) { return insert(tx, 1); }));
  const auto result = store->write_now([](Tx& tx) -> Result<void> {
    XD_DO(insert(tx, 2));
    return insert(tx, 1);
  });
  must(store->write_now([](Tx& tx) { return insert(tx, 3); }));
  EXPECT_EQ(result.error().code, Code::conflict);
  EXPECT_EQ(items(), (Integers{1, 3}));
}

TEST_P(Store, error_of_the_closure_itself_is_returned_and_undoes_it) {
  const auto result = store->write_now([](Tx& tx) -> Result<int> {
    XD_DO(insert(tx, 1));
    return fail(Code::forbidden, "not you", "WHY");
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::forbidden);
  EXPECT_EQ(result.error().message, "not you");
  EXPECT_EQ(result.error().reason, "WHY");
  EXPECT_EQ(items(), (Integers{}));
}

TEST_P(Store, error_that_a_closure_overlooks_is_still_an_error) {
  must(store->write_now([](Tx& tx) { return insert(tx, 1); }));
  const auto result = store->write_now([](Tx& tx) -> Result<void> {
    XD_DO(insert(tx, 2));
    (void)insert(tx, 1);
    (void)insert(tx, 3);
    return {};
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::conflict);
  EXPECT_EQ(items(), (Integers{1}));
}

TEST_P(Store, exception_is_an_internal_error_and_leaves_nothing) {
  const auto result = store->write_now([](Tx& tx) -> Result<void> {
    XD_DO(insert(tx, 1));
    throw std::runtime_error("a bug");
  });
  const auto strange = store->read_now([](Tx&) -> Result<void> { throw 5; });
  must(store->write_now([](Tx& tx) { return insert(tx, 2); }));
  EXPECT_EQ(result.error().code, Code::internal);
  EXPECT_EQ(strange.error().code, Code::internal);
  EXPECT_EQ(items(), (Integers{2}));
}

TEST_P(Store, exception_in_a_sink_leaves_the_connection_whole) {
  for (int round = 0; round < 8; ++round) {
    const std::vector<Arg> args = {1, 2, 3};
    const auto result = store->write_now([&](Tx& tx) {
      return tx.each("INSERT INTO item (id) VALUES ($1)", 1, args,
                     [](std::size_t index, std::int64_t, const Row*) {
                       if (index == 1) throw std::runtime_error("a bug");
                     });
    });
    ASSERT_EQ(result.error().code, Code::internal);
    ASSERT_EQ(must(store->write_now([](Tx& tx) { return tx.exec("UPDATE item SET amount = 1"); })), 0);
  }
}

TEST_P(Store, hooks_run_in_order_after_the_commit_and_before_the_answer) {
  std::vector<std::string> heard;
  Integers seen;
  must(store->write_now([&](Tx& tx) -> Result<void> {
    tx.on_commit([&] {
      heard.emplace_back("first");
      seen = items();
    });
    XD_DO(insert(tx, 1));
    tx.on_commit([&] { heard.emplace_back("second"); });
    heard.emplace_back("closure");
    return {};
  }));
  heard.emplace_back("answer");
  EXPECT_EQ(heard, (std::vector<std::string>{"closure", "first", "second", "answer"}));
  EXPECT_EQ(seen, (Integers{1}));
}

TEST_P(Store, hooks_of_what_is_undone_never_run) {
  std::atomic<int> called = 0;
  (void)store->write_now([&](Tx& tx) -> Result<void> {
    tx.on_commit([&] { ++called; });
    return fail(Code::invalid, "no");
  });
  (void)store->write_now([&](Tx& tx) -> Result<void> {
    tx.on_commit([&] { ++called; });
    XD_DO(insert(tx, 1));
    return insert(tx, 1);
  });
  (void)store->write_now([&](Tx& tx) -> Result<void> {
    tx.on_commit([&] { ++called; });
    throw std::runtime_error("a bug");
  });
  must(store->write_now([](Tx& tx) { return insert(tx, 2); }));
  EXPECT_EQ(called, 0);
}

TEST_P(Store, closure_may_be_used_by_its_hook_and_is_gone_before_the_answer) {
  struct Mark {
    explicit Mark(std::shared_ptr<std::atomic<bool>> flag) : gone(std::move(flag)) {}
    ~Mark() { *gone = true; }
    std::shared_ptr<std::atomic<bool>> gone;
  };
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  std::atomic<bool> gone_at_hook = true;
  std::promise<bool> gone_at_answer;
  store->submit_write(
      [&gone_at_hook, mark = std::make_unique<Mark>(gone)](Tx& tx) -> Result<void> {
        tx.on_commit([&gone_at_hook, &mark] { gone_at_hook = mark->gone->load(); });
        return insert(tx, 1);
      },
      [&gone_at_answer, gone](const Result<void>&) { gone_at_answer.set_value(*gone); });
  EXPECT_TRUE(gone_at_answer.get_future().get());
  EXPECT_FALSE(gone_at_hook);
}

TEST_P(Store, read_cannot_write) {
  const auto result = store->read_now([](Tx& tx) { return insert(tx, 1); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::invalid);
  EXPECT_EQ(items(), (Integers{}));
}

TEST_P(Store, read_that_takes_too_long_is_ended_and_its_reader_is_free) {
  const auto count_for_ever = [](Tx& tx) {
    return tx.query("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
                    {}, [](const Row&) {});
  };
  for (int reader = 0; reader < 4; ++reader) {  // there are two
    std::promise<Result<void>> ended;
    store->submit_read(
        [&](Tx& tx) -> Result<void> {
          XD_DO(count_for_ever(tx));
          return {};
        },
        [&](Result<void> result) { ended.set_value(std::move(result)); }, std::chrono::milliseconds{100});
    const Result<void> result = ended.get_future().get();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::unavailable);
    EXPECT_EQ(result.error().reason, "READ_TOO_LONG");
    EXPECT_FALSE(result.error().internal);
  }
  EXPECT_EQ(integer("SELECT 1"), 1);
}

TEST_P(Store, what_it_says_is_for_the_log) {
  must(store->write_now([](Tx& tx) { return insert(tx, 1); }));
  for (const char* const sql : {"SELECT nothing FROM item", "INSERT INTO item (id) VALUES (1)", "no SQL"}) {
    const auto failed = exec(sql);
    ASSERT_FALSE(failed) << sql;
    EXPECT_TRUE(failed.error().internal) << sql;
  }
  const auto own =
      store->write_now([](Tx&) -> Result<void> { return base::fail(Code::conflict, "the name is taken"); });
  EXPECT_FALSE(own.error().internal);
}

TEST_P(Store, read_is_a_snapshot) {
  must(store->write_now([](Tx& tx) { return insert(tx, 1); }));
  const auto count = [](Tx& tx) -> Result<std::int64_t> {
    std::int64_t found = 0;
    XD_DO(tx.query("SELECT COUNT(*) FROM item", {}, [&](const Row& row) { found = row.integer(0); }));
    return found;
  };
  must(store->read_now([&](Tx& tx) -> Result<void> {
    XD_TRY(const auto before, count(tx));
    must(store->write_now([](Tx& other) { return insert(other, 2); }));
    XD_TRY(const auto after, count(tx));
    EXPECT_EQ(before, 1);
    EXPECT_EQ(after, 1);
    return {};
  }));
  EXPECT_EQ(items(), (Integers{1, 2}));
}

TEST_P(Store, writers_on_many_threads_lose_nothing) {
  constexpr int kThreads = 8;
  constexpr int kWrites = 40;
  must(exec("INSERT INTO item (id, amount) VALUES (0, 0)"));
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kWrites; ++i) {
        const auto result = store->write_now([&](Tx& tx) -> Result<void> {
          XD_DO(insert(tx, 1 + thread * kWrites + i));
          XD_DO(tx.exec("UPDATE item SET amount = amount + 1 WHERE id = 0"));
          return {};
        });
        if (!result) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(integer("SELECT amount FROM item WHERE id = 0"), kThreads * kWrites);
  EXPECT_EQ(integer("SELECT COUNT(*) FROM item"), 1 + kThreads * kWrites);
}

TEST_P(Store, failures_among_many_undo_only_themselves) {
  constexpr std::int64_t kWrites = 300;
  std::latch answered(kWrites);
  std::atomic<int> wrong = 0;
  std::atomic<int> hooks = 0;
  for (std::int64_t id = 0; id < kWrites; ++id) {
    const bool bad = id % 3 == 0;
    store->submit_write(
        [&, id, bad](Tx& tx) -> Result<void> {
          tx.on_commit([&] { ++hooks; });
          XD_DO(insert(tx, id));
          if (bad) return fail(Code::invalid, "no");
          return {};
        },
        [&, bad](Result<void> result) {
          if (result.has_value() == bad) ++wrong;
          answered.count_down();
        });
  }
  answered.wait();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(hooks, 200);
  EXPECT_EQ(integer("SELECT COUNT(*) FROM item"), 200);
  EXPECT_EQ(integer("SELECT COUNT(*) FROM item WHERE id % 3 = 0"), 0);
}

TEST_P(Store, writes_waiting_counts_what_no_thread_has_taken) {
  const int threads = GetParam() == Engine::sqlite ? 1 : PostgresOptions{}.writers;
  constexpr int kWaiting = 10;
  Barrier barrier;
  std::latch answered(threads + kWaiting);
  for (int i = 0; i < threads; ++i) {
    std::latch begun(1);
    store->submit_write(
        [&](Tx&) -> Result<void> {
          begun.count_down();
          barrier.wait();
          return {};
        },
        [&](const Result<void>&) { answered.count_down(); });
    begun.wait();
  }
  EXPECT_EQ(store->writes_waiting(), 0U);
  for (int i = 0; i < kWaiting; ++i) {
    store->submit_write([i](Tx& tx) { return insert(tx, i); },
                        [&](const Result<void>&) { answered.count_down(); });
  }
  EXPECT_EQ(store->writes_waiting(), static_cast<std::size_t>(kWaiting));
  barrier.open();
  answered.wait();
  EXPECT_EQ(store->writes_waiting(), 0U);
}

TEST_P(Store, stop_runs_what_was_submitted_and_refuses_what_comes_later) {
  constexpr std::int64_t kWrites = 200;
  std::atomic<int> succeeded = 0;
  for (std::int64_t id = 0; id < kWrites; ++id) {
    store->submit_write([id](Tx& tx) { return insert(tx, id); },
                        [&](const Result<void>& result) { succeeded += result.has_value(); });
  }
  store->stop();
  EXPECT_EQ(succeeded, kWrites);

  std::vector<std::pair<std::thread::id, Code>> refused;
  const auto note = [&](const Result<void>& result) {
    refused.emplace_back(std::this_thread::get_id(), result ? Code::internal : result.error().code);
  };
  store->submit_write([](Tx& tx) { return insert(tx, -1); }, note);
  store->submit_read([](Tx&) -> Result<void> { return {}; }, note);
  const std::pair expected{std::this_thread::get_id(), Code::unavailable};
  EXPECT_EQ(refused, (std::vector{expected, expected}));

  store->stop();
  store.reopen();
  EXPECT_EQ(integer("SELECT COUNT(*) FROM item"), kWrites);
}

TEST_P(Store, coroutine_writes_and_reads) {
  const auto task = [](Db& db) -> base::Task<std::string> {
    XD_CO_TRY(const std::int64_t changed,
              co_await db.write([](Tx& tx) { return tx.exec("INSERT INTO item (id) VALUES (1), (2)"); }));
    std::int64_t first = 2;  // closures may refer to the frame of the coroutine that waits for them
    XD_CO_TRY(const std::string text, co_await db.read([&first](Tx& tx) -> Result<std::string> {
      std::string found;
      XD_DO(tx.query("SELECT id FROM item WHERE id >= $1", {first},
                     [&](const Row& row) { found += std::to_string(row.integer(0)); }));
      return found;
    }));
    co_return std::to_string(changed) + "/" + text;
  };
  EXPECT_EQ(must(testing::run(task(*store))), "2/2");
}

TEST_P(Store, coroutine_gets_errors_and_values_that_only_move) {
  const auto failing = [](Db& db) -> base::Task<void> {
    XD_CO_DO(co_await db.write([](Tx& tx) -> Result<void> {
      XD_DO(insert(tx, 1));
      return insert(tx, 1);
    }));
    co_return Result<void>{};
  };
  const auto moving = [](Db& db) -> base::Task<std::unique_ptr<int>> {
    co_return co_await db.read([](Tx&) -> Result<std::unique_ptr<int>> { return std::make_unique<int>(9); });
  };
  EXPECT_EQ(testing::run(failing(*store)).error().code, Code::conflict);
  EXPECT_EQ(*must(testing::run(moving(*store))), 9);
}

TEST_P(Store, coroutine_of_a_stopped_store_is_resumed) {
  store->stop();
  const auto task = [](Db& db) -> base::Task<void> {
    co_return co_await db.write([](Tx& tx) { return insert(tx, 1); });
  };
  EXPECT_EQ(testing::run(task(*store)).error().code, Code::unavailable);
  EXPECT_EQ(store->write_now([](Tx& tx) { return insert(tx, 1); }).error().code, Code::unavailable);
}

}  // namespace
}  // namespace db
