#include "queue/flow.hpp"

#include <gtest/gtest.h>

namespace queue {

namespace {

using namespace std::chrono_literals;

constexpr base::Time kNow{1'800'000'000s};

class FlowTest : public ::testing::Test {
 protected:
  std::optional<Breaker::Change> end(Signal signal, std::chrono::microseconds took = 10ms) {
    return flow.ended({.signal = signal, .took = took, .probe = flow.share(now) == Share::probe}, now);
  }
  void succeed(int times) {
    for (int i = 0; i < times; ++i) end(Signal::success);
  }
  bool may(std::size_t running) { return flow.may_start(running, now).now; }

  base::Time now = kNow;
  Flow flow{Breaker::Policy{}};
};

TEST_F(FlowTest, lets_as_many_run_as_the_window_has_room_for) {
  EXPECT_TRUE(may(1));
  EXPECT_FALSE(may(2));
  succeed(2);
  EXPECT_TRUE(may(2));
  EXPECT_FALSE(may(3));
}

TEST_F(FlowTest, lets_no_more_run_than_its_policy_says) {
  flow.set_policy({.in_flight_max = 3});
  succeed(1000);

  EXPECT_EQ(flow.width(now), 3u);
  EXPECT_TRUE(may(2));
  EXPECT_FALSE(may(3));
}

TEST_F(FlowTest, says_when_its_rate_allows_the_next_one) {
  flow.set_policy({.rate = base::Rate{2, 10s}});
  flow.started(now);
  flow.started(now);

  const Flow::May may = flow.may_start(0, now);

  EXPECT_FALSE(may.now);
  EXPECT_EQ(may.at, kNow + 10s);
  now += 10s;
  EXPECT_TRUE(this->may(0));
}

TEST_F(FlowTest, is_slow_until_it_has_shown_that_it_answers_well) {
  EXPECT_EQ(flow.share(now), Share::slow);
  end(Signal::success);
  EXPECT_EQ(flow.share(now), Share::fast);
  end(Signal::failure);
  EXPECT_EQ(flow.share(now), Share::slow);
  end(Signal::success);
  EXPECT_EQ(flow.share(now), Share::fast);
  end(Signal::neutral);
  EXPECT_EQ(flow.share(now), Share::fast);
}

TEST_F(FlowTest, is_slow_while_answers_take_long) {
  succeed(10);
  for (int i = 0; i < 10; ++i) end(Signal::success, 10s);
  EXPECT_EQ(flow.share(now), Share::slow);
  succeed(30);
  EXPECT_EQ(flow.share(now), Share::fast);
}

TEST_F(FlowTest, probes_one_at_a_time_when_its_circuit_has_been_open_long_enough) {
  succeed(20);
  for (int i = 0; i < 5; ++i) end(Signal::failure);

  EXPECT_EQ(flow.may_start(0, now).at, kNow + 60s);
  EXPECT_EQ(flow.share(now), Share::probe);
  now += 60s;
  EXPECT_TRUE(may(0));
  EXPECT_FALSE(may(1));
}

TEST_F(FlowTest, goes_on_with_one_at_a_time_when_its_circuit_was_reset) {
  flow.set_policy({.circuit_no = 3});
  for (int i = 0; i < 4; ++i) end(Signal::failure);
  EXPECT_EQ(end(Signal::failure)->circuit_no, 3);
  EXPECT_FALSE(may(0));

  flow.reset_circuit(now);

  EXPECT_TRUE(flow.circuit_closed());
  EXPECT_TRUE(may(0));
  EXPECT_EQ(flow.width(now), 1u);
  EXPECT_NE(flow.share(now), Share::probe);
}

TEST_F(FlowTest, doubles_every_five_seconds_after_its_circuit_has_closed) {
  succeed(5000);
  ASSERT_EQ(flow.width(now), 64u);
  for (int i = 0; i < 5; ++i) end(Signal::failure);
  now += 60s;
  end(Signal::success);
  end(Signal::success);

  const auto closed = end(Signal::success);

  ASSERT_TRUE(closed);
  const base::Time then = now;
  for (const auto& [after, width] :
       {std::pair(0s, 1u), std::pair(4s, 1u), std::pair(5s, 2u), std::pair(9s, 2u), std::pair(10s, 4u),
        std::pair(20s, 16u), std::pair(30s, 64u)}) {
    now = then + after;
    EXPECT_EQ(flow.width(now), width) << after.count();
  }
  flow.started(now);
  now = then;
  EXPECT_EQ(flow.width(now), 64u) << "the ramp is over for good";
}

TEST_F(FlowTest, does_not_take_what_tells_nothing_for_a_failure) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(end(Signal::neutral));
  EXPECT_TRUE(may(0));
}

}  // namespace

}  // namespace queue
