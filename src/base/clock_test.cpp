#include "base/clock.hpp"

#include <gtest/gtest.h>

namespace base {

namespace {

TEST(Rfc3339, writes_utc_with_milliseconds) {
  EXPECT_EQ(to_rfc3339(from_micros(1'700'000'000'123'999)), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(to_rfc3339(from_micros(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(Rfc3339, reads_every_offset_and_fraction) {
  struct Case {
    const char* text;
    std::int64_t micros;
  };
  for (const auto& [text, micros] : {Case{"2023-11-14T22:13:20Z", 1'700'000'000'000'000},
                                     Case{"2023-11-14t22:13:20.1z", 1'700'000'000'100'000},
                                     Case{"2023-11-15T00:13:20.123456789+02:00", 1'700'000'000'123'456},
                                     Case{"2023-11-14T16:43:20-05:30", 1'700'000'000'000'000},
                                     Case{"2024-02-29T00:00:00Z", 1'709'164'800'000'000}}) {
    const auto time = parse_rfc3339(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(to_micros(*time), micros) << text;
  }
}

TEST(Rfc3339, refuses_what_is_malformed_or_not_on_the_calendar) {
  for (const char* text :
       {"", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20.Z", "2023-02-29T00:00:00Z",
        "2023-11-14T24:00:00Z", "2023-11-14T22:60:00Z", "2023-11-14T22:13:20+2:00", "2023-11-14T22:13:20Zx",
        "2023-13-14T22:13:20Z", "2023-11-14T22:13:20.1234567890Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Clock, tells_how_long_until_a_moment_and_nothing_for_one_that_has_passed) {
  const SystemClock clock;
  EXPECT_EQ(clock.until(clock.now() - std::chrono::hours{1}), std::chrono::microseconds{0});
  const auto left = clock.until(clock.now() + std::chrono::hours{1});
  EXPECT_GT(left, std::chrono::minutes{59});
  EXPECT_LE(left, std::chrono::hours{1});
}

TEST(Clock, that_is_scaled_begins_now_and_reaches_moments_sooner) {
  const Time before = SystemClock{}.now();
  const ScaledClock clock(1000);
  const Time first = clock.now();
  EXPECT_GE(first, before);

  const auto left = clock.until(first + std::chrono::hours{1});
  EXPECT_LE(left, std::chrono::microseconds{3'600'000});
  EXPECT_GE(clock.now() - first, std::chrono::microseconds{0});
  EXPECT_EQ(clock.until(first - std::chrono::microseconds{1}), std::chrono::microseconds{0});
}

}  // namespace

}  // namespace base
