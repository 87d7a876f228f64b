#include "base/log_bound.hpp"

#include <gtest/gtest.h>

namespace base {

namespace {

using namespace std::chrono_literals;

TEST(LogBound, lets_some_lines_through_in_each_period_and_tells_how_many_it_left_out) {
  LogBound bound(2, 1s);
  const Steady begin = Steady{} + 1h;

  EXPECT_EQ(bound.admit(begin), 0);
  EXPECT_EQ(bound.admit(begin + 1ms), 0);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(bound.admit(begin + 999ms), std::nullopt);
  EXPECT_EQ(bound.admit(begin + 1s), 7);
  EXPECT_EQ(bound.admit(begin + 1s), 0) << "they are told once";
  EXPECT_EQ(bound.admit(begin + 1s), std::nullopt);
  EXPECT_EQ(bound.admit(begin + 1h), 1);
}

}  // namespace

}  // namespace base
