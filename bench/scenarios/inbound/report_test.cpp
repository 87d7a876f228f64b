#include <gtest/gtest.h>

#include "core/clock.hpp"
#include "scenarios/inbound/run.hpp"

namespace bench {

namespace {

InboundRun make_run(InboundLoad load, std::size_t endpoints, std::uint64_t received,
                    std::int64_t latency_ms) {
  InboundRun run{.plan = {.name = "run", .load = load, .endpoints = endpoints}, .seconds = 10};
  run.received = received;
  run.latency.record(latency_ms * kNsPerMs);
  run.server_end = "exit code 0";
  return run;
}

TEST(InboundBars, take_the_best_run_of_each_kind_and_the_median_of_the_rounds) {
  const InboundResult result{
      {make_run(InboundLoad::peak, 5, 160'000, 1), make_run(InboundLoad::peak, 5'000, 140'000, 1),
       make_run(InboundLoad::peak, 5, 150'000, 1), make_run(InboundLoad::peak, 5'000, 152'000, 1),
       make_run(InboundLoad::peak, 5, 100'000, 1), make_run(InboundLoad::peak, 5'000, 96'000, 1),
       make_run(InboundLoad::half, 5, 80'000, 6), make_run(InboundLoad::half, 5'000, 80'000, 6),
       make_run(InboundLoad::half, 5, 80'000, 4), make_run(InboundLoad::half, 5'000, 80'000, 10)}};
  const auto bars = result.bars();
  ASSERT_EQ(bars.size(), 4u);
  EXPECT_EQ(bars[0].name, "received_per_s");
  EXPECT_DOUBLE_EQ(bars[0].value, 16'000);
  EXPECT_TRUE(bars[0].met());
  EXPECT_NEAR(bars[1].value, 4, 0.05);
  EXPECT_TRUE(bars[1].met());
  EXPECT_DOUBLE_EQ(bars[2].value, 0.96) << "of 0.875, 1.013 and 0.96";
  EXPECT_TRUE(bars[2].met());
  EXPECT_NEAR(bars[3].value, 1.75, 0.03) << "of 1 and 2.5";
}

TEST(InboundBars, miss_what_is_slower) {
  const auto bars =
      InboundResult{{make_run(InboundLoad::peak, 5, 149'999, 1), make_run(InboundLoad::half, 5, 80'000, 11)}}
          .bars();
  ASSERT_EQ(bars.size(), 2u) << "nothing is said of many endpoints where there is no such run";
  EXPECT_FALSE(bars[0].met());
  EXPECT_FALSE(bars[1].met());
}

TEST(InboundProblems, name_what_was_lost_left_or_answered_otherwise) {
  InboundRun run = make_run(InboundLoad::peak, 5, 10, 1);
  run.stored = {.stored = 10, .processed = 10, .published = 10, .events = 10};
  run.answers.by_status[200] = 10;
  run.answers.by_status[503] = 3;
  EXPECT_TRUE(problems_of(run).empty());
  run.verdict.lost = 1;
  run.stored.processed = 9;
  run.answers.by_status[401] = 2;
  const auto problems = problems_of(run);
  ASSERT_EQ(problems.size(), 4u);
  EXPECT_EQ(problems[0], "1 acknowledged webhooks were lost: they are not in the store");
  EXPECT_EQ(problems[1], "1 stored webhooks were not processed in time");
  EXPECT_EQ(problems[2], "1 events too many were published");
  EXPECT_EQ(problems[3], "2 webhooks were answered 401");
}

}  // namespace

}  // namespace bench
