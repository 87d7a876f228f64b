#include "inbound/receive/reply.hpp"

#include <gtest/gtest.h>

#include "inbound/receive/fixture.hpp"

namespace inbound {

namespace {

constexpr const char* kBegin = R"({"kind": "hmac", "sig": "header:x-sig", "content": "{body}")";

std::string scheme_with(std::string_view more) { return kBegin + std::string(more) + "}"; }

TEST(Answers, tell_what_the_hub_knows_the_event_by) {
  const Receipt fresh{.id = ReceivedId::make(kNow)};
  Receipt repeat = fresh;
  repeat.duplicate = true;
  Receipt conflict = fresh;
  conflict.conflict = true;
  const std::string id = fresh.id.str();
  struct Case {
    std::string scheme;
    std::vector<Receipt> receipts;
    int status;
    std::string body;
  };
  for (const Case& one :
       {Case{scheme_with(""), {fresh}, 200, R"({"id":")" + id + R"("})"},
        Case{scheme_with(""), {repeat}, 200, R"({"id":")" + id + R"(","duplicate":true})"},
        Case{scheme_with(""), {conflict}, 200, R"({"id":")" + id + R"(","conflict":true})"},
        Case{scheme_with(R"(, "each": "json:$")"),
             {fresh, repeat},
             200,
             R"({"ids":[")" + id + R"(",")" + id + R"("],"duplicates":1})"},
        Case{scheme_with(R"(, "reply": {"ok": 204})"), {fresh}, 204, ""},
        Case{scheme_with(R"(, "reply": {"ok": 304})"), {fresh}, 304, ""},
        Case{scheme_with(R"(, "reply": {"ok": 201, "body": "ok {json:n}"})"), {fresh}, 201, "ok 7"}}) {
    const PreparedEndpoint endpoint = prepared({.scheme = one.scheme});
    const Sent sent{.body = R"({"n": 7})"};
    const http::Request request = sent.request();
    const http::Response response = answer(endpoint.scheme(), Message(request, ""), one.receipts);
    EXPECT_EQ(response.status, one.status) << one.scheme;
    EXPECT_EQ(response.body, one.body) << one.scheme;
  }
}

TEST(HandshakeAnswers, leave_out_headers_that_are_the_servers_own) {
  const PreparedEndpoint endpoint = prepared({.scheme = scheme_with(R"(, "challenge": {
      "when": {"query:c": "*"}, "check": "skip",
      "reply": {"headers": {"X-Echo": "{query:c}", "Set-Cookie": "a=b"}, "body": "{query:c}"}})")});
  const Sent sent{.method = "GET", .url = "https://hub.example.com/in?c=a%0D%0Ab"};
  const http::Request request = sent.request();
  const http::Response response =
      answer(endpoint.scheme().challenges.front(), nullptr, Message(request, sent.url));
  EXPECT_EQ(response.body, "a\r\nb");
  std::vector<std::pair<std::string, std::string>> headers(response.headers.begin(), response.headers.end());
  EXPECT_EQ(headers.front(), std::pair(std::string("X-Echo"), std::string("ab")));
  EXPECT_TRUE(std::ranges::none_of(headers, [](const auto& one) { return one.first == "Set-Cookie"; }));
}

TEST(HandshakeAnswers, of_schemes_that_were_stored_before_lose_what_is_refused_now) {
  const PreparedEndpoint endpoint = prepared({.scheme = scheme_with(R"(, "challenge": {
      "when": {"query:c": "*"}, "check": "skip",
      "reply": {"headers": {"Transfer-\rEncoding": "chunked", "Set-\nCookie": "a=b", " ": "x"}}})")});
  const Sent sent{.method = "GET", .url = "https://hub.example.com/in?c=1"};
  const http::Request request = sent.request();

  const http::Response response =
      answer(endpoint.scheme().challenges.front(), nullptr, Message(request, sent.url));

  std::vector<std::string> names;
  for (const auto& [name, value] : response.headers) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"X-Content-Type-Options", "Content-Security-Policy"}));
}

TEST(HandshakeQuestions, that_are_signed_for_strangers_hold_nothing_but_tokens) {
  struct Case {
    const char* body;
    const char* method;
    const char* query;
    bool allowed;
  };
  for (const Case& one :
       {Case{"{query:c}", "POST", "c=%7B%7D", true}, Case{"{hmac_hex(query:c)}", "GET", "c=abc_1-2.3", true},
        Case{"{hmac_hex(query:c)}", "GET", "c=%7B%7D", false},
        Case{"{hmac_hex(query:c)}", "POST", "c=abc", false}}) {
    const PreparedEndpoint endpoint =
        prepared({.scheme = scheme_with(R"(, "challenge": {"when": {"query:c": "*"}, "check": "skip",
                                          "reply": {"body": ")" +
                                        std::string(one.body) + R"("}})")});
    const Sent sent{.method = one.method, .url = "https://hub.example.com/in?" + std::string(one.query)};
    const http::Request request = sent.request();
    EXPECT_EQ(may_ask(endpoint.scheme().challenges.front(), request), one.allowed) << one.body << one.query;
  }
}

}  // namespace

}  // namespace inbound
