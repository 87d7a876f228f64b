#include "format/decimal.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace format {

namespace {

std::string nines(std::size_t count) { return std::string(count, '9'); }

TEST(Decimal, orders_numbers_however_they_are_written) {
  // Each row is one number; rows ascend.
  const std::vector<std::vector<std::string>> rows = {
      {"-1e5000"},
      {"-" + nines(40), "-" + nines(40) + ".000"},
      {"-10", "-1e1", "-1.0E+1", "-100e-1"},
      {"-9.99"},
      {"-0.001", "-1e-3"},
      {"-1e-99999999999999999999"},
      {"0", "-0", "0.0", "-0.000", "0e5", "0E-99999999999999999999"},
      {"1e-99999999999999999999"},
      {"0.00009", "9e-5", "0.9e-4"},
      {"0.0001", "1e-4", "0.1e-3", "0.00010"},
      {"0.1", "1e-1", "0.10"},
      {"0.10000000000000000000000000000000000001"},
      {"1", "1.0", "1e0", "10e-1", "0.1e1", "1.000e+00"},
      {"1.5", "15e-1", "0.15e1", "1.50"},
      {"9007199254740992"},
      {"9007199254740993", "9007199254740993.0"},
      {"9223372036854775807"},
      {"9223372036854775808"},
      {"1e20", "100000000000000000000", "1.0e20"},
      {nines(40)},
      {"1e40", "10e39"},
      {"1e5000"},
      {"1e99999999999999999999"},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows.size(); ++j) {
      for (const std::string& a : rows[i]) {
        for (const std::string& b : rows[j]) {
          EXPECT_EQ(Decimal(a).compare(Decimal(b)), i <=> j) << a << " and " << b;
        }
      }
    }
  }
}

TEST(Decimal, tells_the_power_of_ten_of_its_first_digit) {
  EXPECT_EQ(Decimal("0.000").exponent(), 0);
  EXPECT_EQ(Decimal("7").exponent(), 0);
  EXPECT_EQ(Decimal("-123.4").exponent(), 2);
  EXPECT_EQ(Decimal("0.0012").exponent(), -3);
  EXPECT_EQ(Decimal("12e10").exponent(), 11);
}

}  // namespace

}  // namespace format
