#include "format/media_type.hpp"

#include <gtest/gtest.h>

namespace format {

namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

TEST(MediaTypes, are_read_whatever_their_case) {
  struct Case {
    const char* header;
    const char* type;
    Parameters parameters;
  };
  for (const Case& one : {Case{"application/json", "application/json", {}},
                          Case{"Application/JSON; Charset=UTF-8", "application/json", {{"charset", "UTF-8"}}},
                          Case{"multipart/form-data;boundary=\"a b;c\"; x = y",
                               "multipart/form-data",
                               {{"boundary", "a b;c"}, {"x", "y"}}},
                          Case{R"(form-data; name="a\"b"; filename="C:\dir\f")",
                               "form-data",
                               {{"name", "a\"b"}, {"filename", R"(C:\dir\f)"}}},
                          Case{"", "", {}}, Case{";", "", {}}, Case{"a/b; ; c; =d; e=", "a/b", {{"e", ""}}},
                          Case{"a/b; c=\"open", "a/b", {{"c", "open"}}}}) {
    const MediaType read = MediaType::parse(one.header);
    EXPECT_EQ(read.type, one.type) << one.header;
    EXPECT_EQ(read.parameters, one.parameters) << one.header;
  }
}

TEST(MediaTypes, of_json_are_several) {
  for (const char* header : {"application/json", "text/json;charset=utf-8", "Application/Vnd.Api+JSON"})
    EXPECT_TRUE(MediaType::parse(header).is_json()) << header;
  for (const char* header : {"", "text/plain", "application/jsonp", "application/x-www-form-urlencoded"})
    EXPECT_FALSE(MediaType::parse(header).is_json()) << header;
}

}  // namespace

}  // namespace format
