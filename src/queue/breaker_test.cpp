#include "queue/breaker.hpp"

#include <gtest/gtest.h>

namespace queue {

namespace {

using namespace std::chrono_literals;
using State = Breaker::State;
using Kind = Breaker::Change::Kind;

constexpr base::Time kNow{1'800'000'000s};
constexpr Breaker::Policy kPolicy{};

class BreakerTest : public ::testing::Test {
 protected:
  std::optional<Breaker::Change> fail() { return end({.success = false}); }
  std::optional<Breaker::Change> succeed() { return end({.success = true}); }
  std::optional<Breaker::Change> probe(bool success) { return end({.success = success, .probe = true}); }
  std::optional<Breaker::Change> end(Breaker::End end) { return breaker.ended(kPolicy, end, now); }
  void open() {
    for (int i = 0; i < 5; ++i) fail();
  }
  State state() const { return breaker.state(now); }

  base::Time now = kNow;
  Breaker breaker;
};

TEST_F(BreakerTest, opens_after_five_consecutive_failures) {
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(fail()) << i;
  EXPECT_EQ(state(), State::closed);

  const auto change = fail();

  ASSERT_TRUE(change);
  EXPECT_EQ(change->kind, Kind::opened);
  EXPECT_EQ(change->open, (Breaker::Open{kNow + 60s, 60s, kNow}));
  EXPECT_EQ(state(), State::open);
}

TEST_F(BreakerTest, begins_to_count_anew_after_a_success) {
  for (int i = 0; i < 4; ++i) fail();
  succeed();

  for (int i = 0; i < 4; ++i) EXPECT_FALSE(fail()) << i;
  EXPECT_EQ(state(), State::closed);
}

TEST_F(BreakerTest, is_half_open_when_its_time_is_over) {
  open();
  now = kNow + 60s - 1us;
  EXPECT_EQ(state(), State::open);
  now = kNow + 60s;
  EXPECT_EQ(state(), State::half_open);
}

TEST_F(BreakerTest, closes_after_three_probes_that_succeed_in_a_row) {
  open();
  now += 60s;
  EXPECT_FALSE(probe(true));
  EXPECT_FALSE(probe(true));
  EXPECT_EQ(state(), State::half_open);

  const auto change = probe(true);

  ASSERT_TRUE(change);
  EXPECT_EQ(change->kind, Kind::closed);
  EXPECT_FALSE(change->open);
  EXPECT_EQ(state(), State::closed);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(fail()) << i;
}

TEST_F(BreakerTest, stays_open_twice_as_long_each_time_a_probe_fails_and_at_most_fifteen_minutes) {
  open();
  for (const auto span : {120s, 240s, 480s, 900s, 900s}) {
    now = breaker.open()->until;
    const auto change = probe(false);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->kind, Kind::reopened);
    EXPECT_EQ(change->open, (Breaker::Open{now + span, span, kNow}));
  }
}

TEST_F(BreakerTest, counts_probes_anew_after_one_that_failed) {
  open();
  now += 60s;
  probe(true);
  probe(true);
  probe(false);
  now = breaker.open()->until;

  EXPECT_FALSE(probe(true));
  EXPECT_FALSE(probe(true));
  EXPECT_TRUE(probe(true));
}

TEST_F(BreakerTest, opens_for_the_first_span_again_after_it_was_closed) {
  open();
  now += 60s;
  probe(false);
  now = breaker.open()->until;
  for (int i = 0; i < 3; ++i) probe(true);

  open();

  EXPECT_EQ(breaker.open()->span, 60s);
}

TEST_F(BreakerTest, learns_nothing_from_what_began_before_it_opened) {
  open();

  EXPECT_FALSE(succeed());
  EXPECT_FALSE(fail());
  EXPECT_EQ(breaker.open(), (Breaker::Open{kNow + 60s, 60s, kNow}));
}

TEST_F(BreakerTest, goes_on_where_another_process_left_it) {
  breaker.restore({kNow + 10s, 240s});
  EXPECT_EQ(state(), State::open);
  now = kNow + 10s;

  probe(false);

  EXPECT_EQ(breaker.open()->span, 480s);
}

TEST_F(BreakerTest, is_closed_and_has_counted_nothing_after_a_reset) {
  open();
  now += 60s;
  probe(true);

  breaker.reset();

  EXPECT_EQ(state(), State::closed);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(fail()) << i;
  EXPECT_EQ(fail()->open, (Breaker::Open{now + 60s, 60s, now}));
}

TEST(Breaker, opens_for_longer_than_the_longest_span_where_it_is_told_to) {
  Breaker breaker;
  const Breaker::Policy policy{.failures = 1, .open = 3600s};

  breaker.ended(policy, {.success = false}, kNow);
  const auto change = breaker.ended(policy, {.success = false, .probe = true}, kNow + 3600s);

  EXPECT_EQ(change->open->span, 3600s);
}

}  // namespace

}  // namespace queue
