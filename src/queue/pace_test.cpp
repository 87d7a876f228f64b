#include "queue/pace.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace queue {

namespace {

using namespace std::chrono_literals;

constexpr base::Time kNow{1'800'000'000s};

/// Starts one whenever it may, from kNow on, at moments `step` apart; returns when.
std::vector<base::Time> starts_of(const base::Rate& rate, std::chrono::microseconds step,
                                  std::chrono::seconds span) {
  Pace pace;
  std::vector<base::Time> starts;
  for (base::Time now = kNow; now < kNow + span; now += step) {
    if (pace.wait(rate, now)) continue;
    pace.started(rate, now);
    starts.push_back(now);
  }
  return starts;
}

/// The most starts in any window.
std::size_t most_in(const std::vector<base::Time>& starts, std::chrono::microseconds window) {
  std::size_t most = 0;
  for (std::size_t first = 0, last = 0; last < starts.size(); ++last) {
    while (starts[last] - starts[first] >= window) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

TEST(Pace, lets_so_many_begin_and_says_when_the_next_one_may) {
  const base::Rate rate{3, 10s};
  Pace pace;
  for (const auto at : {0s, 2s, 4s}) {
    EXPECT_EQ(pace.wait(rate, kNow + at), std::nullopt);
    pace.started(rate, kNow + at);
  }

  EXPECT_EQ(pace.wait(rate, kNow + 4s), kNow + 10s);
  EXPECT_EQ(pace.wait(rate, kNow + 9999ms), kNow + 10s);
  EXPECT_EQ(pace.wait(rate, kNow + 10s), std::nullopt);
}

TEST(Pace, is_never_exceeded_in_any_window_and_is_used) {
  struct Case {
    base::Rate rate;
    std::chrono::microseconds step;
  };
  for (const Case& c : {Case{{1, 1s}, 1ms}, Case{{10, 1s}, 1ms}, Case{{1000, 1s}, 100us},
                        Case{{100, 10s}, 7ms}, Case{{5, 3s}, 13ms}}) {
    const auto starts = starts_of(c.rate, c.step, 60s);
    EXPECT_EQ(most_in(starts, c.rate.window), c.rate.requests);
    const auto possible =
        static_cast<double>(c.rate.requests) * (60s / std::chrono::duration<double>(c.rate.window));
    EXPECT_GE(static_cast<double>(starts.size()), 0.97 * possible)
        << c.rate.requests << " in " << c.rate.window.count();
  }
}

TEST(Pace, holds_at_random_moments_as_well) {
  std::minstd_rand random(7);
  for (int round = 0; round < 50; ++round) {
    const base::Rate rate{1 + random() % 20, std::chrono::milliseconds{50 + random() % 1000}};
    Pace pace;
    std::vector<base::Time> starts;
    for (base::Time now = kNow; now < kNow + 20s; now += std::chrono::microseconds{random() % 100'000}) {
      if (pace.wait(rate, now)) continue;
      pace.started(rate, now);
      starts.push_back(now);
    }
    ASSERT_LE(most_in(starts, rate.window), rate.requests);
  }
}

TEST(Pace, takes_a_new_limit_at_once) {
  Pace pace;
  for (int i = 0; i < 5; ++i) pace.started({10, 1s}, kNow);

  EXPECT_EQ(pace.wait({5, 1s}, kNow), kNow + 1s);
  EXPECT_EQ(pace.wait({6, 1s}, kNow), std::nullopt);
}

}  // namespace

}  // namespace queue
