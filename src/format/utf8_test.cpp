#include "format/utf8.hpp"

#include <gtest/gtest.h>

namespace format {

namespace {

using namespace std::string_view_literals;

TEST(Storable, is_well_formed_text_without_zero_bytes) {
  for (const std::string_view text :
       {""sv, "order/42"sv, "żółw 🐢, long enough for eight"sv, "\t\n\x01\x7f"sv}) {
    EXPECT_TRUE(is_storable(text)) << text;
    EXPECT_EQ(storable(text), text);
  }
  for (const std::string_view text :
       {"\0"sv, "eight by\0te"sv, "\xff\xfe"sv, "\xc3"sv, "eightbyte\xed\xa0\x80"sv, "\xc0\x80"sv}) {
    EXPECT_FALSE(is_storable(text)) << text;
  }
}

TEST(Storable, is_made_of_any_bytes_by_marking_those_that_cannot_be_kept) {
  EXPECT_EQ(storable("a\0b"sv), "a\uFFFDb");
  EXPECT_EQ(storable("\xff\xfez"sv), "\uFFFD\uFFFDz");
  EXPECT_EQ(storable("ż\xc5"sv), "ż\uFFFD");
}

}  // namespace

}  // namespace format
