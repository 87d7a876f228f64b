#include "inbound/receive/masking.hpp"

#include <gtest/gtest.h>

#include "inbound/receive/fixture.hpp"

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
    EXPECT_EQ(stored_headers(endpoint, request),
              R"([[")" + std::string(one.name) + R"(",")" + (one.hidden ? "***" : "value") + R"("]])")
        << one.scheme;
  }
}

TEST(StoredHeaders, hide_the_secret_in_urls_that_repeat_the_query) {
  const PreparedEndpoint endpoint = prepared({.scheme = token_at("query:token")});
  const Sent sent{.headers = {{"X-Original-URL", "/in?a=1&t%6Fken=s3cr%2Ft"},
                              {"Link", "<https://a?x=1>; b, <https://b?token=s3cr/t>"},
                              {"X-Note", "token=1"}}};
  EXPECT_EQ(
      stored_headers(endpoint, sent.request()),
      R"([["X-Original-URL","/in?a=1&t%6Fken=***"],["Link","<https://a?x=1>; b, <https://b?token=***>"],)"
      R"(["X-Note","token=1"]])");
}

TEST(StoredTargets, hide_the_parameter_that_is_the_secret) {
  struct Case {
    const char* place;
    const char* target;
    const char* stored;
  };
  for (const Case& one :
       {Case{"query:token", "/in?a=1&token=s3cr/t&b=2", "/in?a=1&token=***&b=2"},
        Case{"query:token", "/in?%74oken=s3cr%2ft", "/in?%74oken=***"}, Case{"query:token", "/in", "/in"},
        Case{"query:token", "/in?a=\xff", "/in?a=%ff"}, Case{"header:token", "/in?token=1", "/in?token=1"}}) {
    const PreparedEndpoint endpoint = prepared({.scheme = token_at(one.place)});
    const Sent sent{.url = "https://hub.example.com" + std::string(one.target)};
    const http::Request request = sent.request();
    EXPECT_EQ(stored_target(endpoint, request), one.stored) << one.target;
  }
}

struct BodyCase {
  std::string places;  ///< JSON
  std::string body;
  std::string stored;
};

std::string stored(const BodyCase& one, std::string secret = "s3cr/t") {
  const PreparedEndpoint endpoint =
      prepared({.scheme = R"({"kind": "token", "sig": )" + one.places + "}", .secret = std::move(secret)});
  const Sent sent{.body = one.body};
  const http::Request request = sent.request();
  return stored_body(endpoint, Message(request, ""));
}

TEST(StoredBodies, hide_what_stands_at_the_place_however_it_is_written) {
  for (const BodyCase& one : {
           BodyCase{R"("json:token")", R"({"token":"s3cr/t","a":1})", R"({"token":"***","a":1})"},
           BodyCase{R"("json:token")", R"({"token":"s3cr\/t"})", R"({"token":"***"})"},
           BodyCase{R"("json:token")", R"({"token":"\u00733cr\u002ft", "note": "s3cr/t"})",
                    R"({"token":"***", "note": "s3cr/t"})"},
           BodyCase{R"("json:\u0074oken")", R"({"\u0074oken":"s3cr/t"})", R"({"\u0074oken":"***"})"},
           BodyCase{R"("json:a.0.token")", R"({"a":[{"token":{"x":"s3cr/t"}}]})",
                    R"({"a":[{"token":"***"}]})"},
           BodyCase{R"(["json:a", "json:a.b"])", R"({"a":{"b":"s3cr/t"}})", R"({"a":"***"})"},
           BodyCase{R"("json:$")", R"("s3cr/t")", R"("***")"},
           BodyCase{R"("json:token")", R"({"token":null})", R"({"token":null})"},
           BodyCase{R"("form:token")", "a=1&token=s3cr/t", "a=1&token=***"},
           BodyCase{R"("form:token")", "token=s3cr%2Ft&b=%2F", "token=***&b=%2F"},
           BodyCase{R"("form:token")", "t%6Fken=s3cr%2ft&token=again", "t%6Fken=***&token=***"},
           BodyCase{R"("xml:a/token")", "<a><token>s3cr/t</token></a>", "<a><token>***</token></a>"},
           BodyCase{R"("xml://token")", "<a><token>s3c&#114;/t</token></a>", "<a><token>***</token></a>"},
           BodyCase{R"("xml://token")", "<a><token><![CDATA[s3cr/t]]></token></a>",
                    "<a><token><![CDATA[***]]></token></a>"},
           BodyCase{R"("header:token")", R"({"token":"s3cr/t"})", R"({"token":"s3cr/t"})"},
       }) {
    EXPECT_EQ(stored(one), one.stored) << one.places;
  }
}

TEST(StoredBodies, hide_parts_of_multipart_forms) {
  const PreparedEndpoint endpoint = prepared({.scheme = token_at("form:token")});
  const auto stored_part = [&](const char* type, const char* body) {
    const Sent sent{.headers = {{"Content-Type", type}}, .body = body};
    const http::Request request = sent.request();
    return stored_body(endpoint, Message(request, ""));
  };
  EXPECT_EQ(stored_part("multipart/form-data; boundary=X",
                        "--X\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\ns3cr/t\r\n"
                        "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--"),
            "--X\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n***\r\n"
            "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--");
  EXPECT_EQ(stored_part("multipart/form-data", "--X\r\n\r\ns3cr/t\r\n--X--"), "***") << "it has no boundary";
}

TEST(StoredBodies, are_hidden_as_a_whole_where_they_hold_a_secret_and_cannot_be_read) {
  const std::string places = R"(["header:x", "json:token", "xml:a"])";
  for (const char* body : {"token s3cr/t", R"({"token":"s3cr\/t")", R"({"token":"s3cr\u002Ft")",
                           "token=s3cr%2Ft", R"(<a>"czNjci90"</)"}) {
    EXPECT_EQ(stored({places, body}), "***") << body;
  }
  EXPECT_EQ(stored({places, "something else"}), "something else");
}

constexpr const char* kLongSecret = "whsec/0123456789";

PreparedEndpoint with_long_secret(const char* kind = "hmac") {
  const std::string hmac = R"({"kind": "hmac", "sig": "header:x-sig", "content": "{body}"})";
  const std::string basic = R"({"kind": "basic", "sig": "header:authorization", "prefix": "Basic "})";
  const bool is_basic = std::string_view(kind) == "basic";
  return prepared(
      {.scheme = is_basic ? basic : hmac, .secret = std::string(is_basic ? "user:" : "") + kLongSecret});
}

TEST(KnownSecrets, are_hidden_in_headers_and_queries_wherever_they_stand) {
  const std::string coded = crypto::to_base64(kLongSecret);
  const std::string with_user = crypto::to_base64("user:" + std::string(kLongSecret));
  for (const char* kind : {"hmac", "basic"}) {
    const PreparedEndpoint endpoint = with_long_secret(kind);
    for (const std::string& value :
         {"Bearer " + std::string(kLongSecret), coded, "Basic " + with_user,
          std::string("a=whsec%2F0123456789"), std::string("https://a/?q=whsec%2f0123456789")}) {
      for (const Standing standing : {Standing::verified, Standing::refused}) {
        const Sent sent{.url = "https://hub.example.com/in?q=" + value + "&b=2",
                        .headers = {{"X-Custom", value}, {"X-Other", "whsec/012345678"}}};
        const http::Request request = sent.request();
        const std::string headers = stored_headers(endpoint, request, standing);
        EXPECT_FALSE(headers.contains("0123456789") || headers.contains(coded.substr(0, 16)) ||
                     headers.contains(with_user.substr(8, 16)))
            << headers;
        EXPECT_TRUE(headers.contains(R"(["X-Other","whsec/012345678"])")) << headers;
        EXPECT_EQ(stored_target(endpoint, request, standing), "/in?q=***&b=2") << value;
      }
    }
  }
  const Sent sent{.headers = {{"X-Forwarded-Authorization", "Bearer abc"}}};
  EXPECT_EQ(stored_headers(with_long_secret(), sent.request()), R"([["X-Forwarded-Authorization","***"]])");
}

TEST(KnownSecrets, are_hidden_in_bodies_and_leave_them_readable) {
  struct Case {
    std::string body;
    std::string stored;
  };
  for (const Case& one : {Case{R"({"a":"x whsec/0123456789","n":1})", R"({"a":"x ***","n":1})"},
                          Case{R"({"a":"whsec\/0123456789","n":"b"})", R"({"a":"***","n":"b"})"},
                          Case{R"({"a":"\u0077hsec/0123456789\"","n":"b"})", R"({"a":"***","n":"b"})"},
                          Case{"a=1&b=whsec%2F0123456789&c=2", "a=1&b=***&c=2"},
                          Case{"a=" + crypto::to_base64("whsec/0123456789xy"), "a=***Xh5"},
                          Case{"<a>whsec/0123456789</a>", "<a>***</a>"},
                          Case{R"(a whsec\/0123456789)", "***"}, Case{"nothing", "nothing"}}) {
    const PreparedEndpoint endpoint = with_long_secret();
    const Sent sent{.body = one.body};
    const http::Request request = sent.request();
    EXPECT_EQ(stored_body(endpoint, Message(request, "")), one.stored);
  }
}

TEST(StoredBodies, of_batches_hide_the_secret_of_each_element) {
  const PreparedEndpoint endpoint =
      prepared({.scheme = R"({"kind": "token", "each": "json:value", "sig": "json:state"})"});
  const Sent sent{.body = R"({"value":[{"state":"s3cr/t","n":1},{"state":"s3cr\/t","n":2}]})"};
  const http::Request request = sent.request();
  const Message message(request, "");
  EXPECT_EQ(stored_body(endpoint, message), R"({"value":[{"state":"***","n":1},{"state":"***","n":2}]})");
  const auto elements = elements_of(endpoint.scheme(), message);
  ASSERT_TRUE(elements);
  EXPECT_EQ(stored_element(endpoint.scheme(), KnownSecrets(endpoint), elements->back()),
            R"({"state":"***","n":2})");
}

}  // namespace

}  // namespace inbound
