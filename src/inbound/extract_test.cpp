#include "inbound/extract.hpp"

#include <gtest/gtest.h>

#include "inbound/receiver.hpp"
#include "inbound/scheme_fixture.hpp"

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
  EXPECT_EQ(found->changes, R"({"id":{"old":null,"new":7},"a":{"old":2,"new":1},)"
                            R"("c":{"old":null,"new":[1]},"b":{"old":"x","new":null}})");
}

TEST(Extraction, takes_the_whole_body_where_no_path_says_more) {
  EXPECT_EQ(extract(prepared({}), received("[1]"))->record, "[1]");
  EXPECT_EQ(extract(prepared({}), received("plain"))->record, R"({"text":"plain"})");
  EXPECT_EQ(extract(prepared({}), received("\xff"))->record, R"({"base64":"/w=="})");
  EXPECT_EQ(extract(prepared({}),
                    received("a=1&b=%20&a=2", R"([["Content-Type", "application/x-www-form-urlencoded"]])"))
                ->record,
            R"({"a":"1","b":" "})");
}

TEST(Extraction, says_what_it_cannot_find) {
  const auto message = [](Paths paths, const char* body) {
    const auto found = extract(prepared(std::move(paths)), received(body));
    return found ? std::string("found") : found.error().message;
  };
  EXPECT_EQ(message({.event_type = "json:type"}, "{}"), "paths.event_type: there is nothing at json:type");
  EXPECT_EQ(message({.event_type = "json:type"}, "x"), "paths.event_type: the body is not JSON");
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
