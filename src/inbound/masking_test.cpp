#include "inbound/masking.hpp"

#include <gtest/gtest.h>

#include "inbound/scheme_fixture.hpp"

namespace inbound {

namespace {

std::string token_at(std::string_view place) {
  return R"({"kind": "token", "sig": ")" + std::string(place) + R"("})";
}

TEST(StoredHeaders, hide_credentials_and_what_the_scheme_takes_for_its_secret) {
  struct Case {
    std::string scheme;
    const char* name;
    bool hidden;
  };
  const std::string hmac = R"({"kind": "hmac", "sig": "header:x-sig", "content": "{body}"})";
  for (const Case& one : {Case{hmac, "Authorization", true}, Case{hmac, "proxy-authorization", true},
                          Case{hmac, "Cookie", true}, Case{hmac, "X-Sig", false},
                          Case{token_at("header:x-token"), "X-TOKEN", true},
                          Case{token_at("header:x-token"), "x-token2", false},
                          Case{token_at("header:x-tok-*"), "X-Tok-2", true},
                          Case{token_at("query:x-token"), "x-token", false}}) {
    const PreparedEndpoint endpoint = prepared({.scheme = one.scheme});
    const Sent sent{.headers = {{one.name, "value"}}};
    const http::Request request = sent.request();
    EXPECT_EQ(stored_headers(endpoint.scheme(), request),
              R"([[")" + std::string(one.name) + R"(",")" + (one.hidden ? "***" : "value") + R"("]])")
        << one.scheme;
  }
}

TEST(StoredTargets, hide_the_parameter_that_is_the_secret) {
  struct Case {
    const char* place;
    const char* target;
    const char* stored;
  };
  for (const Case& one :
       {Case{"query:token", "/in?a=1&token=s3cr/t&b=2", "/in?a=1&token=***&b=2"},
        Case{"query:token", "/in?%74oken=s3cr/t", "/in?%74oken=***"}, Case{"query:token", "/in", "/in"},
        Case{"query:token", "/in?a=\xff", "/in?a=%ff"}, Case{"header:token", "/in?token=1", "/in?token=1"}}) {
    const PreparedEndpoint endpoint = prepared({.scheme = token_at(one.place)});
    const Sent sent{.url = "https://hub.example.com" + std::string(one.target)};
    const http::Request request = sent.request();
    EXPECT_EQ(stored_target(endpoint.scheme(), request), one.stored) << one.target;
  }
}

TEST(StoredBodies, hide_the_secret_where_the_scheme_has_it_in_the_body) {
  struct Case {
    const char* place;
    const char* body;
    const char* stored;
  };
  for (const Case& one : {Case{"json:token", R"({"token":"s3cr/t","a":1})", R"({"token":"***","a":1})"},
                          Case{"form:token", "a=1&token=s3cr/t", "a=1&token=***"},
                          Case{"xml:a/token", "<a><token>s3cr/t</token></a>", "<a><token>***</token></a>"},
                          Case{"header:token", R"({"token":"s3cr/t"})", R"({"token":"s3cr/t"})"}}) {
    const PreparedEndpoint endpoint = prepared({.scheme = token_at(one.place)});
    std::string body = one.body;
    hide_secret(endpoint, 0, body);
    EXPECT_EQ(body, one.stored) << one.place;
  }
}

}  // namespace

}  // namespace inbound
