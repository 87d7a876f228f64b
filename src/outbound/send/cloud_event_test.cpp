#include "outbound/send/cloud_event.hpp"

#include "outbound/subscription/fixture.hpp"

namespace outbound {

namespace {

using Lines = std::vector<std::string>;

event::Event make(std::string subject = "") {
  return {.id = event::EventId::parse("01980000-0000-7000-8000-000000000001").value(),
          .tenant = TenantId::parse("01980000-0000-7000-8000-0000000000aa").value(),
          .type = "order.created",
          .subject = std::move(subject),
          .data = R"({"id": 123, "price": "150.00"})",
          .changes = R"({"price":{}})",
          .occurred = base::parse_rfc3339("2025-11-05T20:30:00.5Z").value(),
          .created = kNow};
}

TEST(CloudEvent, holds_the_attributes_and_the_data_as_it_was_published) {
  EXPECT_EQ(make_cloud_event(make(), "application/json"),
            R"({"specversion":"1.0","id":"01980000-0000-7000-8000-000000000001",)"
            R"("source":"/tenants/01980000-0000-7000-8000-0000000000aa","type":"order.created",)"
            R"("time":"2025-11-05T20:30:00.500Z","datacontenttype":"application/json",)"
            R"("tenantid":"01980000-0000-7000-8000-0000000000aa","data":{"id": 123, "price": "150.00"}})");
}

TEST(CloudEvent, holds_subject_and_trace_where_the_event_has_them) {
  event::Event event = make("order/42 \"ü\"");
  event.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  const std::string body = make_cloud_event(event, "application/vnd.acme+json");

  EXPECT_TRUE(body.contains(R"("type":"order.created","subject":"order/42 \"ü\"","time":)")) << body;
  EXPECT_TRUE(body.contains(R"("datacontenttype":"application/vnd.acme+json",)")) << body;
  EXPECT_TRUE(body.contains(R"("traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",)"))
      << body;
}

TEST(CloudEvent, has_its_attributes_in_headers_in_the_binary_form) {
  EXPECT_EQ(
      cloud_event_headers(make()),
      (Lines{"ce-specversion: 1.0", "ce-id: 01980000-0000-7000-8000-000000000001",
             "ce-source: /tenants/01980000-0000-7000-8000-0000000000aa", "ce-type: order.created",
             "ce-time: 2025-11-05T20:30:00.500Z", "ce-tenantid: 01980000-0000-7000-8000-0000000000aa"}));
}

// The example of the HTTP binding, §3.1.3.2, and what else may not stand in a header.
TEST(CloudEvent, encodes_what_may_not_stand_in_a_header) {
  event::Event event = make("Euro € 😀 \"50%\"\r\nx~");
  event.traceparent = "00-a-b-01";

  const Lines lines = cloud_event_headers(event);

  EXPECT_EQ(lines[6], "ce-subject: Euro%20%E2%82%AC%20%F0%9F%98%80%20%2250%25%22%0D%0Ax~");
  EXPECT_EQ(lines[7], "ce-traceparent: 00-a-b-01");
}

}  // namespace

}  // namespace outbound
