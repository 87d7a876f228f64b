#include "format/json.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <vector>

namespace format {

namespace {

using namespace std::string_literals;

/// What a tree says, without the layout and the spelling of the text it was read from.
std::string canonical(const Value& value) {
  std::string out;
  JsonWriter json(out);
  const auto write = [&json](const auto& self, const Value& node) -> void {
    switch (node.kind()) {
      case Value::Kind::null: json.null(); break;
      case Value::Kind::boolean: json.value(node.boolean()); break;
      case Value::Kind::number: json.raw(node.text()); break;
      case Value::Kind::string: json.value(node.text()); break;
      case Value::Kind::array:
        json.begin_array();
        for (const Value& element : node.elements()) self(self, element);
        json.end_array();
        break;
      case Value::Kind::object:
        json.begin_object();
        for (const auto& [key, member] : node.members()) {
          json.key(key);
          self(self, member);
        }
        json.end_object();
        break;
    }
  };
  write(write, value);
  return out;
}

/// Every value of the tree is what its raw bytes say.
void expect_raw_says_the_same(const Value& value) {
  const auto again = parse_json(std::string(value.raw()));
  ASSERT_TRUE(again) << value.raw() << ": " << again.error().message;
  EXPECT_EQ(canonical(again->root()), canonical(value)) << value.raw();
  EXPECT_EQ(again->root().raw(), value.raw());
  for (const Value& element : value.elements()) expect_raw_says_the_same(element);
  for (const Member& member : value.members()) expect_raw_says_the_same(member.value);
}

TEST(LooseJson, reads_what_senders_take_for_json) {
  struct Case {
    const char* text;
    const char* raw;
  };
  for (const Case& one :
       {Case{"\xEF\xBB\xBF{\"a\": 1}", R"({"a": 1})"}, Case{R"({"a": 1, "b": 1.0})", R"({"a": 1, "b": 1.0})"},
        Case{R"(["\ud83d"])", "[\"\uFFFD\"]"}, Case{R"(["\ude00x\ud83d\ude00"])", "[\"\uFFFDx\U0001F600\"]"},
        Case{R"(["\ud83d\ud83d\ude00", "\ud83d\n", 1.50])", "[\"\uFFFD\U0001F600\",\"\uFFFD\\n\",1.50]"},
        Case{R"({"a": 1, "b": {"c": 1, "c": [2]}, "a": null})", R"({"b":{"c":[2]},"a":null})"},
        Case{R"({"a": 1, "\u0061": 2})", R"({"a":2})"}}) {
    const auto read = parse_loose_json(one.text);
    ASSERT_TRUE(read) << one.text << ": " << read.error().message;
    EXPECT_EQ(read->root().raw(), one.raw);
    expect_raw_says_the_same(read->root());
    EXPECT_FALSE(!parse_json(one.raw)) << "strict";
  }
  const std::string deep = std::string(512, '[') + std::string(512, ']');
  EXPECT_TRUE(parse_loose_json(deep));
  EXPECT_EQ(parse_loose_json("[" + deep + "]").error().reason, "TOO_DEEP");
}

TEST(LooseJson, refuses_what_no_rule_makes_json) {
  for (const std::string& bad : {""s, "\xEF\xBB\xBF"s, "x"s, "{'a':1}"s, "[1,]"s, "[\"\xff\"]"s,
                                 R"(["\u12"])"s, "[1] 2"s, "\xFF\xFE[\0"s}) {
    const auto read = parse_loose_json(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_TRUE(read.error().message.starts_with("JSON, line 1, column ")) << read.error().message;
  }
}

TEST(Json, reads_every_kind_of_value) {
  struct Case {
    const char* text;
    const char* canonical;
  };
  for (const auto& [text, expected] :
       {Case{"null", "null"}, Case{"true", "true"}, Case{" false ", "false"}, Case{"\t\"x\"\r\n", "\"x\""},
        Case{"-0", "-0"}, Case{"-0.0e-0", "-0.0e-0"}, Case{"1E+2", "1E+2"}, Case{"10", "10"},
        Case{"[]", "[]"}, Case{"[ ]", "[]"}, Case{"{ }", "{}"}, Case{"[1 , 2,[3]]", "[1,2,[3]]"},
        Case{R"({ "b" : 1 ,"a":{"" : null} })", R"({"b":1,"a":{"":null}})"}, Case{"1e400", "1e400"},
        Case{"[-123456789012345678901234567890.5]", "[-123456789012345678901234567890.5]"}}) {
    const auto document = parse_json(text);
    ASSERT_TRUE(document) << text << ": " << document.error().message;
    EXPECT_EQ(canonical(document->root()), expected);
  }
}

TEST(Json, understands_every_escape) {
  struct Case {
    const char* text;
    std::string meant;
  };
  for (const auto& [text, meant] :
       {Case{R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"}, Case{R"("\u0000")", "\0"s},
        Case{R"("\u007f\u0080")", "\x7f\u0080"}, Case{R"("\u07FF\u0800\uffff")", "\u07FF\u0800\uFFFF"},
        Case{R"("\uD800\uDC00\uDBFF\uDFFF")", "\U00010000\U0010FFFF"}, Case{R"("\ud83c\uDF0d")", "🌍"},
        Case{R"("a\u0062c\\u0064")", "abc\\u0064"},
        Case{R"("plain before \n and after")", "plain before \n and after"}, Case{R"("é\té")", "é\té"}}) {
    const auto document = parse_json(text);
    ASSERT_TRUE(document) << text << ": " << document.error().message;
    EXPECT_EQ(document->root().text(), meant) << text;

    const auto as_key = parse_json("{"s + text + ":1}");
    ASSERT_TRUE(as_key) << text;
    EXPECT_NE(as_key->root().find(meant), nullptr) << text;
  }
}

TEST(Json, gives_the_exact_bytes_of_every_value) {
  const std::string text =
      "\n { \"a\" : [ 1.50 , \"x\\n\\\"y\" , { } , [ ] ] , \"é\" :{\"k\":-1e5},\"t\":true,\"n\": null }\t";
  const auto document = parse_json(text);
  ASSERT_TRUE(document) << document.error().message;
  const Value& root = document->root();
  EXPECT_EQ(root.raw(), std::string_view(text).substr(2, text.size() - 3));
  EXPECT_EQ(root.find("a")->raw(), "[ 1.50 , \"x\\n\\\"y\" , { } , [ ] ]");
  EXPECT_EQ(root.find("a")->elements()[0].raw(), "1.50");
  EXPECT_EQ(root.find("a")->elements()[1].raw(), "\"x\\n\\\"y\"");
  EXPECT_EQ(root.find("a")->elements()[2].raw(), "{ }");
  EXPECT_EQ(root.find("a")->elements()[3].raw(), "[ ]");
  EXPECT_EQ(root.find("é")->raw(), "{\"k\":-1e5}");
  EXPECT_EQ(root.find("t")->raw(), "true");
  EXPECT_EQ(root.find("n")->raw(), "null");
  expect_raw_says_the_same(root);
}

TEST(Json, copies_only_strings_with_escapes) {
  const auto document = parse_json(R"({"plain":"text","esc\u0061ped":"t\u0065xt"})");
  ASSERT_TRUE(document);
  const std::string_view source = document->root().raw();
  const auto lies_in_source = [source](std::string_view text) {
    return std::less_equal()(source.data(), text.data()) &&
           std::less()(text.data(), source.data() + source.size());
  };
  const auto members = document->root().members();
  ASSERT_EQ(members.size(), 2U);
  EXPECT_TRUE(lies_in_source(members[0].key));
  EXPECT_TRUE(lies_in_source(members[0].value.text()));
  EXPECT_FALSE(lies_in_source(members[1].key));
  EXPECT_FALSE(lies_in_source(members[1].value.text()));
  EXPECT_EQ(members[1].key, "escaped");
  EXPECT_EQ(members[1].value.text(), "text");
}

TEST(Json, keeps_its_text_when_the_document_moves) {
  auto document = parse_json(R"(["short"])");  // short enough for a string to hold it without an allocation
  ASSERT_TRUE(document);
  const Document moved = std::move(*document);
  EXPECT_EQ(moved.root().elements()[0].text(), "short");
  EXPECT_EQ(moved.root().raw(), R"(["short"])");
}

struct Refusal {
  std::string text;
  const char* where;    ///< how the place is said
  const char* message;  ///< a part of the rest
};

void expect_refused(const std::vector<Refusal>& refusals) {
  for (const auto& [text, where, message] : refusals) {
    const auto document = parse_json(text);
    ASSERT_FALSE(document) << text;
    EXPECT_EQ(document.error().code, base::Code::invalid);
    EXPECT_EQ(document.error().reason, "MALFORMED_JSON");
    EXPECT_TRUE(document.error().message.starts_with("JSON, "s + where + ": ")) << document.error().message;
    EXPECT_NE(document.error().message.find(message), std::string::npos) << text << "\n"
                                                                         << document.error().message;
  }
}

TEST(Json, says_where_the_structure_breaks_and_what_was_expected) {
  expect_refused({
      {"", "line 1, column 1", "the text is empty"},
      {" \n ", "line 2, column 2", "expected a value, but the text ends"},
      {"[1,2", "line 1, column 5", "expected ',' or ']' after an element, but the text ends"},
      {"[1,]", "line 1, column 4", "expected a value, found ']'; remove the comma before it"},
      {"[,1]", "line 1, column 2", "expected a value, found ','"},
      {"[1 2]", "line 1, column 4", "expected ',' or ']' after an element, found '2'"},
      {"[1}", "line 1, column 3", "expected ',' or ']' after an element, found '}'"},
      {"{\"a\":1]", "line 1, column 7", "expected ',' or '}' after a member, found ']'"},
      {"{\"a\":1,}", "line 1, column 8", "expected a key, found '}'; remove the comma before it"},
      {"{a:1}", "line 1, column 2", "expected a key, found 'a'; keys stand in double quotes"},
      {"{1:1}", "line 1, column 2", "expected a key, found '1'"},
      {"{\"a\" 1}", "line 1, column 6", "expected ':' after a key, found '1'"},
      {"{\"a\":}", "line 1, column 6", "expected a value, found '}'"},
      {"{\"a\":1", "line 1, column 7", "expected ',' or '}' after a member, but the text ends"},
      {"{} {}", "line 1, column 4", "expected the end of the text, found '{'; send one JSON value"},
      {"{}}", "line 1, column 3", "expected the end of the text, found '}'"},
      {"]", "line 1, column 1", "expected a value, found ']'; send one JSON value"},
      {"{}\0"s, "line 1, column 3", "expected the end of the text, found byte 0x00"},
      {"[1]\n\n x", "line 3, column 2", "expected the end of the text, found 'x'"},
      {"[\"äöü\", x]", "line 1, column 9", "expected a value, found 'x'"},
      {"[1, // one\n2]", "line 1, column 5", "JSON has no comments"},
      {"['a']", "line 1, column 2", "strings stand in double quotes"},
      {"[\f1]", "line 1, column 2", "found byte 0x0C"},
      {"\u00A0[]", "line 1, column 1", "found byte 0xC2"},
  });
}

TEST(Json, refuses_words_and_numbers_of_other_languages) {
  expect_refused({
      {"True", "line 1, column 1", "the only words are true, false and null"},
      {"nul", "line 1, column 1", "the only words"},
      {"nulll", "line 1, column 5", "expected the end of the text, found 'l'"},
      {"NaN", "line 1, column 1", "the only words"},
      {"-Infinity", "line 1, column 2", "expected a digit in a number, found 'I'"},
      {"+1", "line 1, column 1", "a number begins with a digit or '-'"},
      {".5", "line 1, column 1", "a number begins with a digit or '-'"},
      {"-", "line 1, column 2", "expected a digit in a number, but the text ends"},
      {"01", "line 1, column 1", "needless 0"},
      {"-01", "line 1, column 2", "needless 0"},
      {"1.", "line 1, column 3", "expected a digit after the decimal point"},
      {"[1.e5]", "line 1, column 4", "expected a digit after the decimal point, found 'e'"},
      {"1e", "line 1, column 3", "expected a digit in the exponent"},
      {"1e+", "line 1, column 4", "expected a digit in the exponent"},
      {"0x10", "line 1, column 2", "expected the end of the text, found 'x'"},
      {"1_000", "line 1, column 2", "expected the end of the text, found '_'"},
      {"- 1", "line 1, column 2", "expected a digit in a number, found byte 0x20"},
  });
}

TEST(Json, refuses_what_strings_may_not_hold) {
  expect_refused({
      {"\"", "line 1, column 1", "this string has no end"},
      {"[\"abc", "line 1, column 2", "this string has no end"},
      {"\"a\nb\"", "line 1, column 3", "a control character in a string; write it as \\u000a"},
      {"\"a\0b\""s, "line 1, column 3", "write it as \\u0000"},
      {"\"\\x41\"", "line 1, column 2", "an unknown escape"},
      {"\"\\\0\""s, "line 1, column 2", "an unknown escape"},
      {"\"\\U0041\"", "line 1, column 2", "an unknown escape"},
      {"\"ab\\", "line 1, column 4", "the text ends inside an escape"},
      {"\"\\u12G4\"", "line 1, column 2", "four hex digits"},
      {"\"\\u12", "line 1, column 2", "four hex digits"},
      {"\"\\u\"", "line 1, column 2", "four hex digits"},
      {"\"\\uDC00\"", "line 1, column 2", "half of a surrogate pair"},
      {"\"\\uD800\"", "line 1, column 2", "half of a surrogate pair"},
      {"\"\\uD800\\n\"", "line 1, column 2", "half of a surrogate pair"},
      {"\"\\uD800\\uD800\"", "line 1, column 2", "half of a surrogate pair"},
      {"\"\\uD800\\u0041\"", "line 1, column 2", "half of a surrogate pair"},
      {"\"\\uDC00\\uD800\"", "line 1, column 2", "half of a surrogate pair"},
      {"\"\\uD800\\u", "line 1, column 2", "half of a surrogate pair"},
      {"{\"a\\uDC00\":1}", "line 1, column 4", "half of a surrogate pair"},
      {"\"a\x80\"", "line 1, column 3", "not UTF-8"},
      {"\"\xC0\xAF\"", "line 1, column 2", "not UTF-8"},
      {"\"\xED\xA0\x80\"", "line 1, column 2", "not UTF-8"},
      {"\"\xF4\x90\x80\x80\"", "line 1, column 2", "not UTF-8"},
      {"\"\xE2\x82\"", "line 1, column 2", "not UTF-8"},
      {"\"\xE2\x82", "line 1, column 2", "not UTF-8"},
  });
}

TEST(Json, refuses_other_encodings_by_name) {
  expect_refused({
      {"\xEF\xBB\xBF{}", "line 1, column 1", "byte order mark"},
      {"\xFE\xFF\0{\0}"s, "line 1, column 1", "UTF-16"},
      {"\xFF\xFE{\0}\0"s, "line 1, column 1", "UTF-16"},
      {"{\0}\0"s, "line 1, column 1", "UTF-16"},
      {"\0{\0}"s, "line 1, column 1", "UTF-16"},
      {"\0\0\0{\0\0\0}"s, "line 1, column 1", "UTF-32"},
  });
}

TEST(Json, refuses_a_key_that_stands_twice) {
  expect_refused({
      {R"({"a":1,"b":2,"a":3})", "line 1, column 14", R"(the key "a" stands twice)"},
      {"{\"a\":1,\n  \"\\u0061\":2}", "line 2, column 3", R"(the key "a" stands twice)"},
      {R"([{"x":{"":1,"":2}}])", "line 1, column 13", R"(the key "" stands twice)"},
      {R"({"same_key_of_more_than_twenty_bytes":1,"same_key_of_more_than_twenty_bytes":1})",
       "line 1, column 41", "the key \"same_key_of_more_tha\"… stands twice"},
      {"{\"0123456789012345678é\":1,\"0123456789012345678é\":1}", "line 1, column 27",
       "the key \"0123456789012345678\"… stands twice"},
  });
  EXPECT_TRUE(parse_json(R"([{"a":1},{"a":1,"A":{"a":1}}])"));
}

std::string make_object(std::size_t members, std::string_view last_key) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  for (std::size_t i = 1; i < members; ++i) json.key("key_" + std::to_string(i)).value(i);
  json.key(last_key).value(0).end_object();
  return text;
}

TEST(Json, finds_a_key_that_stands_twice_among_a_hundred_thousand) {
  constexpr std::size_t kMembers = 100'000;
  const auto distinct = parse_json(make_object(kMembers, "key_0"));
  ASSERT_TRUE(distinct) << distinct.error().message;
  EXPECT_EQ(distinct->root().members().size(), kMembers);
  EXPECT_EQ(distinct->root().find("key_99999")->integer(), 99999);

  const auto repeated = parse_json(make_object(kMembers, "key_50000"));
  ASSERT_FALSE(repeated);
  EXPECT_NE(repeated.error().message.find("\"key_50000\" stands twice"), std::string::npos)
      << repeated.error().message;
}

TEST(Json, echoes_little_of_what_it_refuses) {
  const std::string secret(1000, 's');
  for (const char* form : {"*", "\"*", "{\"*\":1,\"*\":1}", "[1*", "\"\\*", "{\"*\"*"}) {
    std::string text = form;
    for (auto star = text.find('*'); star != std::string::npos; star = text.find('*')) {
      text.replace(star, 1, secret);
    }
    const auto document = parse_json(text);
    ASSERT_FALSE(document);
    EXPECT_LT(document.error().message.size(), 200U);
    EXPECT_EQ(document.error().message.find(std::string(21, 's')), std::string::npos)
        << document.error().message;
  }
}

std::string make_nested(std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += i % 2 == 0 ? "[" : "{\"k\":";
  text += "1";
  for (std::size_t i = depth; i-- > 0;) text += i % 2 == 0 ? "]" : "}";
  return text;
}

TEST(Json, nests_as_deep_as_the_limit_and_no_deeper) {
  EXPECT_TRUE(parse_json(make_nested(base::limits::kJsonDepthMax)));
  EXPECT_EQ(parse_json(make_nested(base::limits::kJsonDepthMax + 1)).error().reason, "TOO_DEEP");
  EXPECT_TRUE(parse_json("1", {.depth_max = 0}));
  EXPECT_EQ(parse_json("[]", {.depth_max = 0}).error().reason, "TOO_DEEP");
  EXPECT_TRUE(parse_json("[[],{},[]]", {.depth_max = 2}));
  // No stack is used up by depth, whatever the limit.
  EXPECT_TRUE(parse_json(make_nested(1'000'000), {.depth_max = 1'000'000, .members_max = 1'000'000}));
}

TEST(Json, counts_members_and_elements_together_up_to_the_limit) {
  EXPECT_TRUE(parse_json(R"([1,{"a":2,"b":[]}])", {.members_max = 4}));
  const auto refused = parse_json(R"([1,{"a":2,"b":[3]}])", {.members_max = 4});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Code::invalid);
  EXPECT_EQ(refused.error().reason, "TOO_MANY_MEMBERS");
  EXPECT_EQ(refused.error().message,
            "JSON, line 1, column 16: more than 4 members and elements; split it into several texts");
  EXPECT_TRUE(parse_json("7", {.members_max = 0}));
}

TEST(Json, stops_at_a_limit_without_reading_on) {
  // What follows is malformed, so a reader that went on would say so.
  EXPECT_EQ(parse_json(std::string(100'000, '[')).error().reason, "TOO_DEEP");
  EXPECT_EQ(parse_json("[[[ nonsense", {.depth_max = 2}).error().reason, "TOO_DEEP");
  EXPECT_EQ(parse_json("[1,2,3 nonsense", {.members_max = 2}).error().reason, "TOO_MANY_MEMBERS");
}

/// RFC 8259 leaves it to the reader what a repeated key means; here it is refused.
bool is_legal_but_refused(const std::string& name) { return name.starts_with("y_object_duplicated_key"); }

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

TEST(Json, agrees_with_the_json_test_suite) {
  const std::filesystem::path folder = CROSSDOCK_SHARED_DATA "/json/test_parsing";
  if (!std::filesystem::is_directory(folder)) {
    GTEST_SKIP() << "skipped 1 suite: JSONTestSuite is not at ../shared/data/json/test_parsing";
  }
  std::map<char, int> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const auto document = parse_json(read_file(entry.path()));
    ++files[name.front()];
    if (document) expect_raw_says_the_same(document->root());
    if (name.starts_with("y_")) {
      EXPECT_EQ(document.has_value(), !is_legal_but_refused(name)) << name;
    } else if (name.starts_with("n_")) {
      EXPECT_FALSE(document) << name;
    } else {
      EXPECT_TRUE(name.starts_with("i_")) << name << " is of no known kind";
    }
  }
  EXPECT_GT(files['y'], 0);
  EXPECT_GT(files['n'], 0);
  EXPECT_GT(files['i'], 0);
}

}  // namespace

}  // namespace format
