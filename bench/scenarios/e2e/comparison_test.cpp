#include "scenarios/e2e/comparison.hpp"

#include <gtest/gtest.h>

namespace bench {

namespace {

/// Ten seconds in which two tenants got so many events, each of them `receipt_ms` after its 202.
RunResult make_run(Beside beside, std::uint64_t first, std::uint64_t second, std::int64_t receipt_ms) {
  RunResult run{.plan = {.name = "run", .beside = beside}, .seconds = 10};
  run.window.received = first + second;
  run.received_by_tenant = {first, second};
  run.window.receipt.record(receipt_ms * kNsPerMs);
  run.window.accept.record(kNsPerMs);
  return run;
}

TEST(Comparison, divides_the_run_beside_others_by_the_run_alone) {
  const auto comparison =
      compare({make_run(Beside::unheard, 1000, 1000, 10), make_run(Beside::dead, 1000, 900, 15)});
  ASSERT_TRUE(comparison);
  EXPECT_DOUBLE_EQ(comparison->delivered_ratio, 0.95);
  EXPECT_DOUBLE_EQ(comparison->worst_tenant_ratio, 0.9);
  EXPECT_NEAR(comparison->receipt_p99_ratio, 1.5, 0.02);
}

TEST(Comparison, is_none_of_runs_that_nobody_was_beside) {
  EXPECT_FALSE(compare({make_run(Beside::nobody, 1, 1, 1)}));
  EXPECT_FALSE(compare({make_run(Beside::nobody, 1, 1, 1), make_run(Beside::nobody, 1, 1, 1)}));
}

TEST(Bars, ask_that_no_tenant_suffers_from_a_flooder) {
  const auto bars =
      bars_of({make_run(Beside::nobody, 1000, 1000, 10), make_run(Beside::flooder, 1040, 900, 10)});
  ASSERT_EQ(bars.size(), 2u);
  EXPECT_EQ(bars[0].name, "delivered_ratio");
  EXPECT_TRUE(bars[0].met());
  EXPECT_EQ(bars[1].name, "worst_tenant_ratio");
  EXPECT_FALSE(bars[1].met());
}

TEST(Bars, ask_for_bounded_memory_and_sockets_beside_the_dead) {
  auto dead = make_run(Beside::dead, 1000, 1000, 10);
  dead.server_rss_peak_bytes = std::uint64_t{513} << 20;
  dead.sockets_beside_peak = 2000;
  const auto bars = bars_of({make_run(Beside::nobody, 1000, 1000, 10), dead});
  ASSERT_EQ(bars.size(), 4u);
  EXPECT_EQ(bars[2].name, "rss_peak_mib");
  EXPECT_FALSE(bars[2].met());
  EXPECT_TRUE(bars[3].met());
}

TEST(Bars, ask_that_a_hostile_neighbour_costs_neither_time_nor_answers_nor_memory) {
  const auto with = [](std::int64_t receipt_ms, std::uint64_t errors, std::uint64_t after_mib) {
    auto run = make_run(Beside::hostile, 1000, 1000, receipt_ms);
    run.load.by_status[503] = errors;
    run.server_rss_before_bytes = std::uint64_t{100} << 20;
    run.server_rss_after_bytes = after_mib << 20;
    return run;
  };
  const auto missed = [&](const RunResult& run) {
    std::string names;
    for (const Bar& bar : bars_of({make_run(Beside::nobody, 1000, 1000, 10), run})) {
      if (!bar.met()) names += bar.name + " ";
    }
    return names;
  };

  EXPECT_EQ(missed(with(29, 0, 160)), "");
  EXPECT_EQ(missed(with(31, 0, 160)), "receipt_p99_ratio ");
  EXPECT_EQ(missed(with(29, 1, 160)), "healthy_5xx ");
  EXPECT_EQ(missed(with(29, 0, 170)), "rss_held_after_a_minute_mib ");
  EXPECT_EQ(missed(with(29, 0, 20)), "") << "less than before is no loss";
}

}  // namespace

}  // namespace bench
