#include "core/ramp.hpp"

#include <gtest/gtest.h>

namespace bench {

namespace {

constexpr std::int64_t kBegin = 1'000 * kNsPerSecond;

/// `count` requests at once so many milliseconds after the first.
void load(RampMeter& meter, std::size_t receiver, std::size_t count, std::int64_t after_ms) {
  for (std::size_t i = 0; i < count; ++i) meter.begin(receiver, kBegin + after_ms * kNsPerMs);
  for (std::size_t i = 0; i < count; ++i) meter.end(receiver);
}

TEST(RampMeter, allows_two_at_first_and_twice_as_many_every_five_seconds) {
  EXPECT_EQ(RampMeter::allowed(0), 2u);
  EXPECT_EQ(RampMeter::allowed(5 * kNsPerSecond - 1), 2u);
  EXPECT_EQ(RampMeter::allowed(5 * kNsPerSecond), 4u);
  EXPECT_EQ(RampMeter::allowed(20 * kNsPerSecond), 32u);
}

TEST(RampMeter, finds_nothing_where_the_ramp_is_kept) {
  RampMeter meter(2);
  load(meter, 0, 2, 0);
  load(meter, 0, 4, 5'000);
  load(meter, 1, 2, 100'000);  // its own first request counts, however late
  const RampMeter::Verdict verdict = meter.verdict();
  EXPECT_EQ(verdict.receivers, 2u);
  EXPECT_EQ(verdict.above, 0u);
  EXPECT_EQ(verdict.most, 4u);
  EXPECT_DOUBLE_EQ(verdict.worst_excess, 1);
}

TEST(RampMeter, finds_who_got_more_than_the_ramp_allows) {
  RampMeter meter(3);
  load(meter, 0, 2, 0);
  load(meter, 1, 2, 0);
  load(meter, 1, 6, 4'000);
  const RampMeter::Verdict verdict = meter.verdict();
  EXPECT_EQ(verdict.receivers, 2u);
  EXPECT_EQ(verdict.above, 1u);
  EXPECT_DOUBLE_EQ(verdict.worst_excess, 3);
  EXPECT_DOUBLE_EQ(verdict.worst_at_seconds, 4);
}

TEST(RampMeter, forgets_what_was_before_the_outage) {
  RampMeter meter(1);
  load(meter, 0, 50, 0);
  meter.start_over();
  load(meter, 0, 2, 60'000);
  EXPECT_EQ(meter.verdict().above, 0u);
  EXPECT_EQ(meter.verdict().most, 2u);
}

}  // namespace

}  // namespace bench
