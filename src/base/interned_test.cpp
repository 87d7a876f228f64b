#include "base/interned.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace base {

namespace {

TEST(Interned, is_made_once_for_all_that_say_the_same) {
  Interned<std::string, std::size_t> lengths;
  int made = 0;
  const auto length = [&](const std::string& text) -> Result<std::size_t> {
    ++made;
    return text.size();
  };
  const auto first = lengths.of("abc", length);
  const auto second = lengths.of("abc", length);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second) << "the same object";
  EXPECT_EQ(**first, 3);
  EXPECT_EQ(**lengths.of("abcd", length), 4);
  EXPECT_EQ(made, 2);
}

TEST(Interned, keeps_nothing_that_nobody_has_and_no_error) {
  Interned<int, int> twice;
  int made = 0;
  const auto make = [&](int said) -> Result<int> {
    ++made;
    if (said < 0) return fail(Code::invalid, "too small");
    return 2 * said;
  };
  (void)twice.of(1, make);
  (void)twice.of(1, make);
  EXPECT_EQ(made, 2) << "the first one was gone";
  EXPECT_FALSE(twice.of(-1, make));
  EXPECT_FALSE(twice.of(-1, make));
  EXPECT_EQ(made, 4);
}

TEST(Interned, forgets_those_that_are_gone) {
  Interned<int, int> twice;
  const auto make = [](int said) -> Result<int> { return 2 * said; };
  const auto kept = twice.of(-7, make);
  for (int said = 0; said < 10'000; ++said) (void)twice.of(said, make);
  EXPECT_LT(twice.size(), 200);
  EXPECT_EQ(*twice.of(-7, make), *kept);
  std::vector<Interned<int, int>::Ptr> all;
  for (int said = 0; said < 1'000; ++said) all.push_back(*twice.of(said, make));
  EXPECT_GE(twice.size(), 1'001) << "all of these are in use";
}

}  // namespace

}  // namespace base
