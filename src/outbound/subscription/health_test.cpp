#include "outbound/subscription/health.hpp"

#include "outbound/subscription/fixture.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;

TEST(Health, is_given_up_after_enough_failures_over_enough_time) {
  struct Case {
    std::int64_t failures;
    std::chrono::microseconds since_first;
    bool disabled;
  };
  for (const Case& c :
       {Case{0, 24h, false}, Case{9, 24h, false}, Case{10, 0s, false}, Case{10, 15min - 1us, false},
        Case{10, 15min, true}, Case{11, 15min, true}, Case{1000, 14min, false}, Case{1000, 24h, true}}) {
    EXPECT_EQ(should_disable({}, c.failures, kNow, kNow + c.since_first), c.disabled)
        << c.failures << " failures in " << c.since_first.count() << " us";
  }
}

TEST(Health, follows_the_missions_letter_where_the_policy_has_no_floor) {
  const HealthPolicy policy{.failures = 10, .floor = 0s};
  EXPECT_FALSE(should_disable(policy, 9, kNow, kNow));
  EXPECT_TRUE(should_disable(policy, 10, kNow, kNow));
}

}  // namespace

}  // namespace outbound
