#include "inbound/identity.hpp"

#include <gtest/gtest.h>

#include "inbound/scheme_fixture.hpp"

namespace inbound {

namespace {

using namespace std::chrono_literals;

constexpr const char* kScheme =
    R"({"kind": "hmac", "sig": "header:x-sig", "content": "{body}", "id": "json:id"})";
constexpr const char* kHashScheme =
    R"({"kind": "hmac", "sig": "header:x-sig", "content": "{body}",
        "id": ["json:id", "hash:{body}"]})";

TEST(ExternalIds, are_found_where_the_path_or_the_scheme_says) {
  struct Case {
    const char* path;
    std::string body;
    std::string id;
  };
  const std::string long_id(256, 'x');
  for (const Case& one : {Case{"", R"({"id": "evt_1"})", "evt_1"}, Case{"", R"({"id": 7})", "7"},
                          Case{"", "{}", ""}, Case{"json:other", R"({"id": "evt_1", "other": "o"})", "o"},
                          Case{"json:other", R"({"id": "evt_1"})", ""},
                          Case{"", R"({"id": ")" + long_id + R"("})",
                               "sha256:" + crypto::to_hex(crypto::digest(crypto::Hash::sha256, long_id))}}) {
    const PreparedEndpoint endpoint = prepared({.scheme = kScheme, .paths = {.event_id = one.path}});
    const Sent sent{.body = one.body};
    const http::Request request = sent.request();
    EXPECT_EQ(external_id(endpoint, Message(request, "")), one.id) << one.body;
  }
}

TEST(DedupWindows, are_a_day_at_most_where_the_body_is_the_key) {
  struct Case {
    const char* scheme;
    const char* body;
    std::chrono::seconds configured;
    std::chrono::seconds expected;
  };
  for (const Case& one : {Case{kScheme, R"({"id": 1})", 720h, 720h}, Case{kScheme, "{}", 720h, 24h},
                          Case{kScheme, "{}", 1h, 1h}, Case{kHashScheme, R"({"id": 1})", 720h, 720h},
                          Case{kHashScheme, "{}", 720h, 24h}}) {
    const PreparedEndpoint endpoint = prepared({.scheme = one.scheme, .dedup_window = one.configured});
    const Sent sent{.body = one.body};
    const http::Request request = sent.request();
    const Message message(request, "");
    EXPECT_EQ(dedup_window(endpoint, message, external_id(endpoint, message)), one.expected)
        << one.scheme << one.body;
  }
}

TEST(OrderKeys, are_of_the_table_and_the_record) {
  struct Case {
    const char* body;
    const char* key;
  };
  const PreparedEndpoint endpoint =
      prepared({.scheme = kScheme, .paths = {.table = "json:table", .record_id = "json:id"}});
  for (const Case& one : {Case{R"({"table": "orders", "id": 7})", "orders/7"}, Case{R"({"id": 7})", "/7"},
                          Case{R"({"table": "orders"})", ""}}) {
    const Sent sent{.body = one.body};
    const http::Request request = sent.request();
    EXPECT_EQ(order_key(endpoint, Message(request, "")), one.key) << one.body;
  }
}

}  // namespace

}  // namespace inbound
