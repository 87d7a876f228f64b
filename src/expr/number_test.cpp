#include "expr/number.hpp"

#include <gtest/gtest.h>

namespace expr {

TEST(Number, is_written_as_javascript_does) {
  const struct {
    double number;
    std::string_view text;
  } cases[] = {{0, "0"},
               {-0.0, "0"},
               {1, "1"},
               {-1.5, "-1.5"},
               {0.1, "0.1"},
               {1e-6, "0.000001"},
               {1e-7, "1e-7"},
               {1.25e-9, "1.25e-9"},
               {123456789012345680000.0, "123456789012345680000"},
               {1e21, "1e+21"},
               {-1.5e300, "-1.5e+300"},
               {5e-324, "5e-324"},
               {1e15, "1000000000000000"},
               {9007199254740993.0, "9007199254740992"}};
  for (const auto& [number, text] : cases) {
    NumberText room;
    EXPECT_EQ(write_number(room, number), text);
  }
}

TEST(Number, rounds_half_to_even_by_its_decimal_text) {
  EXPECT_EQ(round_half_even(4.525, 2), 4.52);
  EXPECT_EQ(round_half_even(4.515, 2), 4.52);
  EXPECT_EQ(round_half_even(1.005, 2), 1);
  EXPECT_EQ(round_half_even(2.5, 0), 2);
  EXPECT_EQ(round_half_even(-2.5, 0), -2);
  EXPECT_EQ(round_half_even(12450, -2), 12400);
  EXPECT_EQ(round_half_even(1e300, 10), 1e300);
}

TEST(Number, is_shown_with_15_digits) {
  EXPECT_EQ(to_15_digits(1.0 / 3), 0.333333333333333);
  EXPECT_EQ(to_15_digits(0.1 + 0.2), 0.3);
  EXPECT_EQ(to_15_digits(1000.000244140625), 1000.00024414063);
  EXPECT_EQ(to_15_digits(-500000000000000.5), -500000000000001);
  EXPECT_EQ(to_15_digits(1e300), 1e300);
  EXPECT_EQ(to_15_digits(5e-324), 5e-324);
}

TEST(Number, is_read_from_what_is_a_number) {
  EXPECT_EQ(read_number("12.50"), 12.5);
  EXPECT_EQ(read_number("-1e2"), -100);
  EXPECT_EQ(read_number("0x1F"), 31);
  EXPECT_EQ(read_number("0b101"), 5);
  EXPECT_EQ(read_number("0o17"), 15);
  for (const std::string_view text :
       {"", " 1", "1.", ".5", "1e", "0x", "0b2", "--1", "1e999", "abc", "1,5"}) {
    EXPECT_FALSE(read_number(text).has_value()) << text;
  }
}

}  // namespace expr
