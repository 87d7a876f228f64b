#include "outbound/send/payload.hpp"

#include "format/json.hpp"
#include "outbound/subscription/fixture.hpp"

namespace outbound {

namespace {

const TenantId kTenant = TenantId::parse("01980000-0000-7000-8000-0000000000aa").value();

event::Event make(std::string type, std::string subject = "") {
  return {.id = event::EventId::parse("01980000-0000-7000-8000-000000000001").value(),
          .tenant = kTenant,
          .type = std::move(type),
          .subject = std::move(subject),
          .data = R"({"id": 123, "price": "150.00", "final_price": null})",
          .occurred = base::parse_rfc3339("2025-11-05T20:30:00.5Z").value(),
          .created = kNow};
}

TEST(StandardPayload, holds_the_event_as_it_was_published) {
  EXPECT_EQ(make_payload(PayloadFormat::standard, make("order.created", "order/42"), "Acme Corp"),
            R"({"id":"01980000-0000-7000-8000-000000000001","type":"order.created",)"
            R"("timestamp":"2025-11-05T20:30:00.500Z","tenant_id":"01980000-0000-7000-8000-0000000000aa",)"
            R"("data":{"id": 123, "price": "150.00", "final_price": null}})");
}

TEST(StandardPayload, holds_the_changes_of_an_event_that_has_some) {
  event::Event event = make("order.status_changed");
  event.changes = R"({"status": {"old": "New", "new": "In Progress"}})";

  EXPECT_EQ(make_payload(PayloadFormat::standard, event, "Acme Corp"),
            R"({"id":"01980000-0000-7000-8000-000000000001","type":"order.status_changed",)"
            R"("timestamp":"2025-11-05T20:30:00.500Z","tenant_id":"01980000-0000-7000-8000-0000000000aa",)"
            R"("data":{"id": 123, "price": "150.00", "final_price": null},)"
            R"("changes":{"status": {"old": "New", "new": "In Progress"}}})");
}

TEST(StandardPayload, keeps_the_bytes_of_any_json_value) {
  for (const std::string_view data : {"null", "[1.10, 2e3]", R"("ü\u2028")", "true", "{ \"a\" :1}"}) {
    event::Event event = make("order.created");
    event.data = data;

    const std::string body = make_payload(PayloadFormat::standard, event, "");

    EXPECT_TRUE(body.ends_with("\"data\":" + std::string(data) + "}")) << body;
  }
}

// Mission 2, "Webhook Payload Structure".
TEST(EntityPayload, names_what_the_event_is_about_as_the_mission_does) {
  EXPECT_EQ(make_payload(PayloadFormat::entity, make("workitem_created"), "Acme Corp"),
            R"({"event_type":"workitem_created","timestamp":"2025-11-05T20:30:00.500Z",)"
            R"("tenant":{"id":"01980000-0000-7000-8000-0000000000aa","name":"Acme Corp"},)"
            R"("workitem":{"id": 123, "price": "150.00", "final_price": null}})");
}

TEST(EntityPayload, holds_the_changes_of_an_event_that_has_some) {
  event::Event event = make("workitem_status_changed");
  event.changes = R"({"status": {"old": "New", "new": "In Progress"}})";

  EXPECT_EQ(make_payload(PayloadFormat::entity, event, "Acme Corp"),
            R"({"event_type":"workitem_status_changed","timestamp":"2025-11-05T20:30:00.500Z",)"
            R"("tenant":{"id":"01980000-0000-7000-8000-0000000000aa","name":"Acme Corp"},)"
            R"("workitem":{"id": 123, "price": "150.00", "final_price": null},)"
            R"("changes":{"status": {"old": "New", "new": "In Progress"}}})");
}

/// The name of the third member, after event_type, timestamp and tenant.
std::string subject_key(const event::Event& event) {
  const auto document = format::parse_json(make_payload(PayloadFormat::entity, event, "Acme Corp")).value();
  return std::string(document.root().members()[3].key);
}

TEST(EntityPayload, takes_the_name_from_the_subject_or_else_from_the_type) {
  EXPECT_EQ(subject_key(make("workitem_created")), "workitem");
  EXPECT_EQ(subject_key(make("order.created")), "order");
  EXPECT_EQ(subject_key(make("ORDER")), "ORDER");
  EXPECT_EQ(subject_key(make("order.created", "invoice/7")), "invoice");
  EXPECT_EQ(subject_key(make("order.created", "invoice")), "invoice");
  EXPECT_EQ(subject_key(make("order.created", "say \"hi\"/7")), "say \"hi\"");
}

TEST(EntityPayload, calls_it_data_where_the_name_is_taken) {
  for (const char* taken : {"event_type/1", "timestamp/1", "tenant/1", "changes/1", "data/1"}) {
    event::Event event = make("order.created", taken);
    event.changes = "{}";
    EXPECT_EQ(subject_key(event), "data") << taken;
  }
}

TEST(EntityPayload, escapes_the_name_of_the_tenant) {
  const std::string body = make_payload(PayloadFormat::entity, make("order.created"), "A \"B\" \\ Ç");

  const auto document = format::parse_json(body);

  ASSERT_TRUE(document) << body;
  const format::Value* tenant = document->root().find("tenant");
  ASSERT_NE(tenant, nullptr);
  EXPECT_EQ(tenant->find("name")->text(), "A \"B\" \\ Ç");
}

TEST(ContentType, is_json_of_any_vendor_or_a_form) {
  for (const char* type : {"application/json", "application/vnd.acme+json", "application/a.b-c+d+json"}) {
    EXPECT_TRUE(is_json_type(type)) << type;
    EXPECT_FALSE(is_form_type(type)) << type;
  }
  for (const char* type :
       {"", "json", "text/json", "application/+json", "application/xml", "application/a b+json",
        "application/x+json\r\nX-A: 1", "application/x-www-form-urlencoded"}) {
    EXPECT_FALSE(is_json_type(type)) << type;
  }
  EXPECT_TRUE(is_form_type("application/x-www-form-urlencoded"));
}

}  // namespace

}  // namespace outbound
