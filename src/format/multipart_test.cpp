#include "format/multipart.hpp"

#include <gtest/gtest.h>

namespace format {

namespace {

constexpr std::string_view kForm =
    "preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
    "--XX \r\ncontent-disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nCONTENT-TYPE: "
    "image/png\r\n\r\n"
    "\x89PNG\r\n--XXL\r\n--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--XX--\r\nepilogue";

TEST(Multipart, has_fields_and_files_in_their_order) {
  const auto parts = parse_multipart(kForm, "XX");
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 3U);
  EXPECT_EQ((*parts)[0].name, "a");
  EXPECT_EQ((*parts)[0].content, "1");
  EXPECT_EQ((*parts)[0].file_name, std::nullopt);
  EXPECT_EQ((*parts)[1].file_name, "x.png");
  EXPECT_EQ((*parts)[1].type, "image/png");
  EXPECT_EQ((*parts)[1].content, "\x89PNG\r\n--XXL") << "a line that goes on behind the boundary is none";
  EXPECT_EQ((*parts)[2].name, "a");
  EXPECT_EQ((*parts)[2].content, "");
  EXPECT_TRUE(parse_multipart("--XX--", "XX")->empty());
}

TEST(Multipart, is_refused_with_the_byte_where_it_is_wrong) {
  struct Case {
    std::string body;
    const char* boundary;
    const char* message;
  };
  const std::string named = "Content-Disposition: form-data; name=\"a\"\r\n";
  for (const Case& one :
       {Case{"", "XX", "its boundary does not stand in it, looked for from at byte 0"},
        Case{"--XX", "XX", "the first boundary does not end its line at byte 4"},
        Case{"--XX\r\n" + named, "XX", "a part is cut off at byte 48"},
        Case{"--XX\r\n" + named + "\r\ncontent", "XX", "a part is cut off at byte 50"},
        Case{"--XX\r\n" + named + "\r\ncontent\r\n--XX", "XX", "a part is cut off at byte 50"},
        Case{"--XX\r\nContent-Type: a\r\n\r\n\r\n--XX--", "XX", "a part has no name at byte 6"},
        Case{"--XX\r\nX: " + std::string(9000, 'x') + "\r\n\r\n\r\n--XX--", "XX",
             "a part has more than 8 KiB of headers at byte 6"},
        Case{"--XX\r\n", "", "needs a boundary of 1 to 70 bytes"},
        Case{"--XX\r\n", "0123456789012345678901234567890123456789012345678901234567890123456789X",
             "needs a boundary of 1 to 70 bytes"}}) {
    const auto parts = parse_multipart(one.body, one.boundary);
    ASSERT_FALSE(parts) << one.message;
    EXPECT_TRUE(parts.error().message.contains(one.message)) << parts.error().message;
  }
}

TEST(Multipart, has_no_more_parts_than_it_may) {
  std::string body;
  for (int i = 0; i < 1001; ++i) body += "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
  EXPECT_FALSE(parse_multipart(body + "--X--", "X"));
  body.erase(0, body.find("--X", 3));
  EXPECT_TRUE(parse_multipart(body + "--X--", "X"));
}

}  // namespace

}  // namespace format
