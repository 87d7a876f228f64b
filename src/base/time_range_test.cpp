#include "base/time_range.hpp"

#include <gtest/gtest.h>

namespace base {

namespace {

TEST(TimeRange, holds_what_is_shown_between_its_bounds) {
  struct Case {
    const char* bound;
    const char* moment;
    bool at_123;
    bool at_124;
  };
  for (const auto& [bound, moment, at_123, at_124] : {
           Case{"gte", "2026-01-31T08:15:00.123Z", true, true},
           Case{"gt", "2026-01-31T08:15:00.123Z", false, true},
           Case{"lte", "2026-01-31T08:15:00.123Z", true, false},
           Case{"lt", "2026-01-31T08:15:00.123Z", false, false},
           Case{"lt", "2026-01-31T08:15:00.124Z", true, false},
           Case{"gte", "2026-01-31T08:15:00.1234Z", false, true},
           Case{"gt", "2026-01-31T08:15:00.1234Z", false, true},
           Case{"lte", "2026-01-31T08:15:00.1234Z", true, false},
           Case{"lt", "2026-01-31T08:15:00.1234Z", true, false},
           Case{"lte", "2026-01-31T09:15:00.124+01:00", true, true},
       }) {
    TimeRange range;
    ASSERT_TRUE(range.narrow(bound, parse_rfc3339(moment).value()));
    // What is stored may be finer than what is shown.
    const Time shown = parse_rfc3339("2026-01-31T08:15:00.123Z").value();
    EXPECT_EQ(range.contains(shown), at_123) << bound << " " << moment;
    EXPECT_EQ(range.contains(shown + std::chrono::microseconds{999}), at_123) << bound << " " << moment;
    EXPECT_EQ(range.contains(shown + std::chrono::milliseconds{1}), at_124) << bound << " " << moment;
  }
}

TEST(TimeRange, is_narrowed_by_each_bound_and_by_no_other_word) {
  const Time noon = parse_rfc3339("2026-01-31T12:00:00Z").value();
  TimeRange range;
  EXPECT_TRUE(range.narrow("gte", noon));
  EXPECT_TRUE(range.narrow("gte", noon - std::chrono::hours{1}));
  EXPECT_TRUE(range.narrow("lt", noon + std::chrono::hours{2}));
  EXPECT_TRUE(range.narrow("lte", noon + std::chrono::hours{1}));
  EXPECT_EQ(range, (TimeRange{noon, noon + std::chrono::hours{1} + std::chrono::milliseconds{1}}));
  EXPECT_FALSE(range.narrow("eq", noon));
}

}  // namespace

}  // namespace base
