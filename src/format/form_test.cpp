#include "format/form.hpp"

#include <gtest/gtest.h>

#include "format/json.hpp"

namespace format {

namespace {

std::string form(std::string json) {
  return to_form(parse_json(std::move(json)).value().root(), "data", 1 << 20).value();
}

TEST(Form, names_what_is_nested_by_brackets) {
  EXPECT_EQ(form(R"({"a":1,"b":{"c":"x","d":{"e":true}}})"), "a=1&b%5Bc%5D=x&b%5Bd%5D%5Be%5D=true");
  EXPECT_EQ(form(R"({"lines":[{"sku":"A"},{"sku":"B"}],"n":[1,[2,3]]})"),
            "lines%5B0%5D%5Bsku%5D=A&lines%5B1%5D%5Bsku%5D=B&n%5B0%5D=1&n%5B1%5D%5B0%5D=2&n%5B1%5D%5B1%5D=3");
}

TEST(Form, keeps_numbers_as_they_were_written_and_spells_the_rest) {
  EXPECT_EQ(form(R"({"a":1.10,"b":-2e3,"c":true,"d":false,"e":null,"f":""})"),
            "a=1.10&b=-2e3&c=true&d=false&e=&f=");
}

TEST(FormFields, are_decoded_and_keep_escapes_that_are_none) {
  struct Case {
    const char* text;
    std::vector<std::pair<std::string, std::string>> fields;
  };
  for (const Case& one :
       {Case{"a=1&b=x+y%20z&a=2", {{"a", "1"}, {"b", "x y z"}, {"a", "2"}}},
        Case{"a=100%+x%41&b=%zz%4", {{"a", "100% xA"}, {"b", "%zz%4"}}},
        Case{"%61+b=%C3%BC&c=%ff", {{"a b", "ü"}, {"c", "\xff"}}}, Case{"a=%00", {{"a", "%00"}}},
        Case{"a&=b&&=&c==", {{"a", ""}, {"", "b"}, {"", ""}, {"c", "="}}}, Case{"", {}}}) {
    std::vector<std::pair<std::string, std::string>> fields;
    for (const FormField& field : parse_form(one.text).value()) fields.emplace_back(field.name, field.value);
    EXPECT_EQ(fields, one.fields) << one.text;
  }
  EXPECT_EQ(parse_form("%61=%62")->front().raw_name, "%61");
  EXPECT_EQ(parse_form("%61=%62")->front().raw_value, "%62");
}

TEST(FormFields, are_at_most_ten_thousand) {
  std::string text;
  for (std::size_t i = 0; i < kFormMembersMax; ++i) text += "a&";
  EXPECT_TRUE(parse_form(text));
  EXPECT_FALSE(parse_form(text + "a"));
}

TEST(FormFields, with_one_name_are_an_array) {
  EXPECT_EQ(object_json({{"a", "1"}, {"b", R"("x")"}, {"a", "{}"}, {"a", "2"}}), R"({"a":[1,{},2],"b":"x"})");
  EXPECT_EQ(object_json({}), "{}");
}

TEST(Form, leaves_out_what_holds_nothing) {
  EXPECT_EQ(form(R"({"a":{},"b":[],"c":{"d":[]},"e":1})"), "e=1");
  EXPECT_EQ(form("{}"), "");
}

TEST(Form, encodes_names_and_values_byte_by_byte) {
  EXPECT_EQ(form(R"({"a b":"x & y=z+1","é":"ü%","tilde~":"*-._","[x]":"\n"})"),
            "a+b=x+%26+y%3Dz%2B1&%C3%A9=%C3%BC%25&tilde%7E=*-._&%5Bx%5D=%0A");
}

TEST(Form, gives_a_root_that_is_no_object_a_name) {
  EXPECT_EQ(form("42"), "data=42");
  EXPECT_EQ(form("\"x y\""), "data=x+y");
  EXPECT_EQ(form(R"([1,{"a":2}])"), "data%5B0%5D=1&data%5B1%5D%5Ba%5D=2");
}

TEST(Form, stays_within_its_limit_where_names_repeat) {
  std::string json = R"({")" + std::string(1000, 'k') + R"(":[)";
  for (int i = 0; i < 1000; ++i) json += i == 0 ? "1" : ",1";
  const Document document = parse_json(json + "]}").value();

  const auto made = to_form(document.root(), "data", 100'000);

  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, base::Code::too_large);
  EXPECT_TRUE(to_form(document.root(), "data", 2'000'000));
}

TEST(Form, counts_encoded_bytes) {
  const Document document = parse_json(R"({"a":"ééé"})").value();
  EXPECT_TRUE(to_form(document.root(), "data", 20));
  EXPECT_FALSE(to_form(document.root(), "data", 19));
}

}  // namespace

}  // namespace format
