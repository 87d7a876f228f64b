#include "base/batcher.hpp"

#include <gtest/gtest.h>

#include "testing/run.hpp"

namespace base {

namespace {

/// Adds `count` numbers at once and returns how large each flush was and what came back.
struct Ran {
  std::vector<std::size_t> flushes;
  std::vector<int> answers;
  std::vector<Error> errors;
};

Ran add_at_once(int count, bool failing) {
  Ran ran;
  testing::run([](Ran& out, int items, bool fails) -> Task<void> {
    const auto executor = co_await asio::this_coro::executor;
    Gate gate(executor);
    Batcher<int, int> batcher(gate, "test", [&](std::vector<int> batch) -> Task<std::vector<int>> {
      out.flushes.push_back(batch.size());
      co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
      if (fails) co_return fail(Code::unavailable, "the disk is gone");
      for (int& item : batch) item *= 2;
      co_return batch;
    });
    for (int i = 0; i < items; ++i) {
      gate.spawn("add", [](Batcher<int, int>& into, Ran& result, int item) -> Task<void> {
        auto answer = co_await into.add(item);
        if (answer) {
          result.answers.push_back(*answer);
        } else {
          result.errors.push_back(answer.error());
        }
        co_return Result<void>{};
      }(batcher, out, i));
    }
    while (gate.running() > 0) co_await asio::post(executor, asio::use_awaitable);
    co_await gate.close();
    co_return Result<void>{};
  }(ran, count, failing));
  return ran;
}

TEST(Batcher, gives_each_item_its_own_answer) {
  const Ran ran = add_at_once(5, false);
  EXPECT_EQ(ran.answers, (std::vector<int>{0, 2, 4, 6, 8}));
}

TEST(Batcher, flushes_what_came_while_the_last_flush_ran) {
  const Ran ran = add_at_once(5, false);
  ASSERT_FALSE(ran.flushes.empty());
  EXPECT_LT(ran.flushes.size(), 5u);
}

TEST(Batcher, never_flushes_more_than_the_limit_at_once) {
  const Ran ran = add_at_once(1300, false);
  EXPECT_EQ(ran.answers.size(), 1300u);
  for (const std::size_t size : ran.flushes) EXPECT_LE(size, limits::kBatchItemsMax);
}

TEST(Batcher, gives_the_error_of_a_flush_to_all_its_items) {
  const Ran ran = add_at_once(3, true);
  ASSERT_EQ(ran.errors.size(), 3u);
  EXPECT_EQ(ran.errors[0].code, Code::unavailable);
  EXPECT_TRUE(ran.answers.empty());
}

}  // namespace

}  // namespace base
