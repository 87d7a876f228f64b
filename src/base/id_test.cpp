#include "base/id.hpp"

#include <gtest/gtest.h>

#include <set>

namespace base {

namespace {

constexpr auto kNow = Time{std::chrono::microseconds{1'700'000'000'123'456}};

TEST(Uuid, carries_version_7_and_the_variant) {
  const Uuid uuid = make_uuid(kNow);
  EXPECT_EQ(uuid.bytes[6] >> 4, 7);
  EXPECT_EQ(uuid.bytes[8] >> 6, 2);
}

TEST(Uuid, begins_with_the_milliseconds_of_its_time) {
  const Uuid uuid = make_uuid(kNow + std::chrono::hours{24 * 365 * 50});
  std::uint64_t millis = 0;
  for (int i = 0; i < 6; ++i) millis = millis << 8 | uuid.bytes[static_cast<std::size_t>(i)];
  EXPECT_EQ(millis, 1'700'000'000'123ULL + 24ULL * 365 * 50 * 3600 * 1000);
}

TEST(Uuid, grows_although_the_clock_stands_or_steps_back) {
  Uuid last = make_uuid(kNow);
  for (int i = 0; i < 10'000; ++i) {
    const Uuid next = make_uuid(kNow - std::chrono::microseconds{i});
    ASSERT_LT(last, next);
    last = next;
  }
}

TEST(Uuid, reads_what_it_wrote) {
  const Uuid uuid = make_uuid(kNow);
  EXPECT_EQ(Uuid::parse(uuid.str()), uuid);
}

TEST(Uuid, refuses_everything_but_the_36_characters) {
  for (const char* text : {"", "0193", "01932f5c-7e1a-7abc-8def-0123456789a",
                           "01932f5c-7e1a-7abc-8def-0123456789abc", "01932f5c_7e1a-7abc-8def-0123456789ab",
                           "g1932f5c-7e1a-7abc-8def-0123456789ab", "{1932f5c-7e1a-7abc-8def-0123456789ab}"}) {
    EXPECT_FALSE(Uuid::parse(text)) << text;
  }
  EXPECT_TRUE(Uuid::parse("01932F5C-7E1A-7ABC-8DEF-0123456789AB"));
}

}  // namespace

}  // namespace base
