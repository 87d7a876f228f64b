#include "inbound/receive/refusal.hpp"

#include <gtest/gtest.h>

#include "inbound/receive/fixture.hpp"

namespace inbound {

namespace {

constexpr const char* kHmac =
    R"({"kind": "hmac", "sig": "header:x-auth-token-sig", "ts": "query:key", "content": "{body}"})";

Refusal refusal_of(const std::string& scheme, const Sent& sent, const char* secret = "s3cr/t") {
  const PreparedEndpoint endpoint = prepared({.scheme = scheme, .secret = secret});
  const http::Request request = sent.request();
  return make_refusal(endpoint, Message(request, sent.url), request,
                      {"signature_differs", "no signature fits", "203.0.113.7"}, kNow);
}

TEST(Refusals, keep_the_request_as_far_as_it_shows_no_secret) {
  const Refusal kept = refusal_of(kHmac, {.url = "https://hub.example.com/in?key=1&api_key=abc&a=2",
                                          .headers = {{"X-Auth-Token-Sig", "ab12"},
                                                      {"X-Api-Key", "abc"},
                                                      {"X-Gitlab-Token", "abc"},
                                                      {"Authorization", "Bearer abc"},
                                                      {"Referer", "https://a?access_token=abc"},
                                                      {"X-Event", "made"}}});
  EXPECT_EQ(kept.target, "/in?key=1&api_key=***&a=2");
  EXPECT_EQ(kept.headers,
            R"([["X-Auth-Token-Sig","ab12"],["X-Api-Key","***"],["X-Gitlab-Token","***"],)"
            R"(["Authorization","***"],["Referer","https://a?access_token=***"],["X-Event","made"]])");
  EXPECT_EQ(kept.reason, "signature_differs");
  EXPECT_EQ(kept.remote_ip, "203.0.113.7");
  EXPECT_EQ(kept.body, Sent{}.body);
  EXPECT_TRUE(kept.is_whole());
}

TEST(Refusals, hide_bodies_that_hold_a_secret) {
  struct Case {
    std::string scheme;
    std::string body;
    const char* kept;
  };
  const std::string json = R"({"kind": "token", "sig": "json:token"})";
  const std::string form = R"({"kind": "token", "sig": "form:token"})";
  const std::string told =
      R"({"kind": "hmac", "sig": "header:x", "key": {"capture": "t"}, "challenge": {"check": "skip",
          "when": {"json:told": "*"}, "capture": {"secret": "json:told"}, "reply": {}}})";
  for (const Case& one : {Case{json, R"({"token":"wrong","a":1})", R"({"token":"***","a":1})"},
                          Case{json, R"({"token":"wrong)", "***"}, Case{json, "", ""},
                          Case{json, R"({"token":"wrong","a":")" + std::string(70'000, 'x') + "\"}", "***"},
                          Case{form, "token=wr%6Fng&a=1", "token=***&a=1"},
                          Case{told, R"({"told":"abc"})", R"({"told":"***"})"},
                          Case{kHmac, "a s3cr/t b", "***"}, Case{kHmac, R"(["s3cr\/t"])", "***"},
                          Case{kHmac, "a=s3cr%2Ft", "***"}, Case{kHmac, "nothing", "nothing"}}) {
    EXPECT_EQ(refusal_of(one.scheme, {.body = one.body}).body, one.kept)
        << one.scheme << one.body.substr(0, 50);
  }
}

TEST(Refusals, keep_the_beginning_of_what_is_large) {
  Sent sent{.url = "https://hub.example.com/in?a=" + std::string(7'000, 'a'),
            .body = std::string(kRefusedBodyBytes - 1, 'x') + "ü" + "x"};
  for (int i = 0; i < 30; ++i) sent.headers.emplace_back("X-" + std::to_string(i), std::string(500, 'h'));
  const Refusal kept = refusal_of(kHmac, sent);
  EXPECT_EQ(kept.body, std::string(kRefusedBodyBytes - 1, 'x')) << "and no part of a character";
  EXPECT_EQ(kept.body_bytes, static_cast<std::int64_t>(sent.body.size()));
  EXPECT_FALSE(kept.is_whole());
  EXPECT_LE(kept.target.size() + kept.headers.size(), kRefusedHeadBytes + 500);
  EXPECT_TRUE(kept.headers.contains("X-3"));
}

TEST(Refusals, tell_a_body_that_was_not_read_from_one_that_is_empty) {
  const PreparedEndpoint endpoint = prepared({.scheme = kHmac});
  const Sent sent{.body = ""};
  const http::Request request = sent.request();
  const auto kept = [&](bool is_body_unread) {
    return make_refusal(endpoint, Message(request, sent.url), request,
                        {reason::kAddress, "not listed", "203.0.113.7", is_body_unread}, kNow);
  };
  EXPECT_EQ(kept(true).body_bytes, Refusal::kUnread);
  EXPECT_FALSE(kept(true).is_whole());
  EXPECT_EQ(kept(false).body_bytes, 0);
  EXPECT_TRUE(kept(false).is_whole());
}

}  // namespace

}  // namespace inbound
