#include "cli/json_splice.hpp"

#include <gtest/gtest.h>

namespace cli {

namespace {

TEST(JsonSplice, sets_a_member_and_leaves_all_else_as_it_was_written) {
  const struct {
    const char* before;
    const char* path;
    const char* after;
  } cases[] = {
      {R"({"a": 1.0, "b" :2})", "b", R"({"a": 1.0, "b" :7})"},
      {R"({"a": 1.0})", "b", R"({"b":7,"a": 1.0})"},
      {R"({ })", "b", R"({"b":7 })"},
      {R"({"a": {"x": [ 1 ]}})", "a.b", R"({"a": {"b":7,"x": [ 1 ]}})"},
      {R"({"a": {"b": "old"}})", "a.b", R"({"a": {"b": 7}})"},
      {R"({"z":0})", "a.b.c", R"({"a":{"b":{"c":7}},"z":0})"},
  };
  for (const auto& c : cases) {
    const auto document = format::parse_json(c.before);
    const auto set = set_members(document->root(), {{document->root(), c.path, "7"}});
    ASSERT_TRUE(set) << c.before;
    EXPECT_EQ(*set, c.after);
  }
}

TEST(JsonSplice, sets_one_in_each_of_several_objects) {
  const auto document = format::parse_json(R"([{"a":1}, {"s":"old, longer"}, {}])");
  std::vector<JsonMember> members;
  for (const format::Value& each : document->root().elements()) members.push_back({each, "s", R"("new")"});

  EXPECT_EQ(set_members(document->root(), members).value(),
            R"([{"s":"new","a":1}, {"s":"new"}, {"s":"new"}])");
}

TEST(JsonSplice, refuses_what_has_no_place_for_it) {
  for (const char* text : {"[]", "1", R"({"a":1})"}) {
    const auto document = format::parse_json(text);
    EXPECT_FALSE(set_members(document->root(), {{document->root(), "a.b", "7"}})) << text;
  }
}

}  // namespace

}  // namespace cli
