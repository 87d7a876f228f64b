#include "http/message.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace http {

namespace {

using namespace std::string_literals;

std::optional<std::string> decode(std::string_view text, Plus plus = Plus::literal) {
  std::string out = "left from before";
  if (!percent_decode(text, plus, out)) return std::nullopt;
  return out;
}

TEST(PercentDecode, turns_escapes_into_bytes) {
  EXPECT_EQ(decode(""), "");
  EXPECT_EQ(decode("plain-._~"), "plain-._~");
  EXPECT_EQ(decode("%41"), "A");
  EXPECT_EQ(decode("a%2Fb%2fc"), "a/b/c");
  EXPECT_EQ(decode("%c3%BC"), "ü");
  EXPECT_EQ(decode("%ff"), "\xff");
  EXPECT_EQ(decode("%01%10"), "\x01\x10");
  EXPECT_EQ(decode("100%25"), "100%");
}

TEST(PercentDecode, decodes_once) { EXPECT_EQ(decode("%252F"), "%2F"); }

TEST(PercentDecode, takes_a_plus_for_a_blank_only_where_it_is_told_to) {
  EXPECT_EQ(decode("a+b%2B", Plus::literal), "a+b+");
  EXPECT_EQ(decode("a+b%2B", Plus::blank), "a b+");
}

TEST(PercentDecode, refuses_escapes_that_are_cut_or_are_no_hexadecimal_digits) {
  for (const char* text :
       {"%", "%4", "a%", "a%4", "%%41", "%4g", "%g4", "% 1", "%+1", "%-1", "%0x", "%u0041"}) {
    EXPECT_EQ(decode(text), std::nullopt) << text;
  }
}

TEST(PercentDecode, refuses_an_escaped_nul) {
  EXPECT_EQ(decode("%00"), std::nullopt);
  EXPECT_EQ(decode("a%00b"), std::nullopt);
}

TEST(PercentDecode, refuses_a_plain_nul_as_its_contract_says) { EXPECT_EQ(decode("a\0b"s), std::nullopt); }

using Members = std::vector<std::pair<std::string, std::string>>;

TEST(ParseQuery, gives_the_members_in_their_order) {
  EXPECT_EQ(parse_query(""), Members{});
  EXPECT_EQ(parse_query("a=1"), (Members{{"a", "1"}}));
  EXPECT_EQ(parse_query("b=2&a=1&b=3"), (Members{{"b", "2"}, {"a", "1"}, {"b", "3"}}));
}

TEST(ParseQuery, tells_names_and_values_apart_at_the_first_equals_sign) {
  EXPECT_EQ(parse_query("a=b=c"), (Members{{"a", "b=c"}}));
  EXPECT_EQ(parse_query("a="), (Members{{"a", ""}}));
  EXPECT_EQ(parse_query("a"), (Members{{"a", ""}}));
  EXPECT_EQ(parse_query("=b"), (Members{{"", "b"}}));
  EXPECT_EQ(parse_query("a?b=c?d"), (Members{{"a?b", "c?d"}}));
}

TEST(ParseQuery, leaves_out_empty_members) {
  EXPECT_EQ(parse_query("&"), Members{});
  EXPECT_EQ(parse_query("&&a=1&&b=2&"), (Members{{"a", "1"}, {"b", "2"}}));
}

TEST(ParseQuery, decodes_names_and_values_after_parting_them) {
  EXPECT_EQ(parse_query("a%3Db=c%26d&e+f=g+h"), (Members{{"a=b", "c&d"}, {"e f", "g h"}}));
}

TEST(ParseQuery, gives_what_is_malformed_as_it_stands) {
  EXPECT_EQ(parse_query("a%=b%4&c%41=d+%zz"), (Members{{"a%", "b%4"}, {"cA", "d+%zz"}}));
}

TEST(Request, gives_the_first_value_of_a_header_in_any_case) {
  Request request;
  request.headers = {{"X-One", "1"}, {"x-two", "2"}, {"X-TWO", "3"}};

  EXPECT_EQ(request.header("x-one"), "1");
  EXPECT_EQ(request.header("X-Two"), "2");
  EXPECT_EQ(request.header("X-On"), "");
  EXPECT_EQ(request.header("X-Ones"), "");
}

TEST(EqualsIgnoringCase, knows_only_the_letters_of_ascii) {
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_TRUE(equals_ignoring_case("Content-TYPE", "content-type"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));  // beside A and a
  EXPECT_FALSE(equals_ignoring_case("[", "{"));  // beside Z and z
  EXPECT_FALSE(equals_ignoring_case("Ä", "ä"));
}

TEST(ReasonPhrase, is_that_of_the_status_and_empty_for_one_that_is_unknown) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(413), "Content Too Large");
  EXPECT_EQ(reason_phrase(299), "");
}

TEST(ReasonPhrase, is_known_for_every_status_that_the_server_gives_by_itself) {
  for (const int status : {400, 408, 413, 414, 431, 500, 503, 505}) EXPECT_NE(reason_phrase(status), "");
}

}  // namespace

}  // namespace http
