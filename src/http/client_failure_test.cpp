// What the client makes of peers that refuse, lie, stall and break off (reliability: receivers at their
// worst).
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

#include "http/client.hpp"
#include "http/client_fixture.hpp"
#include "testing/imposter.hpp"

namespace http {

namespace {

using namespace std::chrono_literals;
using ::testing::DeadPort;
using ::testing::Ending;
using ::testing::Imposter;

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct RawCase {
  const char* what;
  std::string bytes;
  Ending ending;
  Failure failure;
  int status;
};

/// The answer is these bytes; what does the client say?
void expect_outcomes(const std::vector<RawCase>& cases) {
  for (const RawCase& c : cases) {
    SCOPED_TRACE(c.what);
    Imposter peer;
    peer.on("/").raw(c.bytes, c.ending);
    ClientFixture fixture;

    const OutboundResponse response =
        fixture.send({.url = peer.url(), .body = make_body("x"), .total_timeout = 200ms});

    EXPECT_EQ(error_class(response.failure), error_class(c.failure)) << response.error;
    EXPECT_EQ(response.status, c.status);
    EXPECT_EQ(response.error.empty(), c.failure == Failure::none) << response.error;
    EXPECT_TRUE(peer.wait_for_ended(c.failure == Failure::none ? 0 : 1)) << "the connection is closed";
  }
}

TEST(ClientFailure, is_read_where_the_connection_ends_before_the_answer_does) {
  expect_outcomes({
      {"FIN without a byte", "", Ending::close, Failure::read, 0},
      {"RST without a byte", "", Ending::reset, Failure::read, 0},
      {"FIN in the status line", "HTTP/1.1 20", Ending::close, Failure::read, 0},
      {"FIN after the status line", "HTTP/1.1 200 OK\r\n", Ending::close, Failure::read, 200},
      {"FIN in the header", "HTTP/1.1 200 OK\r\nA: b\r\nC: ", Ending::close, Failure::read, 200},
      {"FIN after an interim answer", "HTTP/1.1 100 Continue\r\n\r\n", Ending::close, Failure::read, 0},
      {"FIN in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Ending::close, Failure::read,
       200},
      {"FIN in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", Ending::close,
       Failure::read, 200},
      {"FIN before the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
       Ending::close, Failure::read, 200},
  });
}

TEST(ClientFailure, is_read_where_the_connection_is_reset_in_the_body) {
  Imposter peer;
  peer.on("/").raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Ending::reset);
  ClientFixture fixture;

  EXPECT_EQ(fixture.get(peer.url()).failure, Failure::read);
}

TEST(ClientFailure, is_read_timeout_where_the_answer_stops_coming) {
  expect_outcomes({
      {"nothing", "", Ending::hang, Failure::read_timeout, 0},
      {"half a status line", "HTTP/1.1 2", Ending::hang, Failure::read_timeout, 0},
      {"half a header", "HTTP/1.1 200 OK\r\nContent-Le", Ending::hang, Failure::read_timeout, 200},
      {"a header alone", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Ending::hang, Failure::read_timeout,
       200},
      {"half a body", "HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nab", Ending::hang, Failure::read_timeout,
       503},
      {"a body without end", "HTTP/1.1 200 OK\r\n\r\nab", Ending::hang, Failure::read_timeout, 200},
      {"an interim answer", "HTTP/1.1 100 Continue\r\n\r\n", Ending::hang, Failure::read_timeout, 0},
  });
}

TEST(ClientFailure, is_protocol_where_the_answer_is_not_http) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string gzipped("\x1f\x8b\x08\0\0\0\0\0\0\x03\x01\x05\0\xfa\xffhello\x86\xa6\x10\x36\x05\0\0\0",
                            28);
  expect_outcomes({
      {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n", Ending::hang, Failure::protocol, 0},
      {"TLS alert", std::string("\x15\x03\x03\x00\x02\x02\x28", 7), Ending::close, Failure::protocol, 0},
      {"a page without header", "<html>hello</html>\n", Ending::close, Failure::protocol, 0},
      {"no version", "HTTP 200 OK\r\n\r\n", Ending::close, Failure::protocol, 0},
      {"a word for a version", "HTTP/fine 200 OK\r\n\r\n", Ending::close, Failure::protocol, 0},
      {"version 2 in plain text", "HTTP/2 200\r\n\r\n", Ending::close, Failure::protocol, 0},
      {"version 1.2", "HTTP/1.2 200 OK\r\n\r\n", Ending::close, Failure::protocol, 0},
      {"no status", "HTTP/1.1 \r\n\r\n", Ending::close, Failure::protocol, 0},
      {"two digits", "HTTP/1.1 20 OK\r\n\r\n", Ending::close, Failure::protocol, 0},
      {"four digits", "HTTP/1.1 2000 OK\r\n\r\n", Ending::close, Failure::protocol, 0},
      {"leading zero", "HTTP/1.1 020 OK\r\n\r\n", Ending::close, Failure::protocol, 0},
      {"negative", "HTTP/1.1 -20 OK\r\n\r\n", Ending::close, Failure::protocol, 0},
      {"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", Ending::hang, Failure::protocol, 0},
      {"a header without colon", ok + "Header\r\n\r\n", Ending::hang, Failure::protocol, 200},
      {"NUL in a header", ok + std::string("A: \0b\r\n\r\n", 9), Ending::hang, Failure::protocol, 200},
      {"negative length", ok + "Content-Length: -5\r\n\r\n", Ending::hang, Failure::protocol, 200},
      {"length in words", ok + "Content-Length: two\r\n\r\n", Ending::hang, Failure::protocol, 200},
      {"a chunk of no size", ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", Ending::hang,
       Failure::protocol, 200},
      {"gzip as transfer coding",
       ok + "Transfer-Encoding: gzip, chunked\r\n\r\n1c\r\n" + gzipped + "\r\n0\r\n\r\n", Ending::hang,
       Failure::protocol, 200},
  });
}

TEST(ClientFailure, is_response_too_big_where_the_header_has_no_end) {
  std::string fields;
  std::string interim;
  for (int i = 0; i < 2000; ++i) {
    fields += "X-Field: some value\r\n";
    interim += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string trailers = "Transfer-Encoding: chunked\r\n\r\n0\r\n";
  expect_outcomes({
      {"many fields", ok + fields + "\r\n", Ending::hang, Failure::response_too_big, 200},
      {"one long field", ok + "X: " + std::string(40'000, 'x') + "\r\n\r\n", Ending::hang,
       Failure::response_too_big, 200},
      {"a line without end", ok + "X: " + std::string(200'000, 'x'), Ending::hang, Failure::response_too_big,
       200},
      {"a status line without end", "HTTP/1.1 200 " + std::string(200'000, 'x'), Ending::hang,
       Failure::response_too_big, 0},
      {"interim answers", interim + kOk, Ending::hang, Failure::response_too_big, 0},
      {"trailers", ok + trailers + fields, Ending::hang, Failure::response_too_big, 200},
  });
}

TEST(ClientFailure, is_read_timeout_where_interim_answers_never_end) {
  Imposter peer;
  peer.on("/").reply(
      {.head = "HTTP/1.1 102 Processing\r\n\r\n", .byte_interval = 1ms, .ending = Ending::hang});
  ClientFixture fixture;

  EXPECT_EQ(fixture.send({.url = peer.url(), .total_timeout = 100ms}).failure, Failure::read_timeout);
}

TEST(ClientFailure, is_read_timeout_where_the_body_trickles) {
  Imposter peer;
  const testing::Reply answer = testing::make_answer(200, "", std::string(10'000, 'x'));
  peer.on("/").reply({.head = answer.head, .body = answer.body, .byte_interval = 5ms});
  ClientFixture fixture;

  EXPECT_EQ(fixture.send({.url = peer.url(), .total_timeout = 200ms}).failure, Failure::read_timeout);
}

TEST(ClientFailure, is_connect_refused_where_nobody_listens) {
  const DeadPort port(DeadPort::Kind::refusing);
  ClientFixture fixture;

  const OutboundResponse response = fixture.get(port.url());

  EXPECT_EQ(response.failure, Failure::connect_refused) << response.error;
  EXPECT_EQ(response.status, 0);
}

TEST(ClientFailure, is_connect_timeout_where_packets_are_dropped) {
  const DeadPort port(DeadPort::Kind::dropping);
  ClientFixture fixture;

  const OutboundResponse by_connect = fixture.send({.url = port.url(), .connect_timeout = 50ms});
  const OutboundResponse by_total = fixture.send({.url = port.url(), .total_timeout = 50ms});

  EXPECT_EQ(by_connect.failure, Failure::connect_timeout) << by_connect.error;
  EXPECT_EQ(by_total.failure, Failure::connect_timeout) << by_total.error;
}

TEST(ClientFailure, is_dns_where_the_name_does_not_exist) {
  ClientFixture fixture;

  const OutboundResponse response = fixture.send({.url = "http://nowhere.invalid/", .total_timeout = 500ms});

  EXPECT_EQ(response.failure, Failure::dns) << response.error;
}

TEST(ClientFailure, is_write_or_read_where_the_connection_breaks_under_a_large_request) {
  Imposter peer;
  peer.on_connect().end(Ending::reset);
  ClientFixture fixture;

  const auto response = fixture.send({.url = peer.url(), .body = make_body(std::string(64 << 20, 'x'))});

  // Which of them depends on whether curl notices the reset in its next send or in a read between two.
  EXPECT_TRUE(response.failure == Failure::write || response.failure == Failure::read ||
              response.failure == Failure::connect_refused)
      << error_class(response.failure) << ": " << response.error;
}

TEST(ClientFailure, is_internal_where_the_request_cannot_be_sent) {
  Imposter peer;
  ClientFixture fixture;
  const std::string ok = peer.url();
  const std::vector<OutboundRequest> requests = {
      {.url = ""},
      {.url = "127.0.0.1"},
      {.url = "ftp://127.0.0.1/"},
      {.url = "file:///etc/passwd"},
      {.url = "http:/127.0.0.1/"},
      {.url = "http:///127.0.0.1/"},
      {.url = "http://user@127.0.0.1/"},
      {.url = ok + " HTTP/1.1\r\nX: y"},
      {.url = ok + "#fragment"},
      {.url = "http://[::1"},
      {.method = "", .url = ok},
      {.method = "GET / HTTP/1.1\r\nX:", .url = ok},
      {.method = "CONNECT", .url = ok},
      {.url = ok, .headers = {"no colon"}},
      {.url = ok, .headers = {": no name"}},
      {.url = ok, .headers = {"A: b\r\nC: d"}},
      {.url = ok, .headers = {"A : b"}},
      {.url = ok, .headers = {"HOST: elsewhere"}},
      {.url = ok, .headers = {"content-length: 5"}},
      {.url = ok, .headers = {"Transfer-Encoding: chunked"}},
      {.url = ok, .headers = {"Connection: close"}},
      {.url = ok, .headers = {"Expect: 100-continue"}},
      {.url = ok, .headers = {"Upgrade: h2c"}},
  };
  for (const OutboundRequest& request : requests) {
    const OutboundResponse response = fixture.send(request);

    EXPECT_EQ(response.failure, Failure::internal) << request.url << " " << response.error;
    EXPECT_NE(response.error, "");
  }
  EXPECT_EQ(peer.connections(), 0u);
}

TEST(ClientFailure, is_ssrf_blocked_where_the_guard_refuses_the_address) {
  Imposter peer;
  ClientFixture fixture({}, "");
  const std::string port = std::to_string(peer.port());
  for (const std::string host : {"127.0.0.1",
                                 "localhost",
                                 "a.localhost",
                                 "127.1",
                                 "0x7f000001",
                                 "2130706433",
                                 "0177.0.0.1",
                                 "0",
                                 "[::1]",
                                 "[::]",
                                 "[::ffff:127.0.0.1]",
                                 "[::ffff:7f00:1]",
                                 "[::ffff:10.0.0.1]",
                                 "[::ffff:192.168.1.1]",
                                 "[::ffff:169.254.169.254]",
                                 "[64:ff9b::7f00:1]",
                                 "[64:ff9b::a9fe:a9fe]",
                                 "[fd00:ec2::254]",
                                 "169.254.169.254",
                                 "LOCALHOST"}) {
    const OutboundResponse response = fixture.get("http://" + host + ":" + port + "/");

    EXPECT_EQ(response.failure, Failure::ssrf_blocked) << host << " " << response.error;
    EXPECT_NE(response.error.find("may not be connected to"), std::string::npos) << response.error;
  }
  EXPECT_EQ(peer.connections(), 0u);
}

TEST(ClientFailure, is_not_ssrf_blocked_on_the_port_that_is_allowed) {
  Imposter peer;
  Imposter other;
  ClientFixture fixture({}, "127.0.0.1:" + std::to_string(peer.port()));

  EXPECT_EQ(fixture.get(peer.url()).failure, Failure::none);
  EXPECT_EQ(fixture.get("http://localhost:" + std::to_string(peer.port())).failure, Failure::none);
  EXPECT_EQ(fixture.get(other.url()).failure, Failure::ssrf_blocked);
}

/// A file of certificate authorities for one test.
class CaFile {
 public:
  explicit CaFile(const std::string& pem) : path_("/tmp/crossdock_ca_XXXXXX") {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << pem;
  }
  ~CaFile() { unlink(path_.c_str()); }
  CaFile(const CaFile&) = delete;
  CaFile& operator=(const CaFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(ClientTls, trusts_a_certificate_of_its_authorities) {
  Imposter peer({.tls = true});
  peer.on("/").answer(200, "", "secret");
  const CaFile ca(peer.certificate_pem());
  ClientFixture fixture({.ca_file = ca.path()});

  const OutboundResponse first = fixture.get(peer.url());
  const OutboundResponse second = fixture.get(peer.url());

  EXPECT_EQ(first.failure, Failure::none) << first.error;
  EXPECT_EQ(first.body, "secret");
  EXPECT_GT(first.timings.tls_us, first.timings.connect_us);
  EXPECT_EQ(second.body, "secret");
  EXPECT_EQ(peer.connections(), 1u);
}

TEST(ClientTls, refuses_a_certificate_of_unknown_origin_or_wrong_name_or_past_date) {
  Imposter stranger({.tls = true});
  Imposter impostor({.tls = true, .certificate_name = "DNS:example.com"});
  Imposter expired({.tls = true, .certificate_expired = true});
  const CaFile name(impostor.certificate_pem());
  const CaFile date(expired.certificate_pem());
  const struct {
    const Imposter& peer;
    std::string ca;
    const char* why;
  } cases[] = {{stranger, "", "self-signed certificate"},
               {impostor, name.path(), "no alternative certificate subject name matches"},
               {expired, date.path(), "certificate has expired"}};
  for (const auto& [peer, ca, why] : cases) {
    ClientFixture fixture({.ca_file = ca});

    const OutboundResponse response = fixture.get(peer.url());

    EXPECT_EQ(response.failure, Failure::tls) << response.error;
    EXPECT_TRUE(response.error.contains(why)) << response.error;
    EXPECT_TRUE(peer.requests().empty());
  }
}

TEST(ClientTls, speaks_no_version_before_1_2) {
  Imposter peer({.tls = true, .tls_1_0_alone = true});
  const CaFile ca(peer.certificate_pem());
  ClientFixture fixture({.ca_file = ca.path()});

  const OutboundResponse response = fixture.get(peer.url());

  EXPECT_EQ(response.failure, Failure::tls) << response.error;
  EXPECT_TRUE(response.error.contains("version")) << response.error;
  EXPECT_TRUE(peer.requests().empty());
}

TEST(ClientTls, gives_a_handshake_no_longer_than_a_connection) {
  // The first bytes of a ServerHello, or none; then nothing more.
  for (const std::string& begun :
       {std::string(), std::string("\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03", 11)}) {
    Imposter stalled;
    stalled.on_connect().raw(begun, Ending::hang);
    ClientFixture fixture;

    const OutboundResponse response =
        fixture.send({.url = "https://127.0.0.1:" + std::to_string(stalled.port()) + "/",
                      .connect_timeout = 100ms,
                      .total_timeout = 60s});

    EXPECT_EQ(response.failure, Failure::tls) << response.error;
    EXPECT_TRUE(stalled.wait_for_ended(1));
  }
}

TEST(ClientTls, fails_against_a_peer_without_tls) {
  Imposter plain;
  Imposter closing;
  Imposter silent;
  plain.on_connect().raw("HTTP/1.1 400 Bad Request\r\n\r\n", Ending::hang);
  closing.on_connect().end(Ending::close);
  silent.on_connect().end(Ending::hang);
  for (const Imposter* peer : {&plain, &closing, &silent}) {
    ClientFixture fixture;

    const auto response = fixture.send(
        {.url = "https://127.0.0.1:" + std::to_string(peer->port()) + "/", .total_timeout = 200ms});

    EXPECT_EQ(response.failure, Failure::tls) << response.error;
  }
}

TEST(ClientTls, is_read_where_the_connection_ends_without_close_notify) {
  Imposter peer({.tls = true});
  peer.on("/").raw("HTTP/1.1 200 OK\r\n\r\nhalf", Ending::reset);
  const CaFile ca(peer.certificate_pem());
  ClientFixture fixture({.ca_file = ca.path()});

  EXPECT_EQ(fixture.get(peer.url()).failure, Failure::read);
}

TEST(ClientCancel, ends_all_exchanges_at_once) {
  Imposter peer;
  peer.on("/").end(Ending::hang);
  ClientFixture fixture({.connections_max = 40});
  for (int i = 0; i < 50; ++i) fixture.start({.url = peer.url()});
  while (peer.requests().size() < 40) fixture.context().poll_one();
  EXPECT_EQ(fixture.client().active(), 50u);

  fixture.client().cancel_all();

  EXPECT_EQ(fixture.client().active(), 0u);
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(fixture.await(i).failure, Failure::cancelled);
  EXPECT_TRUE(peer.wait_for_ended(40));
}

TEST(ClientCancel, refuses_what_comes_after) {
  Imposter peer;
  ClientFixture fixture;
  fixture.get(peer.url());

  fixture.client().cancel_all();

  EXPECT_EQ(fixture.get(peer.url()).failure, Failure::cancelled);
  EXPECT_EQ(peer.requests().size(), 1u);
}

TEST(ClientCancel, is_done_by_the_destructor) {
  Imposter peer;
  peer.on("/").end(Ending::hang);
  ClientFixture fixture;
  const std::size_t hanging = fixture.start({.url = peer.url()});
  const std::size_t resolving = fixture.start({.url = "http://nowhere.invalid/"});
  fixture.context().poll();

  fixture.destroy();

  EXPECT_EQ(fixture.answer(hanging)->failure, Failure::cancelled);
  EXPECT_TRUE(fixture.answer(resolving));
}

TEST(ClientIdle, leaves_the_event_loop_nothing_to_do) {
  Imposter peer;
  const testing::Reply answer = testing::make_answer(200);
  peer.on("/close").reply({.head = answer.head, .ending = Ending::close});
  peer.on("/hang").end(Ending::hang);
  ClientFixture fixture;
  fixture.get(peer.url());
  fixture.get(peer.url("/close"));
  ASSERT_TRUE(peer.wait_for_ended(1));
  fixture.start({.url = peer.url("/hang")});
  while (peer.requests().size() < 3) fixture.context().poll();

  // One connection is idle, one was closed by the peer while idle, one waits for an answer.
  std::size_t wakeups = 0;
  for (int i = 0; i < 1000; ++i) wakeups += fixture.context().poll();

  EXPECT_LE(wakeups, 5u);
}

}  // namespace

}  // namespace http
