// Pictures of numbers, integers and times, beyond what the public suite asks.
#include <gtest/gtest.h>

#include "expr/integer_picture.hpp"
#include "expr/number_picture.hpp"
#include "expr/time_picture.hpp"

namespace expr {

namespace {

std::string number(double value, std::string_view picture) {
  const auto text = format_by_picture(value, picture, {});
  return text ? *text : std::string(name(text.error().code));
}

std::string integer(double value, std::string_view picture) {
  const auto parsed = IntegerPicture::parse(picture);
  return parsed ? parsed->format(value) : std::string(name(parsed.error().code));
}

std::string time(double millis, std::string_view picture, int zone = 0) {
  const auto parsed = TimePicture::parse(picture);
  if (!parsed) return std::string(name(parsed.error().code));
  const auto text = parsed->format(millis, zone);
  return text ? *text : std::string(name(text.error().code));
}

std::string read(std::string_view text, std::string_view picture) {
  const auto parsed = TimePicture::parse(picture);
  if (!parsed) return std::string(name(parsed.error().code));
  const auto millis = parsed->read(text, 1'795'366'080'123);
  if (!millis) return std::string(name(millis.error().code));
  return *millis ? *TimePicture::iso().format(**millis, 0) : "nothing";
}

}  // namespace

TEST(NumberPicture, is_followed) {
  EXPECT_EQ(number(12345.678, "#,##0.00"), "12,345.68");
  EXPECT_EQ(number(-0.5, "0.0;(0.0)"), "(0.5)");
  EXPECT_EQ(number(0, "#"), "0");
  EXPECT_EQ(number(0, "0.0e0"), "0.0e0");
  EXPECT_EQ(number(-1234.5, "00.0e0"), "-12.3e2");
  EXPECT_EQ(number(0.126, "#0.0%"), "12.6%");
  EXPECT_EQ(number(1234567, "#,##,##0"), "12,34,567");
  EXPECT_EQ(number(1e21, "#,##0"), "1,000,000,000,000,000,000,000");
  EXPECT_EQ(number(1, "0;0;0"), "D3080");
  EXPECT_EQ(number(1, "0.0.0"), "D3081");
  EXPECT_EQ(number(1, "abc"), "D3085");
}

TEST(IntegerPicture, is_followed) {
  EXPECT_EQ(integer(1999, "I"), "MCMXCIX");
  EXPECT_EQ(integer(28, "a"), "ab");
  EXPECT_EQ(integer(1234567, "#,##0"), "1,234,567");
  EXPECT_EQ(integer(42, "w;o"), "forty-second");
  EXPECT_EQ(integer(1e15, "w"), "one thousand trillion");
  EXPECT_EQ(integer(112, "1;o"), "112th");
  EXPECT_EQ(integer(-5, "001"), "-005");
  EXPECT_EQ(integer(12, "١"), "١٢");
  EXPECT_EQ(integer(1, "?"), "D3130");
  EXPECT_EQ(integer(1, "0١"), "D3131");
  EXPECT_EQ(IntegerPicture::parse("w")->read("two thousand and five"), 2005);
  EXPECT_EQ(IntegerPicture::parse("I")->read("MCMXCIX"), 1999);
  EXPECT_EQ(IntegerPicture::parse("#,##0")->read("1,234"), 1234);
  EXPECT_EQ(IntegerPicture::parse("1")->read("x"), std::nullopt);
}

TEST(TimePicture, is_followed) {
  constexpr double kMoment = 1'795'366'080'123;  // 2026-11-22T16:48:00.123Z
  EXPECT_EQ(time(kMoment, "[FNn], [D1o] [MNn] [Y]"), "Sunday, 22nd November 2026");
  EXPECT_EQ(time(kMoment, "[H01]:[m01] [z]", -330), "11:18 GMT-05:30");
  EXPECT_EQ(time(kMoment, "[h]:[m01] [PN] [Z]", 60), "5:48 PM +01:00");
  EXPECT_EQ(time(kMoment, "[X]-[W01]-[F1] [d] [w] [xNn]"), "2026-47-7 326 3 November");
  EXPECT_EQ(time(-1, "[Y0001]-[M01]-[D01] [f001]"), "1969-12-31 999");
  EXPECT_EQ(time(kMoment, "[[x]] [Y,2-2]"), "[x] 26");
  EXPECT_EQ(time(kMoment, "[Y"), "D3135");
  EXPECT_EQ(time(kMoment, "[q]"), "D3132");
  EXPECT_EQ(time(kMoment, "[YN]"), "D3133");
}

TEST(TimePicture, reads_what_it_writes) {
  EXPECT_EQ(read("22nd November 2026", "[D1o] [MNn] [Y]"), "2026-11-22T00:00:00.000Z");
  EXPECT_EQ(read("20261122", "[Y0001][M01][D01]"), "2026-11-22T00:00:00.000Z");
  EXPECT_EQ(read("5:48 PM", "[h]:[m01] [P]"), "2026-11-22T17:48:00.000Z");
  EXPECT_EQ(read("2026-326", "[Y]-[d]"), "2026-11-22T00:00:00.000Z");
  EXPECT_EQ(read("2026-11-22T16:48:00-0500", "[Y]-[M]-[D]T[H]:[m]:[s][Z0001]"), "2026-11-22T21:48:00.000Z");
  EXPECT_EQ(read("two thousand and twenty six", "[Yw]"), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(read("yesterday", "[Y]"), "nothing");
  EXPECT_EQ(read("2026 12", "[Y] [H]"), "D3136");
}

TEST(TimePicture, gives_up_on_a_text_that_fits_in_too_many_ways) {
  std::string picture;
  for (int i = 0; i < 30; ++i) picture += "[Y#1]";
  EXPECT_EQ(read(std::string(60, '1') + "x", picture), "nothing");
}

}  // namespace expr
