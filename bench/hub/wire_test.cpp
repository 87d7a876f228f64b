#include "hub/wire.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bench {

namespace {

constexpr std::string_view kWebhook =
    "POST /hook/3 HTTP/1.1\r\nHost: 127.0.0.1\r\nWebhook-Id: abc\r\nwebhook-timestamp:  17 \r\n"
    "WEBHOOK-SIGNATURE: v1,x\r\ncontent-length: 5\r\n\r\nhello";

TEST(Message, is_complete_only_with_its_last_byte) {
  Message message;
  for (std::size_t bytes = 0; bytes < kWebhook.size(); ++bytes) {
    ASSERT_EQ(read_message(kWebhook.substr(0, bytes), message), Framing::partial) << bytes;
  }
  EXPECT_EQ(read_message(kWebhook, message), Framing::complete);
  EXPECT_EQ(message.bytes, kWebhook.size());
}

TEST(Message, finds_the_headers_in_any_case) {
  Message message;
  ASSERT_EQ(read_message(kWebhook, message), Framing::complete);
  EXPECT_EQ(message.start_line, "POST /hook/3 HTTP/1.1");
  EXPECT_EQ(message.webhook_id, "abc");
  EXPECT_EQ(message.webhook_timestamp, "17");
  EXPECT_EQ(message.webhook_signature, "v1,x");
  EXPECT_EQ(message.body, "hello");
  EXPECT_FALSE(message.closes);
}

TEST(Message, leaves_the_next_one_in_the_buffer) {
  const std::string two = std::string(kWebhook) + "HTTP/1.1 200 OK\r\n\r\n";
  Message message;
  ASSERT_EQ(read_message(two, message), Framing::complete);
  ASSERT_EQ(read_message(std::string_view(two).substr(message.bytes), message), Framing::complete);
  EXPECT_EQ(message.start_line, "HTTP/1.1 200 OK");
  EXPECT_EQ(message.webhook_id, "");
  EXPECT_EQ(message.body, "");
}

TEST(Message, says_when_the_connection_closes) {
  Message message;
  ASSERT_EQ(read_message("HTTP/1.1 503 Busy\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", message),
            Framing::complete);
  EXPECT_TRUE(message.closes);
}

TEST(Message, is_broken_when_it_cannot_be_framed) {
  Message message;
  for (const std::string_view headers :
       {"Transfer-Encoding: chunked\r\n", "Content-Length: 5x\r\n", "Content-Length: -1\r\n",
        "Content-Length: 99999999999\r\n", "no colon\r\n"}) {
    const std::string text = "HTTP/1.1 200 OK\r\n" + std::string(headers) + "\r\n";
    EXPECT_EQ(read_message(text, message), Framing::broken) << headers;
  }
}

TEST(Message, is_broken_when_its_head_does_not_end) {
  Message message;
  EXPECT_EQ(read_message(std::string(100'000, 'x'), message), Framing::broken);
}

TEST(StatusLine, gives_its_number_and_nothing_else_does) {
  EXPECT_EQ(status_of("HTTP/1.1 202 Accepted"), 202);
  EXPECT_EQ(status_of("HTTP/1.1 503"), 503);
  for (const std::string_view line :
       {"", "HTTP/1.1 ", "HTTP/1.0 200 OK", "HTTP/1.1 2x2 OK", "HTTP/1.1 999 Odd", "GET / HTTP/1.1"}) {
    EXPECT_EQ(status_of(line), 0) << line;
  }
}

TEST(RequestLine, gives_its_path_and_nothing_else_does) {
  EXPECT_EQ(path_of("POST /hook/3 HTTP/1.1"), "/hook/3");
  for (const std::string_view line : {"", "HTTP/1.1", "POST /hook/3", "POST HTTP/1.1"}) {
    EXPECT_EQ(path_of(line), "") << line;
  }
}

TEST(Uuid, is_read_in_either_case) {
  const auto uuid = parse_uuid("0193aB00-0000-7000-8000-0123456789EF");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(uuid->bytes[0], 0x01);
  EXPECT_EQ(uuid->bytes[2], 0xab);
  EXPECT_EQ(uuid->bytes[15], 0xef);
}

TEST(Uuid, is_not_read_from_anything_else) {
  for (const std::string_view text :
       {"", "0193ab00-0000-7000-8000-0123456789e", "0193ab00-0000-7000-8000-0123456789eff",
        "0193ab00+0000-7000-8000-0123456789ef", "0193ab0g-0000-7000-8000-0123456789ef"}) {
    EXPECT_FALSE(parse_uuid(text)) << text;
  }
}

TEST(StringMember, is_found_at_the_top_level_only) {
  const std::string_view json =
      R"({"data":{"id":"inner"},"list":[{"id":"item"}],"name":"id", "id" : "outer"})";
  EXPECT_EQ(string_member(json, "id"), "outer");
  EXPECT_EQ(string_member(json, "inner"), std::nullopt);
}

TEST(StringMember, is_not_confused_by_escapes) {
  EXPECT_EQ(string_member(R"({"a":"\"id\":\"no\"\\","id":"yes"})", "id"), "yes");
  EXPECT_EQ(string_member(R"({"a":"\"","id":"yes"})", "id"), "yes");
  EXPECT_EQ(plain_string_member(R"({"secret_key":"whsec_a\/b+c=="})", "secret_key"), "whsec_a/b+c==");
}

TEST(StringMember, is_absent_where_the_value_is_no_string_or_the_text_is_cut_off) {
  for (const std::string_view json :
       {R"({"id":1})", R"({"id":)", R"({"id)", R"({"id":"abc)", R"({"id":"abc\)", "", "[]"}) {
    EXPECT_EQ(string_member(json, "id"), std::nullopt) << json;
  }
}

TEST(NumberAfter, skips_spaces_and_wants_a_number) {
  EXPECT_EQ(number_after(R"({"seq": 17,"x":1})", "\"seq\":"), 17u);
  EXPECT_EQ(number_after(R"({"seq":"17"})", "\"seq\":"), std::nullopt);
  EXPECT_EQ(number_after(R"({"seq":)", "\"seq\":"), std::nullopt);
  EXPECT_EQ(number_after("", "\"seq\":"), std::nullopt);
}

}  // namespace

}  // namespace bench
