#include "base/batcher.hpp"

#include <gtest/gtest.h>

#include <set>

#include "testing/run.hpp"

namespace base {

namespace {

using Numbers = Batcher<int, int>;

/// What came of numbers that were added one after the other.
struct Ran {
  std::vector<std::size_t> flushes;  // how many items each took
  std::size_t flights_max = 0;       // flushes under way at once
  std::vector<int> answers;
  std::vector<Error> errors;
};

struct Plan {
  int count = 0;
  int turns = 1;  // of the event loop, that a flush waits before it takes, and again after it
  bool fails_before = false;
  bool fails_after = false;
  std::set<int> faulty{};  // numbers that no flush can write
  Numbers::Options options{};
};

asio::awaitable<void> turn(int times) {
  for (int i = 0; i < times; ++i) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
}

Task<void> add_one(Numbers& into, Ran& ran, int item) {
  auto answer = co_await into.add(item);
  if (answer) {
    ran.answers.push_back(*answer);
  } else {
    ran.errors.push_back(answer.error());
  }
  co_return Result<void>{};
}

Task<void> add_all(Ran& ran, const Plan& plan) {
  Gate gate(co_await asio::this_coro::executor);
  std::size_t flights = 0;
  const auto flush = [&](Numbers::Take take) -> Task<std::vector<int>> {
    ran.flights_max = std::max(ran.flights_max, ++flights);
    co_await turn(plan.turns);
    if (plan.fails_before) {
      --flights;
      co_return fail(Code::unavailable, "the disk is gone");
    }
    const std::span<const int> taken = take();
    std::vector<int> items(taken.begin(), taken.end());
    ran.flushes.push_back(items.size());
    co_await turn(plan.turns);
    --flights;
    if (plan.fails_after) co_return fail(Code::unavailable, "the disk is gone");
    if (std::ranges::any_of(items, [&](int item) { return plan.faulty.contains(item); })) {
      co_return fail(Code::invalid, "no such number");
    }
    for (int& item : items) item *= 2;
    co_return items;
  };
  Numbers numbers(gate, "test", flush, plan.options);
  for (int i = 0; i < plan.count; ++i) {
    gate.spawn("add", add_one(numbers, ran, i));
    co_await turn(1);
  }
  while (gate.running() > 0) co_await turn(1);
  EXPECT_EQ(numbers.pending(), 0u);
  co_await gate.close();
  EXPECT_EQ((co_await numbers.add(1)).error().code, Code::unavailable);
  co_return Result<void>{};
}

Ran add(Plan plan) {
  Ran ran;
  testing::run(add_all(ran, plan));
  return ran;
}

TEST(Batcher, gives_each_item_its_own_answer) {
  EXPECT_EQ(add({.count = 5}).answers, (std::vector<int>{0, 2, 4, 6, 8}));
}

TEST(Batcher, a_flush_takes_what_came_until_its_transaction_begins) {
  const Ran ran = add({.count = 8, .turns = 20});
  EXPECT_EQ(ran.flushes, std::vector<std::size_t>{8});
}

TEST(Batcher, sends_a_second_flush_while_the_first_commits_and_no_third) {
  const Ran ran = add({.count = 100, .turns = 3});
  EXPECT_EQ(ran.answers.size(), 100u);
  EXPECT_EQ(ran.flights_max, 2u);
  EXPECT_LT(ran.flushes.size(), 50u);
}

TEST(Batcher, with_one_flight_sends_one_flush_after_the_other) {
  const Ran ran = add({.count = 100, .turns = 3, .options = {.flights = 1}});
  EXPECT_EQ(ran.answers.size(), 100u);
  EXPECT_EQ(ran.flights_max, 1u);
}

TEST(Batcher, with_a_linger_waits_for_more_before_it_sends_a_flush) {
  const Ran ran = add({.count = 5, .options = {.flights = 1, .linger = std::chrono::milliseconds{100}}});
  EXPECT_EQ(ran.answers.size(), 5u);
  EXPECT_EQ(ran.flushes, std::vector<std::size_t>{5});
}

TEST(Batcher, never_flushes_more_than_the_limit_at_once) {
  const Ran ran = add({.count = 1300, .turns = 1300});
  EXPECT_EQ(ran.answers.size(), 1300u);
  EXPECT_EQ(*std::ranges::max_element(ran.flushes), limits::kBatchItemsMax);
}

TEST(Batcher, gives_the_error_of_a_flush_to_the_items_it_took) {
  const Ran ran = add({.count = 30, .fails_after = true});
  ASSERT_EQ(ran.errors.size(), 30u);
  EXPECT_EQ(ran.errors[0].code, Code::unavailable);
  EXPECT_TRUE(ran.answers.empty());
}

TEST(Batcher, a_flush_that_fails_before_its_transaction_fails_what_waits) {
  const Ran ran = add({.count = 30, .fails_before = true});
  EXPECT_EQ(ran.errors.size(), 30u);
  EXPECT_TRUE(ran.flushes.empty());
}

TEST(Batcher, fails_only_the_items_that_cannot_be_written) {
  const Ran ran = add({.count = 64, .turns = 80, .faulty = {5, 40}});
  ASSERT_EQ(ran.errors.size(), 2u);
  EXPECT_EQ(ran.errors[0].code, Code::invalid);
  EXPECT_EQ(ran.answers.size(), 62u);
  EXPECT_EQ(std::ranges::count(ran.answers, 2 * 5), 0);
  EXPECT_EQ(std::ranges::count(ran.answers, 2 * 40), 0);
  // Halves of halves: not one flush for each.
  EXPECT_LE(ran.flushes.size(), 1 + 2 * 2 * 6u);
}

TEST(Batcher, refuses_more_than_may_wait) {
  const Ran ran = add({.count = static_cast<int>(limits::kWritesPendingMax) + 5,
                       .turns = static_cast<int>(limits::kWritesPendingMax) + 100});
  EXPECT_EQ(ran.answers.size(), limits::kWritesPendingMax);
  ASSERT_EQ(ran.errors.size(), 5u);
  EXPECT_EQ(ran.errors[0].code, Code::limited);
}

struct Heavy {
  std::size_t weight = 0;
  std::size_t bytes() const { return weight; }
};

TEST(Batcher, bounds_what_waits_by_its_bytes) {
  struct Seen {
    std::vector<std::size_t> flushes;
    std::vector<bool> taken;
    std::chrono::nanoseconds age{};
  } seen;
  const auto add_heavy = [](Batcher<Heavy, int>& into, Seen& out, std::size_t weight) -> Task<void> {
    const auto answer = co_await into.add(Heavy{weight});
    out.taken.push_back(answer.has_value());
    co_return Result<void>{};
  };
  const auto add_some = [&]() -> Task<void> {
    Gate gate(co_await asio::this_coro::executor);
    const auto flush = [&](Batcher<Heavy, int>::Take take) -> Task<std::vector<int>> {
      co_await turn(10);
      const std::size_t count = take().size();
      seen.flushes.push_back(count);
      co_return std::vector<int>(count);
    };
    Batcher<Heavy, int> heavy(gate, "heavy", flush, {.flights = 1, .bytes_max = 100});
    EXPECT_EQ(heavy.age(steady_now()).count(), 0);
    for (const std::size_t weight : {500, 1, 60}) gate.spawn("add", add_heavy(heavy, seen, weight));
    co_await turn(2);
    seen.age = heavy.age(steady_now());
    co_await turn(40);
    for (const std::size_t weight : {30, 30, 30, 30}) gate.spawn("add", add_heavy(heavy, seen, weight));
    co_await gate.close();
    EXPECT_EQ(heavy.age(steady_now()).count(), 0);
    co_return Result<void>{};
  };
  ASSERT_TRUE(::testing::run(add_some()));
  EXPECT_GT(seen.age.count(), 0);
  // One may always wait, however much it is; beside it nothing. Of 30, 30, 30 one goes with each flush.
  EXPECT_EQ(std::ranges::count(seen.taken, false), 3);
  EXPECT_EQ(seen.flushes, (std::vector<std::size_t>{1, 1, 1, 1}));
}

}  // namespace

}  // namespace base
