#include "outbound/subscription/oauth2.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "outbound/subscription/fixture.hpp"
#include "testing/fake_clock.hpp"
#include "testing/imposter.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using ::testing::Ending;

OAuth2Config make_config(const std::string& url = "https://id.example/token") {
  OAuth2Config config{.token_url = url, .client_id = "crossdock app"};
  config.client_secret = base::Secret("s:3cret&");
  return config;
}

http::OutboundResponse make_response(int status, std::string body) {
  http::OutboundResponse response{.status = status};
  response.body = std::move(body);
  return response;
}

TEST(OAuth2Config, is_read_from_the_auth_config) {
  const auto config =
      read_oauth2(R"({"token_url":"https://id.example/t","client_id":"i","client_secret":"s",)"
                  R"("scope":"a b","audience":"aud","auth_style":"BODY"})");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->token_url, "https://id.example/t");
  EXPECT_EQ(config->client_id, "i");
  EXPECT_EQ(config->client_secret.reveal(), "s");
  EXPECT_EQ(config->scope, "a b");
  EXPECT_EQ(config->audience, "aud");
  EXPECT_EQ(config->style, OAuth2Config::Style::body);
  EXPECT_FALSE(read_oauth2(R"({"token_url":"https://id.example/t","client_id":"i"})"));
  EXPECT_FALSE(read_oauth2("{"));
}

TEST(TokenRequest, proves_the_client_in_a_header) {
  OAuth2Config config = make_config();
  config.scope = "orders:write x";

  const http::OutboundRequest request = make_token_request(config, 7s);

  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://id.example/token");
  EXPECT_EQ(request.total_timeout, 7s);
  EXPECT_EQ(*request.body, "grant_type=client_credentials&scope=orders%3Awrite+x");
  EXPECT_EQ(request.headers.back(),
            "Authorization: Basic " + crypto::to_base64("crossdock+app:s%3A3cret%26"));
}

TEST(TokenRequest, proves_the_client_in_the_body_where_it_shall) {
  OAuth2Config config = make_config();
  config.style = OAuth2Config::Style::body;
  config.audience = "https://api.example/";

  const http::OutboundRequest request = make_token_request(config, 7s);

  EXPECT_EQ(*request.body,
            "grant_type=client_credentials&audience=https%3A%2F%2Fapi.example%2F&client_id=crossdock+app"
            "&client_secret=s%3A3cret%26");
  for (const std::string& line : request.headers) EXPECT_FALSE(line.starts_with("Authorization")) << line;
}

TEST(TokenAnswer, grants_a_token_for_a_time) {
  struct Case {
    std::string expires;
    std::chrono::seconds lifetime;
  };
  for (const Case& c : {Case{R"(,"expires_in":3600)", 3600s}, Case{R"(,"expires_in":"3600")", 3600s},
                        Case{R"(,"expires_in":59.9)", 59s}, Case{"", 300s},
                        Case{R"(,"expires_in":null)", 300s}, Case{R"(,"expires_in":"soon")", 300s},
                        Case{R"(,"expires_in":-5)", 0s}, Case{R"(,"expires_in":1e300)", 86400s}}) {
    const auto token = read_token(
        make_response(200, R"({"access_token":"abc.DEF-1","token_type":"bearer")" + c.expires + "}"));
    ASSERT_TRUE(token) << c.expires;
    EXPECT_EQ(token->text.reveal(), "abc.DEF-1");
    EXPECT_EQ(token->lifetime, c.lifetime) << c.expires;
  }
}

TEST(TokenAnswer, that_grants_none_says_why_and_repeats_no_secret) {
  http::OutboundResponse huge = make_response(200, R"({"access_token":"abc"})");
  huge.body_truncated = true;
  http::OutboundResponse unreachable{.failure = http::Failure::connect_refused, .error = "refused"};
  struct Case {
    http::OutboundResponse response;
    std::string_view message;
  };
  for (const Case& c :
       {Case{make_response(401, R"({"error":"invalid_client","secret":"x"})"),
             "answered 401 (invalid_client);"},
        Case{make_response(401, R"({"error":"<script>"})"), "answered 401;"},
        Case{make_response(500, "oops"), "answered 500;"}, Case{make_response(302, ""), "answered 302;"},
        Case{make_response(200, "<html>"), "JSON object"}, Case{make_response(200, "[]"), "JSON object"},
        Case{make_response(200, "{}"), "no access_token"},
        Case{make_response(200, R"({"access_token":"a\r\nX-A: 1"})"), "no access_token"},
        Case{make_response(200, R"({"access_token":17})"), "no access_token"},
        Case{make_response(200, R"({"access_token":")" + std::string(9000, 'a') + R"("})"),
             "no access_token"},
        Case{make_response(200, R"({"access_token":"t0ken","token_type":"mac"})"), "type mac"},
        Case{huge, "more than 64 KiB"}, Case{unreachable, "cannot be asked (CONNECT_REFUSED): refused"}}) {
    const auto token = read_token(c.response);

    ASSERT_FALSE(token) << c.message;
    EXPECT_EQ(token.error().reason, "OAUTH2_TOKEN");
    EXPECT_TRUE(token.error().retryable());
    EXPECT_TRUE(token.error().message.contains(c.message)) << token.error().message;
    EXPECT_FALSE(token.error().message.contains("t0ken"));
  }
}

class Session : public ::testing::Test {
 protected:
  ~Session() override {
    client.cancel_all();
    context.restart();
    context.run();
  }

  /// What so many that ask at once are told.
  std::vector<base::Result<std::string>> ask(std::size_t count = 1, std::chrono::milliseconds timeout = 10s) {
    std::vector<base::Result<std::string>> answers;
    for (std::size_t i = 0; i < count; ++i) {
      asio::co_spawn(context, OAuth2Session::token(session, client, clock, timeout),
                     [&](std::exception_ptr thrown, base::Result<std::string> token) {
                       if (thrown) std::rethrow_exception(thrown);
                       answers.push_back(std::move(token));
                     });
    }
    while (answers.size() < count) {
      context.restart();
      context.run_one();
    }
    return answers;
  }
  std::string asked() { return ask()[0].value_or("(none)"); }

  void grant(std::string_view token, int expires_in) {
    server.on("/token").answer(200, "Content-Type: application/json",
                               R"({"access_token":")" + std::string(token) + R"(","expires_in":)" +
                                   std::to_string(expires_in) + "}");
  }

  ::testing::Imposter server;
  ::testing::FakeClock clock;
  asio::io_context context{1};
  http::EgressGuard guard{http::EgressGuard::parse_allow("127.0.0.1").value()};
  http::Client client{context.get_executor(), guard, {}};
  std::shared_ptr<OAuth2Session> session = std::make_shared<OAuth2Session>(make_config(server.url("/token")));
};

TEST_F(Session, asks_once_for_fifty_that_want_a_token_at_once) {
  ::testing::Reply reply = ::testing::make_answer(200, "", R"({"access_token":"one","expires_in":3600})");
  reply.delay = 50ms;
  server.on("/token").reply(std::move(reply));

  for (const auto& answer : ask(50)) EXPECT_EQ(answer.value_or("(none)"), "one");

  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(Session, keeps_a_token_until_shortly_before_it_ends) {
  grant("one", 3600);
  grant("two", 100);
  grant("three", 0);
  grant("four", 0);

  EXPECT_EQ(asked(), "one");
  clock.advance(3539s);
  EXPECT_EQ(asked(), "one");
  clock.advance(1s);
  EXPECT_EQ(asked(), "two");
  clock.advance(89s);
  EXPECT_EQ(asked(), "two");
  clock.advance(1s);
  EXPECT_EQ(asked(), "three");
  EXPECT_EQ(asked(), "four");
}

TEST_F(Session, forgets_a_token_that_was_refused_and_no_newer_one) {
  grant("one", 3600);
  grant("two", 3600);
  ASSERT_EQ(asked(), "one");

  session->drop("one");
  EXPECT_EQ(asked(), "two");
  session->drop("one");
  EXPECT_EQ(asked(), "two");
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(Session, tells_all_that_wait_of_a_failure_and_asks_again_the_next_time) {
  ::testing::Reply reply = ::testing::make_answer(401, "", R"({"error":"invalid_client"})");
  reply.delay = 50ms;
  server.on("/token").reply(std::move(reply));
  grant("one", 3600);

  for (const auto& answer : ask(20)) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().reason, "OAUTH2_TOKEN");
  }
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(asked(), "one");
}

TEST_F(Session, gives_up_where_the_server_is_silent_huge_or_gone) {
  server.on("/silent").end(Ending::hang);
  server.on("/huge").answer(200, "", R"({"access_token":"one","x":")" + std::string(100'000, 'x') + R"("})");
  server.on("/gone").end(Ending::reset);
  for (const auto& [path, timeout, message] : {std::tuple("/silent", 100ms, "READ_TIMEOUT"),
                                               {"/huge", 10000ms, "more than 64 KiB"},
                                               {"/gone", 10000ms, "cannot be asked"}}) {
    session = std::make_shared<OAuth2Session>(make_config(server.url(path)));
    const auto answer = ask(1, timeout);
    ASSERT_FALSE(answer[0]) << path;
    EXPECT_TRUE(answer[0].error().message.contains(message)) << answer[0].error().message;
  }
}

TEST_F(Session, is_not_fetched_from_where_nobody_may_be_sent_to) {
  session = std::make_shared<OAuth2Session>(make_config("http://127.0.0.2:9/token"));

  EXPECT_TRUE(ask()[0].error().message.contains("SSRF_BLOCKED"));
}

}  // namespace

}  // namespace outbound
