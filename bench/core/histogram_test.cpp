#include "core/histogram.hpp"

#include <gtest/gtest.h>

namespace bench {

namespace {

TEST(Histogram, is_exact_for_small_values) {
  Histogram histogram;
  for (int value = 1; value <= 100; ++value) histogram.record(value);
  EXPECT_EQ(histogram.percentile(0.5), 50);
  EXPECT_EQ(histogram.percentile(0.99), 99);
  EXPECT_EQ(histogram.percentile(1.0), 100);
  EXPECT_DOUBLE_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, never_understates_and_overstates_by_less_than_one_percent) {
  for (std::int64_t value = 1; value < std::int64_t{1} << 40; value = value * 5 / 3 + 1) {
    Histogram histogram;
    histogram.record(value);
    histogram.record(std::int64_t{1} << 41);  // so that the maximum does not stand in for the bucket's end
    const std::int64_t seen = histogram.percentile(0.5);
    EXPECT_GE(seen, value);
    EXPECT_LE(static_cast<double>(seen), static_cast<double>(value) * 1.008) << value;
  }
}

TEST(Histogram, keeps_neighbouring_buckets_apart) {
  Histogram histogram;
  for (const std::int64_t value : {127, 128, 255, 256}) histogram.record(value);
  EXPECT_EQ(histogram.percentile(0.25), 127);
  EXPECT_EQ(histogram.percentile(0.50), 128);
  EXPECT_EQ(histogram.percentile(0.75), 255);
  EXPECT_EQ(histogram.percentile(1.00), 256);
}

TEST(Histogram, counts_negative_values_as_zero) {
  Histogram histogram;
  histogram.record(-5);
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.percentile(1.0), 0);
}

TEST(Histogram, keeps_the_exact_maximum_of_values_beyond_its_range) {
  Histogram histogram;
  histogram.record(std::int64_t{1} << 60);
  EXPECT_EQ(histogram.max(), std::int64_t{1} << 60);
  EXPECT_EQ(histogram.percentile(0.99), std::int64_t{1} << 60);
}

TEST(Histogram, gives_zero_when_empty) {
  const Histogram histogram;
  EXPECT_EQ(histogram.percentile(0.99), 0);
  EXPECT_EQ(histogram.mean(), 0);
}

}  // namespace

}  // namespace bench
