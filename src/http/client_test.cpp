#include "http/client.hpp"

#include <gtest/gtest.h>

#include "http/client_fixture.hpp"
#include "testing/imposter.hpp"

namespace http {

namespace {

using namespace std::chrono_literals;
using ::testing::Ending;
using ::testing::Imposter;
using ::testing::ImposterRequest;
using ::testing::make_answer;

std::vector<std::string> header_names(const ImposterRequest& request) {
  std::vector<std::string> names;
  for (const auto& [name, value] : request.headers) names.push_back(name);
  std::ranges::sort(names);
  return names;
}

TEST(Client, gives_status_headers_and_body_of_the_answer) {
  Imposter peer;
  peer.on("/hook").answer(201, "X-Id: 7\r\nSet-Cookie: a=1\r\nSET-COOKIE:  b=2 ", "made");
  ClientFixture fixture;

  const OutboundResponse response = fixture.get(peer.url("/hook"));

  EXPECT_EQ(response.failure, Failure::none) << response.error;
  EXPECT_EQ(response.error, "");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "made");
  EXPECT_FALSE(response.body_truncated);
  EXPECT_EQ(response.remote_ip, "127.0.0.1");
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"x-id", "7"}, {"set-cookie", "a=1"}, {"set-cookie", "b=2"}, {"content-length", "4"}};
  EXPECT_EQ(response.headers, expected);
  EXPECT_EQ(response.header("x-id"), "7");
  EXPECT_EQ(response.header("absent"), "");
}

TEST(Client, connects_to_what_dns_calls_an_international_name) {
  Imposter peer;
  ClientFixture fixture;

  const OutboundResponse response =
      fixture.get("http://\xe2\x93\x9bocalhost:" + std::to_string(peer.port()) + "/a");

  EXPECT_EQ(response.failure, Failure::none) << response.error;
  ASSERT_EQ(peer.requests().size(), 1u);
  EXPECT_EQ(peer.requests()[0].header("host"), "localhost:" + std::to_string(peer.port()));
  EXPECT_EQ(fixture.get("http://\xff.example/").failure, Failure::internal);
}

TEST(Client, sends_method_target_headers_and_body) {
  Imposter peer;
  ClientFixture fixture;

  fixture.send(
      {.method = "POST",
       .url = peer.url("/a/b?x=%2F&y="),
       .headers = {"Content-Type: application/json", "webhook-id: 1", "X-Empty:", "Accept: text/plain"},
       .body = make_body("{}")});

  ASSERT_EQ(peer.requests().size(), 1u);
  const ImposterRequest request = peer.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/a/b?x=%2F&y=");
  EXPECT_EQ(request.body, "{}");
  EXPECT_EQ(request.header("content-type"), "application/json");
  EXPECT_EQ(request.header("webhook-id"), "1");
  EXPECT_EQ(request.header("accept"), "text/plain");
  const std::vector<std::string> names = {"accept", "content-length", "content-type",
                                          "host",   "webhook-id",     "x-empty"};
  EXPECT_EQ(header_names(request), names);
}

TEST(Client, adds_no_headers_but_host_and_content_length) {
  Imposter peer;
  ClientFixture fixture;

  fixture.get(peer.url());
  fixture.send({.method = "POST", .url = peer.url(), .body = make_body(std::string(3 << 20, 'x'))});

  ASSERT_EQ(peer.requests().size(), 2u);
  EXPECT_EQ(header_names(peer.requests()[0]), std::vector<std::string>{"host"});
  EXPECT_EQ(header_names(peer.requests()[1]), (std::vector<std::string>{"content-length", "host"}));
  EXPECT_EQ(peer.requests()[1].body.size(), 3u << 20);
}

TEST(Client, sends_every_method_with_and_without_a_body) {
  Imposter peer;
  peer.on("/m").answer(200, "", "answer");
  ClientFixture fixture;
  const std::vector<std::string> methods = {"GET",   "HEAD",   "POST",    "PUT",
                                            "PATCH", "DELETE", "OPTIONS", "PURGE"};
  for (const std::string& method : methods) {
    for (const bool with_body : {true, false, true}) {
      const auto response = fixture.send(
          {.method = method, .url = peer.url("/m"), .body = with_body ? make_body("request") : nullptr});

      SCOPED_TRACE(method + (with_body ? " with" : " without") + " a body");
      EXPECT_EQ(response.failure, Failure::none) << response.error;
      EXPECT_EQ(response.status, 200);
      EXPECT_EQ(response.body, method == "HEAD" ? "" : "answer");
      const ImposterRequest request = peer.requests().back();
      EXPECT_EQ(request.method, method);
      EXPECT_EQ(request.body, with_body ? "request" : "");
      const bool says_zero = method == "POST" || method == "PUT" || method == "PATCH";
      EXPECT_EQ(request.header("content-length"), with_body ? "7" : says_zero ? "0" : "");
    }
  }
  EXPECT_EQ(peer.requests().size(), 3 * methods.size());
}

TEST(Client, sends_one_shared_body_many_times) {
  Imposter peer;
  ClientFixture fixture;
  const auto body = make_body("shared");

  fixture.send_all(20, {.url = peer.url(), .body = body});

  EXPECT_EQ(peer.requests().size(), 20u);
  for (const ImposterRequest& request : peer.requests()) EXPECT_EQ(request.body, "shared");
  EXPECT_EQ(body.use_count(), 1);
}

TEST(Client, asks_for_the_target_that_parse_target_tells) {
  Imposter peer;
  ClientFixture fixture;
  for (const std::string target : {"/", "", "?", "/?", "?a=b", "/a/../b", "/a/./b//c", "/%2e%2e/a",
                                   "/a;b=c,d", "/a?b?c", "/a|b", "/a/..", "/'\"<>{}"}) {
    const std::string url = "http://127.0.0.1:" + std::to_string(peer.port()) + target;

    const OutboundResponse response = fixture.get(url);

    EXPECT_EQ(response.failure, Failure::none) << url << " " << response.error;
    EXPECT_EQ(peer.requests().back().target, parse_target(url).value().path_and_query) << url;
  }
}

TEST(Client, keeps_a_connection_for_the_next_request) {
  Imposter peer;
  ClientFixture fixture;

  const OutboundResponse first = fixture.get(peer.url("/1"));
  const OutboundResponse second = fixture.get(peer.url("/2"));

  EXPECT_EQ(peer.connections(), 1u);
  EXPECT_EQ(peer.requests().size(), 2u);
  EXPECT_GT(first.timings.connect_us, 0);
  EXPECT_GT(first.timings.first_byte_us, 0);
  EXPECT_GE(first.timings.total_us, first.timings.first_byte_us);
  EXPECT_EQ(second.timings.connect_us, 0);
  EXPECT_EQ(second.timings.dns_us, 0);
  EXPECT_GT(second.timings.total_us, 0);
}

TEST(Client, opens_a_connection_where_the_kept_one_was_closed_while_idle) {
  Imposter peer;
  const testing::Reply answer = make_answer(200);
  peer.on("/").reply({.head = answer.head, .ending = Ending::close});
  ClientFixture fixture;
  for (std::size_t i = 1; i <= 5; ++i) {
    const OutboundResponse response =
        fixture.send({.url = peer.url(), .body = make_body("x"), .repeatable = false});

    EXPECT_EQ(response.failure, Failure::none) << response.error;
    ASSERT_TRUE(peer.wait_for_ended(i));
  }
  EXPECT_EQ(peer.connections(), 5u);
  EXPECT_EQ(peer.requests().size(), 5u);
}

TEST(Client, takes_no_bytes_for_an_answer_that_came_before_the_request) {
  Imposter peer;
  peer.on("/").answer(200, "", "true");
  ClientFixture fixture;
  fixture.get(peer.url());
  peer.say(0, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfake");

  const OutboundResponse response = fixture.get(peer.url());

  EXPECT_EQ(response.body, "true");
  EXPECT_EQ(peer.connections(), 2u);
}

TEST(Client, sends_again_where_the_kept_connection_ends_without_an_answer) {
  for (const Ending ending : {Ending::close, Ending::reset}) {
    Imposter peer;
    peer.on("/").answer(200).end(ending).answer(202);
    ClientFixture fixture;
    fixture.get(peer.url());

    const OutboundResponse response = fixture.send({.url = peer.url(), .body = make_body("again")});

    EXPECT_EQ(response.failure, Failure::none) << response.error;
    EXPECT_EQ(response.status, 202);
    EXPECT_EQ(response.sendings, 2);
    ASSERT_EQ(peer.requests().size(), 3u);
    EXPECT_EQ(peer.requests()[1].body, "again");
    EXPECT_EQ(peer.requests()[2].body, "again");
    EXPECT_EQ(peer.connections(), 2u);
  }
}

TEST(Client, sends_nothing_twice_that_may_not_be_repeated) {
  for (const Ending ending : {Ending::close, Ending::reset}) {
    Imposter peer;
    peer.on("/").answer(200).end(ending).answer(202);
    ClientFixture fixture;
    fixture.get(peer.url());

    const auto response = fixture.send({.url = peer.url(), .body = make_body("once"), .repeatable = false});

    EXPECT_EQ(response.failure, Failure::read);
    EXPECT_NE(response.error, "");
    EXPECT_EQ(response.sendings, 1);
    EXPECT_EQ(peer.requests().size(), 2u);
  }
}

TEST(Client, answers_two_hundred_requests_at_once) {
  Imposter peer;
  peer.on("/").answer(200, "", "ok");
  ClientFixture fixture;

  const std::vector<OutboundResponse> responses =
      fixture.send_all(200, {.url = peer.url(), .body = make_body("x")});

  for (const OutboundResponse& response : responses) {
    EXPECT_EQ(response.failure, Failure::none) << response.error;
    EXPECT_EQ(response.body, "ok");
  }
  EXPECT_EQ(peer.requests().size(), 200u);
  EXPECT_EQ(fixture.client().active(), 0u);
}

TEST(Client, lets_requests_wait_for_a_connection) {
  Imposter peer;
  ClientFixture fixture({.connections_max = 3});

  const std::vector<OutboundResponse> responses = fixture.send_all(50, {.url = peer.url()});

  for (const OutboundResponse& response : responses)
    EXPECT_EQ(response.failure, Failure::none) << response.error;
  EXPECT_EQ(peer.requests().size(), 50u);
  EXPECT_LE(peer.connections(), 3u);
}

TEST(Client, gives_up_a_request_that_waits_too_long_for_a_connection) {
  Imposter peer;
  peer.on("/hang").end(Ending::hang);
  ClientFixture fixture({.connections_max = 1});
  const std::size_t hanging = fixture.start({.url = peer.url("/hang")});

  const OutboundResponse response = fixture.send({.url = peer.url(), .total_timeout = 50ms});

  EXPECT_EQ(response.failure, Failure::connect_timeout);
  EXPECT_FALSE(fixture.answer(hanging));
  EXPECT_EQ(fixture.client().active(), 1u);
}

TEST(Client, keeps_no_more_idle_connections_than_told) {
  Imposter peer;
  ClientFixture fixture({.idle_connections_max = 4});
  peer.on("/slow").reply({.delay = 20ms, .head = make_answer(200).head});

  fixture.send_all(30, {.url = peer.url("/slow")});

  EXPECT_EQ(peer.connections(), 30u);
  EXPECT_TRUE(peer.wait_for_ended(25));
  fixture.send_all(4, {.url = peer.url("/slow")});
  EXPECT_LE(peer.connections(), 31u);
}

TEST(Client, ignores_proxies_of_the_environment) {
  setenv("http_proxy", "http://127.0.0.1:1/", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
  Imposter peer;
  ClientFixture fixture;

  EXPECT_EQ(fixture.get(peer.url()).failure, Failure::none);

  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
}

TEST(Client, follows_no_redirect) {
  Imposter elsewhere;
  Imposter peer;
  for (const int status : {301, 302, 303, 307, 308}) {
    peer.on("/").redirect(elsewhere.url(), status);
    peer.on("/").redirect("http://169.254.169.254/latest/meta-data/", status);
    peer.on("/").redirect("//[not a url", status);
  }
  ClientFixture fixture;
  for (const int status : {301, 302, 303, 307, 308}) {
    for (const std::string& location :
         {elsewhere.url(), std::string("http://169.254.169.254/latest/meta-data/"),
          std::string("//[not a url")}) {
      const OutboundResponse response = fixture.get(peer.url());

      EXPECT_EQ(response.failure, Failure::none) << response.error;
      EXPECT_EQ(response.status, status);
      EXPECT_EQ(response.header("location"), location);
    }
  }
  EXPECT_EQ(elsewhere.connections(), 0u);
}

TEST(Client, inflates_nothing) {
  Imposter peer;
  // A bomb that is cut: each such block stands for 258 bytes of the one before it.
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
  const std::string start("\x1f\x8b\x08\0\0\0\0\0\0\x03\xec\xc1", 12);
  peer.on("/").answer(200, "Content-Encoding: gzip", "\x1f\x8b plain");
  peer.on("/bomb").reply({.head = head, .body = start, .endless = std::string(4096, '\0')});
  ClientFixture fixture;

  EXPECT_EQ(fixture.get(peer.url()).body, "\x1f\x8b plain");
  const OutboundResponse bomb = fixture.get(peer.url("/bomb"));
  EXPECT_EQ(bomb.failure, Failure::none) << bomb.error;
  EXPECT_EQ(bomb.body.size(), base::limits::kResponseBodyBytesMax);
  EXPECT_TRUE(bomb.body.starts_with(start));
  EXPECT_TRUE(bomb.body_truncated);
}

TEST(Client, takes_nothing_behind_an_answer_for_the_next_one) {
  const std::string promised = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  for (const std::string surplus : {"more", "HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n"}) {
    Imposter peer;
    peer.on("/").raw(promised + surplus);
    ClientFixture fixture;

    for (int i = 0; i < 3; ++i) {
      const OutboundResponse response = fixture.get(peer.url());
      EXPECT_EQ(response.status, 200);
      EXPECT_EQ(response.body, "ok") << response.error;
    }
    EXPECT_EQ(peer.connections(), 3u) << "a connection with a surplus is not used again";
  }
}

TEST(Client, reads_bodies_however_their_end_is_told) {
  Imposter peer;
  peer.on("/chunked")
      .raw(
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: "
          "1\r\n\r\n");
  peer.on("/close").raw("HTTP/1.0 200\r\n\r\nabcde", Ending::close);
  peer.on("/none").raw("HTTP/1.1 204 No Content\r\n\r\n");
  ClientFixture fixture;

  const OutboundResponse chunked = fixture.get(peer.url("/chunked"));
  const OutboundResponse closed = fixture.get(peer.url("/close"));
  const OutboundResponse none = fixture.get(peer.url("/none"));

  EXPECT_EQ(chunked.body, "abcde");
  EXPECT_EQ(chunked.header("t"), "") << "a trailer is not a header";
  EXPECT_EQ(closed.body, "abcde");
  EXPECT_EQ(closed.failure, Failure::none);
  EXPECT_EQ(none.status, 204);
  EXPECT_EQ(none.body, "");
}

TEST(Client, passes_interim_answers_over) {
  Imposter peer;
  peer.on("/").raw(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  ClientFixture fixture;

  const OutboundResponse response = fixture.get(peer.url());

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("link"), "");
  EXPECT_EQ(response.body, "ok");
}

TEST(Client, joins_folded_header_lines) {
  Imposter peer;
  peer.on("/").answer(200, "X-Long: one\r\n\t two\r\nX-Next: three");
  ClientFixture fixture;

  const OutboundResponse response = fixture.get(peer.url());

  EXPECT_EQ(response.header("x-long"), "one two");
  EXPECT_EQ(response.header("x-next"), "three");
}

TEST(Client, cuts_a_body_at_its_limit_and_closes_the_connection) {
  Imposter peer;
  const std::string limit(base::limits::kResponseBodyBytesMax, 'x');
  peer.on("/full").answer(200, "", limit);
  peer.on("/over").answer(200, "", limit + "y");
  peer.on("/endless").reply({.head = "HTTP/1.1 200 OK\r\n\r\n", .endless = std::string(10000, 'z')});
  ClientFixture fixture;

  const OutboundResponse full = fixture.get(peer.url("/full"));
  const OutboundResponse over = fixture.get(peer.url("/over"));
  const OutboundResponse endless = fixture.get(peer.url("/endless"));

  EXPECT_EQ(full.body, limit);
  EXPECT_FALSE(full.body_truncated);
  for (const OutboundResponse& response : {over, endless}) {
    EXPECT_EQ(response.failure, Failure::none) << response.error;
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body.size(), limit.size());
    EXPECT_TRUE(response.body_truncated);
  }
  EXPECT_TRUE(peer.wait_for_ended(2));
}

TEST(Client, talks_to_an_ipv6_peer) {
  Imposter peer({.address = "::1"});
  ClientFixture fixture;

  const OutboundResponse response = fixture.get(peer.url());

  EXPECT_EQ(response.failure, Failure::none) << response.error;
  EXPECT_EQ(response.remote_ip, "::1");
  EXPECT_EQ(peer.requests()[0].header("host"), "[::1]:" + std::to_string(peer.port()));
}

TEST(Client, may_be_destroyed_by_the_coroutine_that_it_resumed) {
  Imposter peer;
  asio::io_context context(1);
  const EgressGuard guard(EgressGuard::parse_allow("127.0.0.1").value());
  int status = 0;
  asio::co_spawn(
      context,
      [](const EgressGuard& with, std::string url, int& into) -> asio::awaitable<void> {
        Client client(co_await asio::this_coro::executor, with, {});
        into = (co_await client.send({.url = std::move(url)})).status;
      }(guard, peer.url(), status),
      asio::detached);

  context.run();

  EXPECT_EQ(status, 200);
}

}  // namespace

}  // namespace http
