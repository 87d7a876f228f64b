#include "hub/payload.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "hub/wire.hpp"

namespace bench {

namespace {

Route make_route() { return {.api_key = "cdk_test", .event_type = "order.r7.created"}; }

TEST(EventRequest, has_a_body_of_exactly_the_size_asked_for) {
  for (const std::size_t bytes : {1000u, 1024u, 5000u}) {
    EventRequest request(make_route(), 8080, bytes);
    Message message;
    ASSERT_EQ(read_message(request.stamp(0, 1'700'000'000'000'000), message), Framing::complete);
    EXPECT_EQ(message.body.size(), bytes);
    EXPECT_EQ(message.bytes, request.stamp(0, 1'700'000'000'000'000).size());
    EXPECT_TRUE(message.body.ends_with("\"}}"));
  }
}

TEST(EventRequest, names_its_type_and_its_key) {
  EventRequest request(make_route(), 8080, 1024);
  const std::string_view text = request.stamp(0, 1'700'000'000'000'000);
  EXPECT_NE(text.find("\r\nAuthorization: Bearer cdk_test\r\n"), std::string_view::npos);
  EXPECT_NE(text.find(R"({"type":"order.r7.created","data":{)"), std::string_view::npos);
}

TEST(EventRequest, carries_number_and_time_of_each_event) {
  EventRequest request(make_route(), 8080, 1024);
  for (const std::uint32_t seq : {0u, 1u, 4'294'967'295u}) {
    const std::string_view text = request.stamp(seq, 1'700'000'000'123'456);
    EXPECT_EQ(seq_of(text), seq);
    EXPECT_EQ(number_after(text, "\"t\":"), 1'700'000'000'123'456u);
  }
}

TEST(EventRequest, is_refused_when_the_fields_do_not_fit) {
  EXPECT_THROW(EventRequest(make_route(), 8080, 100), std::runtime_error);
}

TEST(SeqOf, wants_a_number_that_the_bench_could_have_written) {
  EXPECT_EQ(seq_of(R"({"data":{"seq": 1000000005}})"), 5u);
  EXPECT_EQ(seq_of(R"({"data":{"seq":5}})"), std::nullopt);
  EXPECT_EQ(seq_of(R"({"data":{}})"), std::nullopt);
}

}  // namespace

}  // namespace bench
