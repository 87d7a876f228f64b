#include "format/value.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "format/json.hpp"
#include "format/tree_builder.hpp"

namespace format {

namespace {

Document make_number(std::string_view text) {
  TreeBuilder builder;
  builder.number(text);
  return std::move(builder).finish();
}

TEST(Values, are_the_same_however_they_are_written) {
  struct Case {
    const char* a;
    const char* b;
    bool same;
  };
  for (const auto& [a, b, same] :
       {Case{"1", "1.0", true}, Case{"100", "1e2", true}, Case{"-0", "0", true}, Case{"1", "2", false},
        Case{"1", "\"1\"", false}, Case{R"("a/b")", R"("a\/b")", true}, Case{R"("é")", R"("\u00e9")", true},
        Case{"null", "null", true}, Case{"null", "false", false}, Case{"{}", "[]", false},
        Case{"[1, 2]", "[1,2.0]", true}, Case{"[1,2]", "[2,1]", false}, Case{"[1]", "[1,1]", false},
        Case{R"({"a":1,"b":[{"c":null}]})", R"({ "b": [{"c": null}], "a": 1.0 })", true},
        Case{R"({"a":null})", "{}", false}, Case{R"({"a":null})", R"({"b":null})", false},
        Case{R"({"a":{"b":1}})", R"({"a":{"b":2}})", false}}) {
    const Document one = parse_json(a).value();
    const Document other = parse_json(b).value();
    EXPECT_EQ(same_value(one.root(), other.root()), same) << a << " " << b;
    EXPECT_EQ(same_value(other.root(), one.root()), same) << a << " " << b;
  }
}

TEST(Number, is_an_integer_only_within_64_bits_and_without_point_or_exponent) {
  struct Case {
    const char* text;
    std::optional<std::int64_t> integer;
  };
  for (const auto& [text, integer] :
       {Case{"0", 0}, Case{"-0", 0}, Case{"42", 42}, Case{"9223372036854775807", INT64_MAX},
        Case{"-9223372036854775808", INT64_MIN}, Case{"9223372036854775808", std::nullopt},
        Case{"-9223372036854775809", std::nullopt}, Case{"1.0", std::nullopt}, Case{"1e2", std::nullopt},
        Case{"100000000000000000000000000000", std::nullopt}}) {
    EXPECT_EQ(make_number(text).root().integer(), integer) << text;
  }
}

TEST(Number, is_the_nearest_double) {
  struct Case {
    std::string text;
    double real;
  };
  const std::string zeros(400, '0');
  for (const auto& [text, real] :
       {Case{"0", 0.0}, Case{"-1.5e3", -1500.0}, Case{"0.1", 0.1},
        Case{"9007199254740993", 9007199254740992.0}, Case{"1.7976931348623157e308", 1.7976931348623157e308},
        Case{"5e-324", 5e-324},
        // Too close to zero for a double: zero is the nearest.
        Case{"2e-324", 0.0}, Case{"1e-400", 0.0}, Case{"0.1e-323", 0.0}, Case{"123456789e-500", 0.0},
        Case{"1e-99999999999999999999", 0.0}, Case{"0." + zeros + "1", 0.0},
        Case{"0e99999999999999999999", 0.0}, Case{"1" + zeros + "e-800", 0.0},
        Case{"0." + zeros + "1e401", 1.0}}) {
    EXPECT_EQ(make_number(text).root().real(), real) << text;
  }
}

TEST(Number, keeps_the_sign_of_zero) {
  for (const char* text : {"-0", "-0.0", "-1e-400"}) {
    const auto real = make_number(text).root().real();
    ASSERT_TRUE(real) << text;
    EXPECT_TRUE(std::signbit(*real)) << text;
  }
}

TEST(Number, is_no_double_where_it_overflows) {
  const std::string nines(400, '9');
  for (const std::string& text :
       {std::string("1e400"), std::string("-1e400"), std::string("1.7976931348623159e308"),
        std::string("1e99999999999999999999"), std::string("1e9223372036854775807"), nines, nines + ".5",
        "0." + std::string(400, '0') + "1e900"}) {
    EXPECT_EQ(make_number(text).root().real(), std::nullopt) << text;
    EXPECT_EQ(make_number(text).root().text(), text);
  }
}

TEST(Value, answers_nothing_to_questions_for_another_kind) {
  TreeBuilder builder;
  builder.string("7");
  const Document document = std::move(builder).finish();
  const Value& value = document.root();
  EXPECT_EQ(value.integer(), std::nullopt);
  EXPECT_EQ(value.real(), std::nullopt);
  EXPECT_TRUE(value.elements().empty());
  EXPECT_TRUE(value.members().empty());
  EXPECT_EQ(value.find("7"), nullptr);
  EXPECT_FALSE(value.boolean());
}

/// {"list":[1,"two",[]],"none":null,"sub":{"yes":true}}
Document make_tree(std::string source = {}) {
  TreeBuilder builder(std::move(source));
  builder.begin_object();
  builder.key("list");
  builder.begin_array();
  builder.number("1");
  builder.string("two");
  builder.begin_array();
  builder.end_array();
  builder.end_array();
  builder.key("none");
  builder.null();
  builder.key("sub");
  builder.begin_object();
  builder.key("yes");
  builder.boolean(true);
  builder.end_object();
  builder.end_object();
  return std::move(builder).finish();
}

TEST(Tree, holds_what_the_builder_was_told_in_its_order) {
  const Document document = make_tree();
  const auto members = document.root().members();
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].key, "list");
  EXPECT_EQ(members[1].key, "none");
  EXPECT_EQ(members[2].key, "sub");

  const auto list = members[0].value.elements();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].integer(), 1);
  EXPECT_EQ(list[1].text(), "two");
  EXPECT_TRUE(list[2].is_array());
  EXPECT_TRUE(list[2].elements().empty());
  EXPECT_TRUE(members[1].value.is_null());
  ASSERT_NE(document.root().find("sub"), nullptr);
  EXPECT_TRUE(document.root().find("sub")->find("yes")->boolean());
  EXPECT_EQ(document.root().find("absent"), nullptr);
}

TEST(Tree, has_no_raw_text_where_none_was_given) {
  const Document document = make_tree("some,other,format");
  EXPECT_TRUE(document.root().raw().empty());
  EXPECT_TRUE(document.root().find("list")->raw().empty());
}

TEST(Document, keeps_its_values_where_they_are_when_it_moves) {
  Document first = make_tree();
  const Value list = *first.root().find("list");
  Document second = std::move(first);
  Document third = make_tree();
  third = std::move(second);
  EXPECT_EQ(third.root().find("list")->elements().data(), list.elements().data());
  EXPECT_EQ(list.elements()[1].text(), "two");
}

TEST(TreeBuilder, tells_which_key_an_object_has_twice) {
  // Few keys are compared each with each, many are sorted: both sides of that line, and where the second one
  // stands.
  for (const std::size_t count : {2, 8, 31, 32, 33, 34, 1000}) {
    std::vector<std::string> keys;
    keys.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      keys.push_back("a_common_beginning_" + std::to_string(i) + "_and_end");
    }
    TreeBuilder distinct;
    distinct.begin_object();
    for (const std::string& key : keys) {
      distinct.key(key);
      distinct.null();
    }
    EXPECT_FALSE(distinct.repeated_key()) << count;

    TreeBuilder repeated;
    repeated.begin_object();
    for (std::size_t i = 0; i < count; ++i) {
      const std::string& key = keys[i == count - 1 ? 0 : i];
      repeated.key(key, keys[i].data());
      repeated.null();
    }
    const auto found = repeated.repeated_key();
    ASSERT_TRUE(found) << count;
    EXPECT_EQ(found->key, keys.front()) << count;
    EXPECT_EQ(found->at, keys.back().data()) << count;
  }
}

TEST(TreeBuilder, looks_for_repeated_keys_in_the_innermost_object_only) {
  TreeBuilder builder;
  builder.begin_object();
  builder.key("a");
  builder.begin_object();
  builder.key("a");
  builder.null();
  EXPECT_FALSE(builder.repeated_key());
  builder.end_object();
  EXPECT_FALSE(builder.repeated_key());
  builder.key("a");
  builder.null();
  EXPECT_TRUE(builder.repeated_key());
}

TEST(TreeBuilderDeathTest, asserts_that_calls_nest) {
  EXPECT_DEATH(
      {
        TreeBuilder builder;
        builder.begin_array();
        builder.key("in an array");
      },
      "in_object");
  EXPECT_DEATH(
      {
        TreeBuilder builder;
        builder.begin_object();
        builder.null();
      },
      "key_");
  EXPECT_DEATH(
      {
        TreeBuilder builder;
        builder.begin_object();
        builder.end_array();
      },
      "kind");
  EXPECT_DEATH(
      {
        TreeBuilder builder;
        builder.null();
        builder.null();
      },
      "slots_");
}

}  // namespace

}  // namespace format
