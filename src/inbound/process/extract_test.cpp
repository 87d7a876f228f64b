#include "inbound/process/extract.hpp"

#include <gtest/gtest.h>

#include "inbound/receive/fixture.hpp"
#include "inbound/receive/receiver.hpp"

namespace inbound {

namespace {

using namespace std::chrono_literals;

PreparedEndpoint prepared(Paths paths) { return inbound::prepared({.paths = std::move(paths)}); }

ReceivedEvent received(std::string body, std::string headers = "[]") {
  ReceivedEvent event;
  event.method = "POST";
  event.target = "/webhooks/acme/shop?kind=query";
  event.headers = std::move(headers);
  event.body = std::move(body);
  return event;
}

TEST(Extraction, finds_each_part_where_its_path_says) {
  const auto endpoint = prepared({.event_type = "header:x-type",
                                  .table = "query:kind",
                                  .record = "json:new",
                                  .old_record = "json:old",
                                  .record_id = "json:new.id"});
  const auto found =
      extract(endpoint, received(R"({"new": {"id": 7, "a": 1, "c": [1]}, "old": {"a": 2, "b": "x"}})",
                                 R"([["X-Type", "UPDATE"]])"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->event_type, "UPDATE");
  EXPECT_EQ(found->table, "query");
  EXPECT_EQ(found->subject(), "query/7");
  EXPECT_EQ(found->record, R"({"id": 7, "a": 1, "c": [1]})");
  EXPECT_EQ(found->old_record, R"({"a": 2, "b": "x"})");
  EXPECT_EQ(found->changes, R"({"id":{"new":7},"a":{"old":2,"new":1},"c":{"new":[1]},"b":{"old":"x"}})");
}

TEST(Extraction, takes_the_first_place_that_is_there) {
  const auto endpoint = prepared({.event_type = {"header:x-type", "json:type"},
                                  .record = {"json:new", "json:data"},
                                  .record_id = {"json:new.id", "json:data.key"}});
  const auto found = extract(endpoint, received(R"({"type": "made", "new": null, "data": {"key": 1}})"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->event_type, "made");
  EXPECT_EQ(found->record, R"({"key": 1})");
  EXPECT_EQ(found->record_id, "1");
  EXPECT_EQ(extract(endpoint, received(R"({"new": {"id": 2}})")).error().message,
            "paths.event_type: there is nothing at header:x-type, json:type");
}

TEST(Extraction, takes_of_a_deletion_what_was_before) {
  const auto endpoint = prepared({.event_type = "json:type",
                                  .table = {"json:record.kind", "json:table"},
                                  .record = "json:record",
                                  .old_record = "json:old_record",
                                  .record_id = "json:$.record.id"});
  const auto found = extract(endpoint, received(R"({"type": "DELETE", "table": "orders", "record": null,
                                                    "old_record": {"id": 7, "total": 1}})"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->subject(), "orders/7");
  EXPECT_EQ(found->record, R"({"id": 7, "total": 1})");
  EXPECT_EQ(found->old_record, found->record);
  EXPECT_EQ(found->changes, "");
  const auto nested = prepared({.record = "json:a.b", .old_record = "json:$", .record_id = "json:a.b.id"});
  EXPECT_EQ(extract(nested, received(R"({"id": 9})"))->record_id, "9");
}

TEST(Extraction, compares_values_and_not_how_they_are_written) {
  const auto endpoint = prepared({.record = "json:new", .old_record = "json:old"});
  const auto changes = [&](const char* before, const char* after) {
    return extract(endpoint, received(std::string(R"({"old":)") + before + R"(,"new":)" + after + "}"))
        ->changes;
  };
  EXPECT_EQ(changes(R"({"a":{"x":1,"y":"é/"},"n":1})", R"({"n":1.0,"a": {"y":"\u00e9\/", "x":1e0}})"), "{}");
  EXPECT_EQ(changes(R"({"a":null})", "{}"), R"({"a":{"old":null}})");
  EXPECT_EQ(changes("{}", R"({"a":null})"), R"({"a":{"new":null}})");
  EXPECT_EQ(changes(R"({"a":null})", R"({"a":0})"), R"({"a":{"old":null,"new":0}})");
}

TEST(Extraction, takes_the_whole_body_where_no_path_says_more) {
  EXPECT_EQ(extract(prepared({}), received("[1]"))->record, "[1]");
  EXPECT_EQ(extract(prepared({}), received("plain"))->record, R"({"text":"plain"})");
  EXPECT_EQ(extract(prepared({}), received("\xff"))->record, R"({"base64":"/w=="})");
  EXPECT_EQ(extract(prepared({}),
                    received("a=1&b=%20&a=2", R"([["Content-Type", "application/x-www-form-urlencoded"]])"))
                ->record,
            R"({"a":["1","2"],"b":" "})");
}

/// What comes of a body of a type, and why nothing.
std::string record_of(const char* type, std::string body) {
  const auto found = extract(
      prepared({}), received(std::move(body), R"([["content-type",")" + std::string(type) + R"("]])"));
  return found ? found->record : "error: " + found.error().message;
}

TEST(Extraction, reads_bodies_by_their_type_whatever_its_case) {
  EXPECT_EQ(record_of("Application/X-WWW-Form-Urlencoded; charset=utf-8", "a=100%&b=%ff&%fe=1"),
            R"({"a":"100%","b":"%ff","%fe":"1"})");
  EXPECT_EQ(record_of("Multipart/Form-Data; boundary=\\\"X\\\"",
                      "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
                      "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n"
                      "--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\nContent-Type: "
                      "image/png\r\n\r\n"
                      "\xff\r\n--X--"),
            R"({"a":["1","2"],"f":{"filename":"x","content_type":"image/png","size":1,"content":"/w=="}})");
  const std::string large(300'000, 'x');
  EXPECT_EQ(
      record_of("multipart/form-data; boundary=X",
                "--X\r\nContent-Disposition: form-data; name=f; filename=\"\"\r\n\r\n" + large + "\r\n--X--"),
      R"({"f":{"filename":"","content_type":null,"size":300000,"content":null}})");
  EXPECT_EQ(record_of("multipart/form-data; boundary=X", "--Y"),
            "error: the body is no multipart/form-data: its boundary does not stand in it, looked for from "
            "at byte 0");
  EXPECT_EQ(record_of("text/plain", "{name} has come"), R"({"text":"{name} has come"})");
  EXPECT_EQ(record_of("application/json", ""), R"({"text":""})") << "a tap on the shoulder";
}

TEST(Extraction, says_of_a_form_that_it_has_too_many_members) {
  std::string form;
  for (int i = 0; i < 10'001; ++i) form += "a&";
  EXPECT_EQ(record_of("application/x-www-form-urlencoded", form),
            "error: the form has more than 10,000 members");
}

TEST(Extraction, takes_what_senders_take_for_json) {
  EXPECT_EQ(record_of("application/json", "\xEF\xBB\xBF{\"a\": 1}"), R"({"a": 1})");
  EXPECT_EQ(record_of("text/plain", R"({"a": "\ud83d", "b": 1, "b": 2})"), "{\"a\":\"\uFFFD\",\"b\":2}");
  const std::string deep = std::string(70, '[') + std::string(70, ']');
  EXPECT_EQ(
      extract(prepared({.record = "json:a"}), received(R"({"a": {"b": 1}, "deep": )" + deep + "}"))->record,
      R"({"b": 1})");
}

TEST(Extraction, fails_with_the_position_and_never_takes_json_for_a_text) {
  EXPECT_TRUE(record_of("Application/JSON", "{\"a\": 1,}")
                  .starts_with("error: the body is not JSON: JSON, line 1, column 9: "));
  EXPECT_TRUE(record_of("application/vnd.api+json", "{x").starts_with("error: the body is not JSON: "));
  EXPECT_EQ(record_of("application/json", "no JSON at all"), R"({"text":"no JSON at all"})");
  EXPECT_TRUE(record_of("", "[1, 2").starts_with("error: the body is not JSON: JSON, line 1, column 6: "));
  const std::string deep = std::string(70, '[') + std::string(70, ']');
  EXPECT_TRUE(record_of("", deep).starts_with(
      "error: the record cannot be an event's data: JSON, line 1, column 65: "));
  const std::string deeper = std::string(600, '[') + std::string(600, ']');
  EXPECT_TRUE(
      record_of("text/plain", deeper).starts_with("error: the body is not JSON: JSON, line 1, column 513: "));
}

TEST(Extraction, fails_where_the_body_is_still_in_its_coding) {
  ReceivedEvent event = received("\x1f\x8b...");
  event.verification = R"({"scheme":"github","secret":null,"undecoded":"the body is no gzip: …"})";
  EXPECT_EQ(extract(prepared({}), event).error().message, "the body is no gzip: …");
}

TEST(Extraction, finds_fields_of_multipart_forms) {
  const auto found =
      extract(prepared({.event_type = "form:event"}),
              received("--X\r\nContent-Disposition: form-data; name=\"event\"\r\n\r\nopened\r\n--X--",
                       R"([["Content-Type", "multipart/form-data; boundary=X"]])"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->event_type, "opened");
}

TEST(Extraction, says_what_it_cannot_find) {
  const auto message = [](Paths paths, const char* body) {
    const auto found = extract(prepared(std::move(paths)), received(body));
    return found ? std::string("found") : found.error().message;
  };
  EXPECT_EQ(message({.event_type = "json:type"}, "{}"), "paths.event_type: there is nothing at json:type");
  EXPECT_EQ(message({.event_type = "json:type"}, "x"),
            "paths.event_type: the body is not JSON: JSON, line 1, column 1: expected a value, found 'x'; "
            "the only words are true, false and null; strings stand in double quotes");
  EXPECT_EQ(message({.table = "header:x"}, "{}"), "paths.table: there is nothing at header:x");
  EXPECT_EQ(message({.record = "json:record"}, "{}"), "paths.record: there is nothing at json:record");
  EXPECT_EQ(message({.event_type = "json:t"}, R"({"t": "a\u0000b"})"),
            "paths.event_type: what stands at json:t is no text of at most 255 bytes");
  std::string many = "{";
  for (int i = 0; i < 501; ++i) many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":1";
  const auto large = extract(prepared({.record = "json:a", .old_record = "json:b"}),
                             received(R"({"a":)" + many + R"(},"b":{}})"));
  ASSERT_TRUE(large);
  EXPECT_EQ(large->changes, "") << "too many to compare";
  EXPECT_EQ(message({.record = "json:record", .old_record = "json:old"}, R"({"record": null, "old": {}})"),
            "found")
      << "a deletion has only what was before";
}

TEST(Decisions, are_of_the_first_route_that_fits) {
  const base::Uuid subscription = base::make_uuid(kNow);
  Rules rules;
  rules.event_types = {"ins*", "UPDATE"};
  rules.routes = {{.table = "log*", .ignore = true},
                  {.event_type = "UPDATE", .publish = "order.changed"},
                  {.source = "shop", .table = "orders", .subscription = subscription}};
  const auto decide_on = [&](const char* type, const char* table) {
    return decide(rules, {.source = "shop", .event_type = type, .table = table});
  };
  EXPECT_TRUE(decide_on("DELETE", "orders").ignore);
  EXPECT_TRUE(decide_on("UPDATE", "logs").ignore);
  EXPECT_EQ(decide_on("UPDATE", "orders").type, "order.changed");
  EXPECT_EQ(decide_on("insert", "orders").subscription, subscription);
  EXPECT_EQ(decide_on("insert", "Line Items").type, "shop.line_items.insert");
  EXPECT_FALSE(decide_on("insert", "Line Items").subscription);
}

TEST(Decisions, make_a_type_of_whatever_the_sender_says) {
  const auto type = [](const char* source, const char* table, const char* event_type) {
    return decide({}, {.source = source, .event_type = event_type, .table = table}).type;
  };
  EXPECT_EQ(type("stripe", "", "invoice.paid"), "stripe.invoice.paid");
  EXPECT_EQ(type("shopify", "", "orders/create"), "shopify.orders.create");
  EXPECT_EQ(type("", "", ""), "received");
  EXPECT_EQ(type("..", "", "a..b.."), "a.b");
  EXPECT_EQ(type("x", "", std::string(200, 'a').c_str()).size(), base::limits::kEventTypeBytesMax);
}

TEST(ClientAddress, is_the_last_hop_that_no_trusted_proxy_is) {
  const auto proxies = http::EgressGuard::parse_allow("10.0.0.0/8,[fd00::]/8").value();
  const auto address = [&](std::string peer, std::vector<std::string> forwarded) {
    http::Request request;
    request.remote_ip = std::move(peer);
    for (const std::string& value : forwarded) request.headers.emplace_back("X-Forwarded-For", value);
    return client_address(request, proxies);
  };
  EXPECT_EQ(address("203.0.113.1", {"198.51.100.7"}), "203.0.113.1") << "a stranger says what it likes";
  EXPECT_EQ(address("10.0.0.1", {}), "10.0.0.1");
  EXPECT_EQ(address("10.0.0.1", {"198.51.100.7"}), "198.51.100.7");
  EXPECT_EQ(address("10.0.0.1", {"1.1.1.1, 198.51.100.7 , 10.0.0.2"}), "198.51.100.7");
  EXPECT_EQ(address("::ffff:10.0.0.1", {"1.1.1.1", "198.51.100.7"}), "198.51.100.7");
  EXPECT_EQ(address("10.0.0.1", {"1.1.1.1, unknown"}), "") << "then nobody may be taken for the first";
}

TEST(Meter, lets_so_many_through_and_then_as_many_as_fit) {
  Meter meter({3, 30s});
  const base::Steady now = base::steady_now();
  EXPECT_TRUE(meter.take(now));
  EXPECT_TRUE(meter.take(now));
  EXPECT_TRUE(meter.take(now));
  EXPECT_FALSE(meter.take(now));
  EXPECT_FALSE(meter.take(now + 9s));
  EXPECT_TRUE(meter.take(now + 10s));
  EXPECT_FALSE(meter.take(now + 19s));
  EXPECT_TRUE(meter.take(now + 100s));
  EXPECT_TRUE(meter.take(now + 100s));
  EXPECT_TRUE(meter.take(now + 100s));
  EXPECT_FALSE(meter.take(now + 100s));
}

}  // namespace

}  // namespace inbound
