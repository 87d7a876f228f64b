#include "format/regex.hpp"

#include <gtest/gtest.h>

namespace format {

namespace {

TEST(Regex, fits_the_whole_text_or_not_at_all) {
  const auto regex = Regex::compile(R"(https://sns\.[a-z0-9-]{3,}\.amazonaws\.com/.*\.pem)");
  ASSERT_TRUE(regex);
  EXPECT_TRUE(regex->fits_whole("https://sns.eu-west-1.amazonaws.com/x.pem"));
  EXPECT_FALSE(regex->fits_whole("https://sns.eu-west-1.amazonaws.com/x.pem?y"));
  EXPECT_FALSE(regex->fits_whole("http://evil/https://sns.eu-west-1.amazonaws.com/x.pem"));
  EXPECT_FALSE(regex->fits_whole("https://sns.eu-west-1.amazonaws.com/x\n.pem"));
  EXPECT_FALSE(regex->fits_whole(std::string_view("https://sns.eu-west-1.amazonaws.com/\0.pem", 40)));
}

TEST(Regex, says_what_is_wrong_with_an_expression) {
  for (const char* bad : {"(", "a{2000}", "(?=x)", "[b-a]", R"(\8)"}) {
    const auto regex = Regex::compile(bad);
    ASSERT_FALSE(regex) << bad;
    EXPECT_EQ(regex.error().code, base::Code::invalid);
    EXPECT_NE(regex.error().message.find("RE2"), std::string::npos);
  }
  EXPECT_FALSE(Regex::compile(std::string(1001, 'a')));
}

TEST(Regex, refuses_what_is_small_to_write_and_large_to_compile) {
  std::string counted = "https://";
  for (int i = 0; i < 60; ++i) counted += "[a-z]{0,500}";
  for (const std::string& large :
       {counted, std::string("https://(a|b){1000}"), std::string("https://\\pL{100}")}) {
    const auto regex = Regex::compile(large);
    ASSERT_FALSE(regex) << large;
    EXPECT_NE(regex.error().message.find("too large"), std::string::npos) << regex.error().message;
  }
  EXPECT_TRUE(Regex::compile(R"(https://([a-z0-9-]{1,63}\.){1,2}example\.(com|net)/[A-Za-z0-9._~/-]*)"));
}

TEST(Regex, needs_no_more_than_linear_time) {
  const auto regex = Regex::compile("(a+)+b");
  ASSERT_TRUE(regex);
  EXPECT_FALSE(regex->fits_whole(std::string(100'000, 'a')));
}

}  // namespace

}  // namespace format
