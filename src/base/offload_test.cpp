#include "base/offload.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <future>

#include "testing/run.hpp"

namespace base {

namespace {

const Uuid kAnna{{1}};
const Uuid kBert{{2}};
const Uuid kCarl{{3}};

TEST(Offload, runs_work_on_another_thread_and_comes_back) {
  Offload offload;
  const auto here = std::this_thread::get_id();
  std::thread::id there;
  const auto work = [&]() -> Task<int> {
    XD_CO_TRY(const int answer, co_await offload.run(kAnna, [&]() -> Result<int> {
      there = std::this_thread::get_id();
      return 42;
    }));
    EXPECT_EQ(std::this_thread::get_id(), here);
    co_return answer;
  };
  EXPECT_EQ(::testing::run(work()).value(), 42);
  EXPECT_NE(there, here);
}

TEST(Offload, gives_back_errors_and_what_was_thrown_and_goes_on) {
  Offload offload;
  const auto refused = [&]() -> Task<void> {
    co_return co_await offload.run(kAnna, []() -> Result<void> { return fail(Code::invalid, "no"); });
  };
  const auto threw = [&]() -> Task<void> {
    co_return co_await offload.run(kAnna, []() -> Result<void> { throw std::runtime_error("oops"); });
  };
  EXPECT_EQ(::testing::run(refused()).error().code, Code::invalid);
  EXPECT_EQ(::testing::run(threw()).error().code, Code::internal);
  EXPECT_EQ(::testing::run(refused()).error().message, "no");
}

TEST(Offload, gives_owners_turns_however_much_one_of_them_asks_for) {
  Offload offload;
  std::string order;
  std::promise<void> all_asked;
  std::size_t left = 5;
  const auto ask = [&](const Uuid& owner, char name) -> asio::awaitable<void> {
    (void)co_await offload.run(owner, [&order, name]() -> Result<void> {
      order += name;
      return {};
    });
    --left;
  };
  const auto work = [&]() -> Task<void> {
    const auto executor = co_await asio::this_coro::executor;
    const auto start = [&](asio::awaitable<void> one) {
      asio::co_spawn(executor, std::move(one), [](std::exception_ptr thrown) { EXPECT_FALSE(thrown); });
    };
    // Holds the thread until the others stand in the queue.
    asio::co_spawn(executor,
                   offload.run(kCarl,
                               [&]() -> Result<void> {
                                 all_asked.get_future().wait();
                                 return {};
                               }),
                   [](std::exception_ptr, const Result<void>&) {});
    for (int i = 0; i < 3; ++i) start(ask(kAnna, 'a'));
    for (int i = 0; i < 2; ++i) start(ask(kBert, 'b'));
    co_await yield();
    all_asked.set_value();
    while (left > 0) co_await yield();
    co_return Result<void>{};
  };
  ASSERT_TRUE(::testing::run(work()));
  EXPECT_EQ(order, "ababa");
}

}  // namespace

}  // namespace base
