#include <gtest/gtest.h>

#include "cli/remote_commands.hpp"

namespace cli {

namespace {

TEST(TriggerData, is_made_of_members_that_are_set) {
  const struct {
    std::string base;
    std::vector<std::string> sets;
    std::string data;
  } cases[] = {
      {"", {}, "{}"},
      {"", {"n=1"}, R"({"n":1})"},
      {"", {"a.b.c=x", "a.b.d=true", "a.e=null"}, R"({"a":{"b":{"c":"x","d":true},"e":null}})"},
      {"", {"total=19.90"}, R"({"total":19.90})"},
      {"",
       {"text=\"1\"", "list=[1, 2]", "object={\"k\":\"v\"}"},
       R"({"text":"1","list":[1, 2],"object":{"k":"v"}})"},
      {"",
       {"equation=a=b", "empty=", "quote=say \"hi\""},
       R"({"equation":"a=b","empty":"","quote":"say \"hi\""})"},
      {R"({"id": 42, "deep": {"a": 1}})", {"deep.b=2", "id=7"}, R"({"id":7,"deep":{"a":1,"b":2}})"},
      {R"({"id": 42})", {"id.inner=1"}, R"({"id":{"inner":1}})"},
      {"[1,2]", {}, "[1,2]"},
  };
  for (const auto& c : cases) {
    const auto data = make_data(c.base, c.sets);
    ASSERT_TRUE(data) << data.error().message;
    EXPECT_EQ(*data, c.data);
  }
}

TEST(TriggerData, is_refused_where_it_cannot_be) {
  EXPECT_FALSE(make_data("{", {}));
  EXPECT_FALSE(make_data("@/nowhere/at/all.json", {}));
  EXPECT_FALSE(make_data("[1]", {"a=1"}));
  for (const char* set : {"a", "=1", ".a=1", "a.=1", "a..b=1"}) EXPECT_FALSE(make_data("", {set})) << set;
}

TEST(Since, is_a_span_before_now_or_a_time) {
  const base::Time now = *base::parse_rfc3339("2026-01-02T00:00:00Z");

  EXPECT_EQ(*read_since("90s", now), "2026-01-01T23:58:30.000Z");
  EXPECT_EQ(*read_since("30m", now), "2026-01-01T23:30:00.000Z");
  EXPECT_EQ(*read_since("1h", now), "2026-01-01T23:00:00.000Z");
  EXPECT_EQ(*read_since("1d", now), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(*read_since("2025-01-01T00:00:00+01:00", now), "2024-12-31T23:00:00.000Z");
  for (const char* bad : {"", "1", "h", "1w", "-1h", "1.5h", "yesterday"})
    EXPECT_FALSE(read_since(bad, now)) << bad;
}

TEST(Output, encodes_what_goes_into_a_url) {
  EXPECT_EQ(percent_encode("created_at[gte]"), "created_at%5Bgte%5D");
  EXPECT_EQ(percent_encode("a/b c+é"), "a%2Fb%20c%2B%C3%A9");
  EXPECT_EQ(percent_encode("FAILED,RETRYING"), "FAILED,RETRYING");
}

}  // namespace

}  // namespace cli
