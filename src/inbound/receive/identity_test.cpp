#include "inbound/receive/identity.hpp"

#include <gtest/gtest.h>

#include "inbound/receive/fixture.hpp"

namespace inbound {

namespace {

using namespace std::chrono_literals;

constexpr const char* kScheme =
    R"({"kind": "hmac", "sig": "header:x-sig", "content": "{body}", "id": "json:id"})";
constexpr const char* kHashScheme =
    R"({"kind": "hmac", "sig": "header:x-sig", "content": "{body}",
        "id": ["json:id", "hash:{body}"]})";

constexpr const char* kItemScheme =
    R"({"kind": "hmac", "sig": "header:x-sig", "split": ",", "prefix": "v1=", "content": "{body}",
        "id": ["item:id=", "hash:{body}"]})";

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

TEST(ExternalIds, are_found_in_tokens) {
  const PreparedEndpoint endpoint =
      prepared({.scheme = R"({"kind": "jwt", "alg": ["HS256"], "sig": "header:x-sig", "id": "jwt:jti"})"});
  const std::string token =
      crypto::to_base64url(R"({"alg":"HS256"})") + "." + crypto::to_base64url(R"({"jti":"evt_1"})") + ".aa";
  const Sent sent{.headers = {{"X-Sig", token}}};
  const http::Request request = sent.request();
  EXPECT_EQ(external_id(endpoint, Message(request, "")), "evt_1");
}

TEST(DedupWindows, are_a_day_at_most_where_content_is_the_key) {
  struct Case {
    const char* scheme;
    const char* body;
    std::chrono::seconds configured;
    std::chrono::seconds expected;
  };
  for (const Case& one : {Case{kScheme, R"({"id": 1})", 720h, 720h}, Case{kScheme, "{}", 720h, 24h},
                          Case{kScheme, "{}", 1h, 1h}, Case{kHashScheme, R"({"id": 1})", 720h, 720h},
                          Case{kHashScheme, "{}", 720h, 24h}, Case{kHashScheme, R"({"id": ""})", 720h, 24h},
                          Case{kItemScheme, "{}", 720h, 720h}}) {
    const PreparedEndpoint endpoint = prepared({.scheme = one.scheme, .dedup_window = one.configured});
    const Sent sent{.headers = {{"X-Sig", "id=7,v1=00"}}, .body = one.body};
    const http::Request request = sent.request();
    const Message message(request, "");
    EXPECT_EQ(Identifier(endpoint, request).next(message, sent.body).window, one.expected)
        << one.scheme << one.body;
  }
}

TEST(Dedup, is_what_the_endpoint_says_or_its_scheme) {
  const std::string off = R"({"kind": "none", "dedup": "off"})";
  struct Case {
    std::string scheme;
    std::optional<Dedup> said;
    const char* id;
    Dedup how;
  };
  for (const Case& one :
       {Case{kScheme, {}, "evt_1", Dedup::id}, Case{kScheme, {}, "", Dedup::content},
        Case{kScheme, Dedup::id, "evt_1", Dedup::id}, Case{kScheme, Dedup::id, "", Dedup::off},
        Case{kScheme, Dedup::content, "evt_1", Dedup::content},
        Case{kScheme, Dedup::off, "evt_1", Dedup::off}, Case{off, {}, "evt_1", Dedup::off},
        Case{off, Dedup::content, "evt_1", Dedup::content}}) {
    EXPECT_EQ(dedup_of(prepared({.scheme = one.scheme, .dedup = one.said}), one.id), one.how) << one.scheme;
  }
}

Identity identity_of(const PreparedEndpoint& endpoint, const Sent& sent) {
  const http::Request request = sent.request();
  const Message message(request, sent.url);
  return Identifier(endpoint, request).next(message, sent.body);
}

TEST(Identities, of_two_requests_are_one_where_the_second_is_the_first_sent_again) {
  const PreparedEndpoint plain = prepared({.scheme = kScheme});
  const PreparedEndpoint strict =
      prepared({.scheme = R"({"sig": "header:x-sig", "id": "json:id", "repeat": "id"})"});
  const PreparedEndpoint of_body = prepared({.scheme = kScheme, .dedup = Dedup::body});
  const Sent first{.body = R"({"id": 1, "n": 1})"};
  const Sent other{.body = R"({"id": 1, "n": 2})"};
  EXPECT_EQ(identity_of(plain, first).key, identity_of(plain, other).key);
  EXPECT_NE(identity_of(plain, first).body_hash, identity_of(plain, other).body_hash) << "a conflict";
  EXPECT_EQ(identity_of(plain, first).stored_key, "") << "it is made of the id";
  EXPECT_EQ(identity_of(strict, first).key, identity_of(strict, other).key);
  EXPECT_EQ(identity_of(strict, first).body_hash, identity_of(strict, other).body_hash) << "the id suffices";
  EXPECT_NE(identity_of(of_body, first).key, identity_of(of_body, other).key);
  EXPECT_EQ(identity_of(prepared({.scheme = kScheme, .dedup = Dedup::off}), first).key, "");

  const Sent nameless{.headers = {{"X-Message-Number", "1"}}, .body = ""};
  const Sent next{.headers = {{"X-Message-Number", "2"}}, .body = ""};
  EXPECT_EQ(identity_of(plain, nameless).key, identity_of(plain, nameless).key);
  EXPECT_NE(identity_of(plain, nameless).key, identity_of(plain, next).key);
  EXPECT_EQ(identity_of(plain, nameless).key, identity_of(plain, nameless).stored_key);
}

TEST(Identities, of_elements_are_those_of_their_batch_and_place) {
  const PreparedEndpoint endpoint =
      prepared({.scheme = R"({"kind": "none", "each": "json:$", "id": "json:id"})"});
  const auto keys_of = [&](const std::string& body) {
    const Sent sent{.body = body};
    const http::Request request = sent.request();
    const Message message(request, sent.url);
    Identifier identifier(endpoint, request);
    std::vector<std::string> keys;
    for (const Element& element : *elements_of(endpoint.scheme(), message))
      keys.push_back(identifier.next(element, element.value().raw()).key);
    return keys;
  };
  const auto sensor = keys_of(R"([{"open":1},{"open":1}])");
  EXPECT_NE(sensor[0], sensor[1]) << "two events that are alike";
  EXPECT_EQ(keys_of(R"([{"open":1},{"open":1}])"), sensor) << "the batch is sent again";
  const auto shared = keys_of(R"([{"id":7,"n":1},{"id":7,"n":2},{"id":7,"n":1}])");
  EXPECT_EQ(shared, (std::vector<std::string>{"id:7", "id:7#1", "id:7"}));
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
