#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "format/json.hpp"
#include "format/tree_builder.hpp"

namespace format {

namespace {

template <class T>
std::string written(const T& value) {
  std::string out;
  JsonWriter(out).value(value);
  return out;
}

TEST(JsonWriter, sets_commas_where_they_belong) {
  std::string out = "before ";
  JsonWriter json(out);
  json.begin_object()
      .key("a")
      .value(1)
      .key("b")
      .begin_array()
      .end_array()
      .key("c")
      .begin_array()
      .value("x")
      .null();
  json.begin_object()
      .end_object()
      .begin_array()
      .value(true)
      .end_array()
      .end_array()
      .key("d")
      .value(false)
      .end_object();
  EXPECT_EQ(out, R"(before {"a":1,"b":[],"c":["x",null,{},[true]],"d":false})");
}

TEST(JsonWriter, escapes_what_may_not_stand_for_itself) {
  struct Case {
    std::string text;
    const char* json;
  };
  for (const auto& [text, json] :
       {Case{"", R"("")"}, Case{"plain", R"("plain")"}, Case{"say \"hi\"", R"("say \"hi\"")"},
        Case{"a\\b/c", R"("a\\b/c")"}, Case{"\b\f\n\r\t", R"("\b\f\n\r\t")"},
        Case{std::string("\0\x01\x1f", 3), R"("\u0000\u0001\u001f")"}, Case{"\x7f", "\"\x7f\""},
        Case{"Grüße, 世界 🌍", "\"Grüße, 世界 🌍\""}, Case{"a\u2028b\u2029c", R"("a\u2028b\u2029c")"},
        Case{"\u2027\u202A", "\"\u2027\u202A\""},
        // Longer than the blocks that are looked at together, with the special byte at each place of one.
        Case{"0123456789\"123456789", R"("0123456789\"123456789")"},
        Case{"ünïcödé with \"quotes\"", R"("ünïcödé with \"quotes\"")"}}) {
    EXPECT_EQ(written(text), json);
    EXPECT_EQ(json_string(text), json);
    std::string out;
    JsonWriter(out).begin_object().key(text).null().end_object();
    EXPECT_EQ(out, std::string("{") + json + ":null}");
  }
}

TEST(JsonWriter, finds_a_special_byte_at_any_place) {
  for (std::size_t length = 1; length < 40; ++length) {
    for (std::size_t place = 0; place < length; ++place) {
      for (const char special : {'"', '\\', '\x1f'}) {
        std::string text(length, ' ');  // the lowest byte that is plain
        std::string expected = '"' + text + '"';
        text[place] = special;
        expected.replace(place + 1, 1, special == '\x1f' ? "\\u001f" : std::string{'\\', special});
        EXPECT_EQ(json_string(text), expected);
      }
    }
  }
}

TEST(JsonWriter, replaces_each_byte_that_is_not_utf8) {
  struct Case {
    const char* what;
    std::string text;
    std::string expected;
  };
  for (const auto& [what, text, expected] :
       {Case{"lone continuation", "a\x80z", "a\uFFFDz"}, Case{"overlong slash", "\xC0\xAF", "\uFFFD\uFFFD"},
        Case{"overlong of three", "\xE0\x9F\xBF", "\uFFFD\uFFFD\uFFFD"},
        Case{"surrogate", "\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},
        Case{"overlong of four", "\xF0\x8F\xBF\xBF", "\uFFFD\uFFFD\uFFFD\uFFFD"},
        Case{"over U+10FFFF", "\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
        Case{"never a byte", "\xFF", "\uFFFD"}, Case{"cut off", "ab\xE2\x82", "ab\uFFFD\uFFFD"},
        Case{"cut off by ASCII", "\xC3(", "\uFFFD("},
        Case{"limits",
             "\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF"
             "\xBF",
             "\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF"
             "\xBF"}}) {
    EXPECT_EQ(json_string(text), "\"" + expected + "\"") << what;
  }
}

TEST(JsonWriter, writes_integers_of_every_width) {
  EXPECT_EQ(written(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(written(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(written(std::uint8_t{200}), "200");
  EXPECT_EQ(written(std::int16_t{-7}), "-7");
  EXPECT_EQ(written(0), "0");
}

TEST(JsonWriter, writes_doubles_so_that_they_read_back_the_same) {
  for (const double number :
       {0.1, -2.5, 1e22, 1.7976931348623157e308, 5e-324, 3.0, 123456789012345680.0, 1.0 / 3}) {
    const auto document = parse_json(written(number));
    ASSERT_TRUE(document) << written(number);
    EXPECT_EQ(document->root().real(), number);
  }
  EXPECT_EQ(written(-0.0), "-0");
  EXPECT_EQ(written(0.1), "0.1");
}

TEST(JsonWriter, writes_null_for_what_no_number_can_say) {
  EXPECT_EQ(written(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(written(-std::numeric_limits<double>::infinity()), "null");
  std::string out;
  JsonWriter(out).begin_array().value(1).value(std::nan("")).value(2).end_array();
  EXPECT_EQ(out, "[1,null,2]");
}

TEST(JsonWriter, writes_ids_times_and_what_may_be_absent) {
  const auto id = base::TenantId::parse("0193a5b0-0000-7000-8000-00000000abcd");
  ASSERT_TRUE(id);
  EXPECT_EQ(written(*id), R"("0193a5b0-0000-7000-8000-00000000abcd")");
  EXPECT_EQ(written(base::from_micros(1'700'000'000'123'999)), R"("2023-11-14T22:13:20.123Z")");
  EXPECT_EQ(written(std::optional<int>(3)), "3");
  EXPECT_EQ(written(std::optional<bool>(false)), "false");
  EXPECT_EQ(written(std::optional<std::string>()), "null");
}

TEST(JsonWriter, puts_in_json_as_it_stands) {
  std::string out;
  JsonWriter(out).begin_array().raw("{ }").raw("1.0").value("x").end_array();
  EXPECT_EQ(out, R"([{ },1.0,"x"])");
}

TEST(JsonWriter, gives_a_parsed_tree_back_byte_by_byte) {
  const std::string text = "{ \"a\" : [1.0, 1e400 ,\"\\u00e9\"],\n\"b\":{} }";
  const auto document = parse_json(" " + text + "\n");
  ASSERT_TRUE(document);
  EXPECT_EQ(written(document->root()), text);
  std::string out;
  JsonWriter(out)
      .begin_object()
      .key("copy")
      .value(*document->root().find("a"))
      .key("n")
      .value(1)
      .end_object();
  EXPECT_EQ(out, "{\"copy\":[1.0, 1e400 ,\"\\u00e9\"],\"n\":1}");
}

TEST(JsonWriter, writes_a_tree_that_was_not_json) {
  TreeBuilder builder;
  builder.begin_object();
  builder.key("quote\"");
  builder.begin_array();
  builder.null();
  builder.boolean(true);
  builder.number("1.50");
  builder.string("a\nb");
  builder.begin_object();
  builder.end_object();
  builder.end_array();
  builder.key("z");
  builder.begin_array();
  builder.end_array();
  builder.end_object();
  const Document document = std::move(builder).finish();
  EXPECT_EQ(written(document.root()), R"({"quote\"":[null,true,1.50,"a\nb",{}],"z":[]})");
}

}  // namespace

}  // namespace format
