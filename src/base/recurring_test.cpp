#include "base/recurring.hpp"

#include <gtest/gtest.h>

#include "testing/run.hpp"

namespace base {

namespace {

using namespace std::chrono_literals;

TEST(Recurring, comes_back_also_after_a_failure_until_it_is_stopped) {
  int rounds = 0;
  bool saw_the_end = false;
  const auto watch = [&]() -> Task<void> {
    Recurring recurring(co_await asio::this_coro::executor);
    Waiter<bool> third;
    recurring.start("test", 1ms, [&]() -> Task<void> {
      if (++rounds == 3) {
        third.give(true);
        co_await sleep_for(5ms);
        saw_the_end = recurring.stopping();
      }
      co_return fail(Code::unavailable, "the second round comes all the same");
    });
    EXPECT_EQ(rounds, 0) << "the first round is an interval away";
    co_await third.wait();
    co_await recurring.stop();
    EXPECT_TRUE(saw_the_end) << "stopping waits for the round under way";
    co_await sleep_for(5ms);
    co_return Result<void>{};
  };
  ASSERT_TRUE(::testing::run(watch()));
  EXPECT_EQ(rounds, 3);
}

TEST(Recurring, comes_back_after_an_exception) {
  int rounds = 0;
  const auto watch = [&]() -> Task<void> {
    Recurring recurring(co_await asio::this_coro::executor);
    Waiter<bool> second;
    recurring.start("test", 1ms, [&]() -> Task<void> {
      if (++rounds == 1) throw std::runtime_error("a bug");
      if (second.waiting()) second.give(true);
      co_return Result<void>{};
    });
    co_await second.wait();
    co_await recurring.stop();
    co_return Result<void>{};
  };
  ASSERT_TRUE(::testing::run(watch()));
  EXPECT_GE(rounds, 2);
}

TEST(Recurring, stops_without_having_begun) {
  bool ran = false;
  const auto watch = [&]() -> Task<void> {
    Recurring never(co_await asio::this_coro::executor);
    co_await never.stop();
    Recurring idle(co_await asio::this_coro::executor);
    idle.start("test", 1h, [&]() -> Task<void> {
      ran = true;
      co_return Result<void>{};
    });
    co_await idle.stop();
    co_return Result<void>{};
  };
  EXPECT_TRUE(::testing::run(watch()));
  EXPECT_FALSE(ran) << "it was not due";
}

}  // namespace

}  // namespace base
