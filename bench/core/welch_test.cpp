#include "core/welch.hpp"

#include <gtest/gtest.h>

#include <random>

namespace bench {

namespace {

/// Of both sorts in turn, 1,000 ns and some noise; those of the second take so much longer.
std::vector<TimedSample> make_samples(std::size_t count, std::uint32_t longer) {
  std::mt19937 random(7);
  std::vector<TimedSample> samples;
  for (std::size_t i = 0; i < count; ++i) {
    const bool second = i % 2 == 1;
    samples.push_back({static_cast<std::uint32_t>(1'000 + random() % 100) + (second ? longer : 0), second});
  }
  return samples;
}

TEST(Welch, finds_what_differs_by_a_part_of_the_noise) {
  const WelchResult result = compare_by_welch(make_samples(20'000, 5), 1.0);
  EXPECT_GT(result.t, 4.5);
  EXPECT_NEAR(result.second_ns - result.first_ns, 5, 2);
}

TEST(Welch, finds_nothing_where_nothing_differs) {
  EXPECT_LT(std::abs(compare_by_welch(make_samples(20'000, 0), 1.0).t), 4.5);
}

TEST(Welch, is_what_the_textbook_says) {
  // Means 2 and 4, variances 1 and 4, three of each: 2 / sqrt(1/3 + 4/3).
  const std::vector<TimedSample> samples = {{1, false}, {2, false}, {3, false},
                                            {2, true},  {4, true},  {6, true}};
  EXPECT_NEAR(compare_by_welch(samples, 1.0).t, 1.549193, 1e-6);
}

TEST(Welch, leaves_the_slowest_out_of_both_sorts_by_one_limit) {
  std::vector<TimedSample> samples = make_samples(20'000, 0);
  for (std::size_t i = 1; i < samples.size(); i += 40) samples[i].ns += 1'000'000;
  EXPECT_GT(compare_by_welch(samples, 1.0).t, 4.5) << "interruptions of one sort";
  const WelchResult result = compare_by_welch(samples, 0.9);
  EXPECT_LT(result.second_ns, 1'100);
  EXPECT_NEAR(static_cast<double>(result.kept), 18'000, 400);
}

TEST(Welch, says_nothing_of_no_samples_and_of_equal_ones) {
  EXPECT_EQ(compare_by_welch({}, 0.9).t, 0);
  EXPECT_EQ(compare_by_welch({{5, false}, {5, true}}, 0.9).t, 0);
}

}  // namespace

}  // namespace bench
