#include "http/server.hpp"

#include <gtest/gtest.h>

#include "http/server_fixture.hpp"
#include "testing/eventually.hpp"

namespace http {

namespace {

using namespace std::chrono_literals;
using ::testing::eventually;

TEST(Server, hands_a_request_to_the_application_as_it_came) {
  ServerFixture fixture;
  RawClient client(fixture.port());

  client.ask(
      "POST /echo?a=%41&b?c HTTP/1.1\r\nHost: x.test:80\r\nX-Id:  7 \r\nx-id: 8\r\n"
      "Content-Length: 4\r\n\r\nbody");

  ASSERT_EQ(fixture.requests().size(), 1u);
  const SeenRequest request = fixture.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/echo?a=%41&b?c");
  EXPECT_EQ(request.path, "/echo");
  EXPECT_EQ(request.query, "a=%41&b?c");
  EXPECT_EQ(request.body, "body");
  EXPECT_EQ(request.remote_ip, "127.0.0.1");
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"Host", "x.test:80"}, {"X-Id", "7"}, {"x-id", "8"}, {"Content-Length", "4"}};
  EXPECT_EQ(request.headers, headers);
}

TEST(Server, answers_with_status_headers_and_body) {
  ServerFixture fixture;
  RawClient client(fixture.port());

  const RawAnswer answer = client.ask(make_get("/echo?a=1"));

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.head.substr(0, 17), "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(answer.header("Content-Type"), "text/plain");
  EXPECT_EQ(answer.header("Content-Length"), "14");
  EXPECT_EQ(answer.header("Date").size(), std::string_view("Sun, 06 Nov 1994 08:49:37 GMT").size());
  EXPECT_EQ(answer.header("Connection"), "(absent)");
  EXPECT_EQ(answer.body, "GET /echo?a=1 ");
}

TEST(Server, answers_requests_of_one_packet_one_after_the_other) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send(make_get("/hold") + make_post_of("two") + make_get("/echo?3"));
  ASSERT_TRUE(eventually([&] { return fixture.holding(); }));

  EXPECT_EQ(fixture.requests().size(), 1u);
  EXPECT_EQ(fixture.on_server(ServerFixture::deadline), base::Deadline::max()) << "no deadline counts now";
  fixture.release();

  EXPECT_EQ(client.read_answer().body, "GET /hold ");
  EXPECT_EQ(client.read_answer().body, "POST /echo two");
  EXPECT_EQ(client.read_answer().body, "GET /echo?3 ");
}

TEST(Server, takes_chunked_bodies_also_byte_by_byte) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  const std::string chunked = "Transfer-Encoding: chunked\r\n";

  EXPECT_EQ(
      client.ask(make_post(chunked, "5\r\nHello\r\n1;name=\"v\"\r\n,\r\nA\r\n0123456789\r\n0\r\n\r\n")).body,
      "POST /echo Hello,0123456789");
  for (const char byte : make_post(chunked, "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")) client.send({&byte, 1});
  EXPECT_EQ(client.read_answer().body, "POST /echo abc");
  EXPECT_EQ(client.ask(make_get("/echo?next")).body, "GET /echo?next ");
}

TEST(Server, takes_no_fields_from_the_end_of_a_chunked_body_for_headers) {
  ServerFixture fixture;
  RawClient client(fixture.port());

  const RawAnswer answer = client.ask(
      make_post("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\nAuthorization: Bearer late\r\n\r\n"));

  EXPECT_EQ(answer.body, "POST /echo x");
  ASSERT_EQ(fixture.requests().size(), 1u);
  EXPECT_EQ(fixture.requests()[0].header("Authorization"), "(absent)");
}

TEST(Server, takes_a_body_of_the_largest_size_and_refuses_one_byte_more) {
  ServerFixture fixture({.body_bytes_max = 2000});
  RawClient client(fixture.port());
  const std::string chunk = "3e8\r\n" + std::string(1000, 'x') + "\r\n";
  const auto chunked = [&](const std::string& last) {
    return make_post("Transfer-Encoding: chunked\r\n", chunk + last + "0\r\n\r\n");
  };

  EXPECT_EQ(client.ask(make_post_of(std::string(2000, 'x'))).status, 200);
  EXPECT_EQ(client.ask(chunked(chunk)).status, 200);
  EXPECT_EQ(final_status(fixture, make_post_of(std::string(2001, 'x'))), 413);
  EXPECT_EQ(final_status(fixture, chunked(chunk + "1\r\ny\r\n")), 413);
  EXPECT_EQ(fixture.requests().size(), 2u);
}

TEST(Server, refuses_a_body_by_its_length_and_lets_a_peer_that_sends_it_read_so) {
  ServerFixture fixture;
  RawClient client(fixture.port());

  const RawAnswer answer = client.ask(make_post("Content-Length: 1048577\r\n"));

  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(answer.body, "the body is larger than this server accepts");
  EXPECT_EQ(final_status(fixture, make_post("Content-Length: 18446744073709551615\r\n")), 413);
  EXPECT_EQ(final_status(fixture, make_post("Content-Length: 1048577\r\n", std::string(100'000, 'x'))), 413);
}

TEST(Server, asks_for_a_body_that_is_expected_to_be_wanted) {
  ServerFixture fixture;
  RawClient client(fixture.port());

  client.send(make_post("Content-Length: 4\r\nExpect: 100-Continue\r\n"));
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.ask("body").body, "POST /echo body");
}

TEST(Server, does_not_ask_for_a_body_that_is_too_large_or_there_already_or_empty) {
  ServerFixture fixture({.body_bytes_max = 1000});
  const std::string expect = "Expect: 100-continue\r\n";
  RawClient client(fixture.port());

  EXPECT_EQ(final_status(fixture, make_post(expect + "Content-Length: 1001\r\n")), 413);
  EXPECT_EQ(client.ask(make_post(expect + "Content-Length: 4\r\n", "body")).body, "POST /echo body");
  EXPECT_EQ(client.ask(make_post(expect + "Content-Length: 0\r\n")).body, "POST /echo ");
}

TEST(Server, does_not_send_100_to_http_1_0) {  // RFC 9110, 10.1.1
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return fixture.is_within(base::limits::kBodyDeadline); }));

  EXPECT_EQ(client.ask("body").status, 200);
}

TEST(Server, refuses_a_header_that_is_too_large) {
  ServerFixture fixture;
  std::string many;
  for (int i = 0; i < 100; ++i) many += "X: y\r\n";

  EXPECT_EQ(final_status(fixture, make_get("/echo", "X: " + std::string(33 << 10, 'x') + "\r\n")), 431);
  EXPECT_EQ(final_status(fixture, "GET /echo HTTP/1.1\r\nX: " + std::string(40 << 10, 'x')), 431);
  EXPECT_EQ(final_status(fixture, make_get("/echo", many)), 431);
  EXPECT_EQ(final_status(fixture, make_get("/" + std::string(8 << 10, 'x'))), 414);
  EXPECT_TRUE(fixture.requests().empty());
  RawClient client(fixture.port());
  EXPECT_EQ(client.ask(make_get("/echo", many.substr(6))).status, 200);
  EXPECT_EQ(client.ask(make_get("/echo", "X: " + std::string(31 << 10, 'x') + "\r\n")).status, 200);
  EXPECT_EQ(client.ask(make_get("/" + std::string((8 << 10) - 1, 'x'))).status, 404);
}

TEST(Server, refuses_what_is_not_well_formed) {
  ServerFixture fixture;
  const std::string get = "GET /echo HTTP/1.1\r\n";
  const struct {
    const char* what;
    std::string bytes;
    int status;
  } cases[] = {
      {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 400},
      {"a lone word", "GET\r\n\r\n", 400},
      {"no target", "GET  HTTP/1.1\r\n\r\n", 400},
      {"a control character", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"an asterisk but for OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"an authority", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"version 2", "GET /echo HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"no host", get + "\r\n", 400},
      {"two hosts", get + "Host: a\r\nHost: b\r\n\r\n", 400},
      {"no colon", get + "Host: a\r\nHeader\r\n\r\n", 400},
      {"a blank before the colon", get + "Host: a\r\nX : y\r\n\r\n", 400},
      {"a NUL", get + std::string("Host: a\r\nX: \0\r\n\r\n", 16), 400},
      {"a lone line feed", get + "Host: a\nX: y\r\n\r\n", 400},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(final_status(fixture, c.bytes), c.status);
  }
  EXPECT_TRUE(fixture.requests().empty());
}

TEST(Server, takes_a_blank_in_the_target_for_malformed_not_for_another_version) {  // RFC 9112, 3
  ServerFixture fixture;
  EXPECT_EQ(final_status(fixture, make_get("/a b")), 400);
}

TEST(Server, refuses_bodies_whose_end_is_in_doubt) {
  ServerFixture fixture;
  const std::string chunks = "1\r\nx\r\n0\r\n\r\n";
  const struct {
    const char* headers;
    std::string body;
  } cases[] = {
      {"Content-Length: 11\r\nTransfer-Encoding: chunked\r\n", chunks},
      {"Transfer-Encoding: chunked\r\nContent-Length: 11\r\n", chunks},
      {"Content-Length: 1\r\nContent-Length: 2\r\n", "xy"},
      {"Content-Length: -1\r\n", ""},
      {"Content-Length: 1x\r\n", "x"},
      {"Content-Length: 99999999999999999999\r\n", "x"},
      {"Transfer-Encoding: chunked\r\n", "x\r\n"},
      {"Transfer-Encoding: chunked\r\n", "1\r\nxy\r\n0\r\n\r\n"},
      {"Transfer-Encoding: chunked\r\n", "-1\r\nx\r\n0\r\n\r\n"},
      {"Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nx\r\n0\r\n\r\n"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.headers + c.body);
    EXPECT_EQ(final_status(fixture, make_post(c.headers, c.body)), 400);
  }
  EXPECT_TRUE(fixture.requests().empty());
}

TEST(Server, refuses_transfer_codings_of_http_1_0) {  // RFC 9112, 6.1
  ServerFixture fixture;
  const std::string sent =
      "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: "
      "chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";

  EXPECT_EQ(final_status(fixture, sent + make_get("/echo?never")), 400);
  EXPECT_TRUE(fixture.requests().empty());
}

TEST(Server, writes_no_body_where_the_status_has_none) {  // RFC 9110, 15.3.5, 15.3.6 and 15.4.5
  ServerFixture fixture;
  RawClient client(fixture.port());
  for (const char* status : {"204", "205", "304"}) {
    SCOPED_TRACE(status);
    client.send(make_get("/bodiless?" + std::string(status)) + make_get("/echo?next"));

    const RawAnswer head{.head = client.read_head()};

    EXPECT_EQ(head.head.substr(0, 12), "HTTP/1.1 " + std::string(status));
    EXPECT_EQ(head.header("Content-Type"), "(absent)");
    EXPECT_EQ(client.read_answer().body, "GET /echo?next ");
  }
}

// RFC 9112, 6.1 and 6.3: otherwise the end of the body is a matter of opinion (request smuggling).
TEST(Server, refuses_transfer_codings_that_do_not_end_in_chunked_or_that_it_does_not_know) {
  ServerFixture fixture;
  for (const char* headers :
       {"Transfer-Encoding: gzip\r\n", "Transfer-Encoding: identity\r\nContent-Length: 1\r\n",
        "Transfer-Encoding: chunked, identity\r\nContent-Length: 1\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n"}) {
    const int status = final_status(fixture, make_post(headers, "1\r\nx\r\n0\r\n\r\n"));

    EXPECT_TRUE(status == 400 || status == 501) << headers << " gives " << status;
  }
  EXPECT_TRUE(fixture.requests().empty());
}

TEST(Server, closes_after_the_answer_where_the_peer_asks_for_it_or_speaks_http_1_0) {
  ServerFixture fixture;

  EXPECT_EQ(final_status(fixture, make_get("/echo", "Connection: close\r\n") + make_get("/echo?never")), 200);
  EXPECT_EQ(final_status(fixture, "GET /echo HTTP/1.0\r\n\r\n"), 200);
  EXPECT_EQ(fixture.requests().size(), 2u);
}

TEST(Server, tells_http_1_0_whether_it_keeps_the_connection) {  // RFC 9112, 9.3
  ServerFixture fixture;
  RawClient client(fixture.port());
  const std::string request = "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";

  const std::string said = client.ask(request).header("Connection");

  EXPECT_EQ(said, client.ask(request).status == 200 ? "keep-alive" : "close");
}

TEST(Server, answers_head_without_a_body) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send("HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n" + make_get("/echo?next"));

  const std::string head = client.read_head();

  EXPECT_EQ((RawAnswer{.head = head}.header("Content-Length")), "11");
  EXPECT_EQ(client.read_head().substr(0, 17), "HTTP/1.1 200 OK\r\n");
}

TEST(Server, refuses_a_head_without_a_body) {  // RFC 9110, 9.3.2
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send("HEAD /echo HTTP/1.1\r\n\r\n");

  EXPECT_EQ(client.read_head().substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(Server, skips_an_empty_line_before_a_request) {  // RFC 9112, 2.2
  ServerFixture fixture;
  RawClient client(fixture.port());

  EXPECT_EQ(client.ask("\r\n" + make_get("/echo")).status, 200);
}

TEST(Server, keeps_the_connection_whatever_the_application_answers_and_also_where_it_throws) {
  ServerFixture fixture;
  RawClient client(fixture.port());

  EXPECT_EQ(client.ask(make_get("/none")).status, 404);
  const RawAnswer refused = client.ask("PURGE /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.header("Allow"), "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(fixture.requests()[1].method, "PURGE");
  const RawAnswer thrown = client.ask(make_get("/throw"));
  EXPECT_EQ(thrown.status, 500);
  EXPECT_EQ(thrown.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(thrown.body, "this is a defect of the server; its log has the details");
  EXPECT_EQ(client.ask(make_get("/echo")).status, 200);
  EXPECT_EQ(fixture.connections(), 1u);
}

TEST(ServerDeadline, ends_an_idle_connection_without_a_word) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.ask(make_get("/echo"));
  ASSERT_TRUE(eventually([&] { return fixture.is_within(base::limits::kIdleDeadline); }));

  fixture.let_deadline_pass();

  EXPECT_EQ(client.read_to_end(), "");
}

TEST(ServerDeadline, refuses_a_header_or_a_body_that_does_not_arrive) {
  const struct {
    std::string bytes;
    std::chrono::seconds deadline;
    std::string detail;
  } cases[] = {
      {"GET /echo HT", base::limits::kHeaderDeadline, "the header did not arrive within 10 s"},
      {make_post("Content-Length: 9\r\n", "half"), base::limits::kBodyDeadline,
       "the body did not arrive within 30 s"},
      {make_post("Transfer-Encoding: chunked\r\n", "9\r\nhalf"), base::limits::kBodyDeadline,
       "the body did not arrive within 30 s"},
      {make_post("Content-Length: 9\r\nExpect: 100-continue\r\n"), base::limits::kBodyDeadline,
       "the body did not arrive within 30 s"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.bytes);
    ServerFixture fixture;
    RawClient client(fixture.port());
    client.send(c.bytes);
    ASSERT_TRUE(eventually([&] { return fixture.is_within(c.deadline); }));
    if (c.bytes.find("Expect") != std::string::npos) client.read_head();

    fixture.let_deadline_pass();

    const RawAnswer answer = client.read_answer();
    EXPECT_EQ(answer.status, 408);
    EXPECT_EQ(answer.body, c.detail);
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_TRUE(fixture.requests().empty());
  }
}

TEST(ServerDeadline, is_not_put_off_by_bytes_that_trickle) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send("GET /echo HTTP/1.1\r\n");
  ASSERT_TRUE(eventually([&] { return fixture.is_within(base::limits::kHeaderDeadline); }));
  fixture.let_deadline_pass();

  for (int i = 0; i < 20; ++i) client.send("X: y\r\n");

  EXPECT_EQ(client.read_answer().status, 408);
}

TEST(ServerDeadline, gives_up_on_a_peer_that_takes_no_answer) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send(make_get("/big"));
  ASSERT_TRUE(eventually([&] { return fixture.is_within(base::limits::kWriteDeadline); }));

  fixture.let_deadline_pass();

  EXPECT_TRUE(eventually([&] { return fixture.connections() == 0; }));
}

TEST(ServerPeer, may_go_away_at_any_time) {
  for (const std::string& bytes :
       {std::string(), std::string("GET /ec"), make_get("/echo"), make_post("Content-Length: 9\r\n", "half"),
        make_post("Content-Length: 9\r\nExpect: 100-continue\r\n"), make_get("/big")}) {
    for (const bool by_reset : {true, false}) {
      SCOPED_TRACE(bytes + (by_reset ? " RST" : " FIN"));
      ServerFixture fixture;
      RawClient client(fixture.port());
      client.send(bytes);
      ASSERT_TRUE(eventually([&] { return fixture.connections() == 1; }));

      by_reset ? client.reset() : client.end();

      EXPECT_TRUE(eventually([&] { return fixture.connections() == 0; }));
      EXPECT_EQ(RawClient(fixture.port()).ask(make_get("/echo")).status, 200);
    }
  }
}

TEST(ServerPeer, gets_no_answer_where_it_ends_its_side_in_the_middle) {
  ServerFixture fixture;
  for (const std::string& bytes : {std::string("GET /ec"), make_post("Content-Length: 9\r\n", "half")}) {
    RawClient client(fixture.port());
    client.send(bytes);
    client.shutdown_send();
    EXPECT_EQ(client.read_to_end(), "") << bytes;
  }
}

TEST(ServerPeer, may_go_away_while_the_application_works) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send(make_get("/hold") + make_get("/echo?never"));
  ASSERT_TRUE(eventually([&] { return fixture.holding(); }));

  client.reset();
  fixture.release();

  EXPECT_TRUE(eventually([&] { return fixture.connections() == 0; }));
  EXPECT_EQ(RawClient(fixture.port()).ask(make_get("/echo")).status, 200);
}

TEST(ServerPeer, may_end_its_side_after_the_request) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send(make_get("/hold"));
  client.shutdown_send();
  ASSERT_TRUE(eventually([&] { return fixture.holding(); }));

  fixture.release();

  EXPECT_EQ(client.read_answer().body, "GET /hold ");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(ServerDrain, ends_idle_connections_and_refuses_new_ones_and_lets_running_requests_end) {
  ServerFixture fixture;
  RawClient idle(fixture.port());
  idle.ask(make_get("/echo"));
  RawClient busy(fixture.port());
  busy.send(make_get("/hold") + make_get("/echo?never"));
  ASSERT_TRUE(eventually([&] { return fixture.holding(); }));

  std::future<void> drained = fixture.drain(15s);

  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_FALSE(RawClient(fixture.port()).connected());
  EXPECT_EQ(fixture.connections(), 1u);
  fixture.release();
  const RawAnswer answer = busy.read_answer();
  EXPECT_EQ(answer.body, "GET /hold ");
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_EQ(busy.read_to_end(), "");
  drained.get();
  EXPECT_EQ(fixture.requests().size(), 2u);
}

TEST(ServerDrain, takes_a_request_that_has_begun_to_arrive) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send("GET /echo HTTP/1.1\r\n");
  ASSERT_TRUE(eventually([&] { return fixture.is_within(base::limits::kHeaderDeadline); }));

  std::future<void> drained = fixture.drain(15s);
  const RawAnswer answer = client.ask("Host: a\r\n\r\n");

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Connection"), "close");
  drained.get();
}

TEST(ServerDrain, cuts_off_what_has_not_ended_in_time) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send(make_get("/hold"));
  ASSERT_TRUE(eventually([&] { return fixture.holding(); }));

  std::future<void> drained = fixture.drain(0s);

  EXPECT_EQ(client.read_to_end(), "");
  fixture.release();
  drained.get();
  EXPECT_EQ(fixture.connections(), 0u);
}

}  // namespace

}  // namespace http
