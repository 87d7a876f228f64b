#include <gtest/gtest.h>

#include "http/server_fixture.hpp"
#include "testing/eventually.hpp"

namespace http {

namespace {

using namespace std::chrono_literals;
using ::testing::eventually;

TEST(Stream, is_sent_in_chunks_as_it_is_produced_and_ends_the_connection) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send(make_get("/stream") + make_get("/echo?never"));

  const std::string head = client.read_head();

  EXPECT_EQ(head.substr(0, 17), "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ((RawAnswer{.head = head}.header("Transfer-Encoding")), "chunked");
  EXPECT_EQ((RawAnswer{.head = head}.header("Content-Length")), "(absent)");
  EXPECT_EQ((RawAnswer{.head = head}.header("Content-Type")), "text/event-stream");
  EXPECT_EQ((RawAnswer{.head = head}.header("Connection")), "close");
  EXPECT_EQ(client.read_to_end(), "4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n");
  EXPECT_EQ(fixture.requests().size(), 1u);
}

TEST(Stream, is_sent_bare_to_http_1_0) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send("GET /stream HTTP/1.0\r\n\r\n");

  EXPECT_EQ((RawAnswer{.head = client.read_head()}.header("Transfer-Encoding")), "(absent)");
  EXPECT_EQ(client.read_to_end(), "one\ntwo\n");
}

TEST(Stream, is_not_produced_for_head) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_EQ((RawAnswer{.head = client.read_head()}.header("Transfer-Encoding")), "chunked");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(fixture.pieces(), 0u);
}

TEST(Stream, is_cut_off_where_its_production_fails) {
  for (const char* path : {"/stream/throw", "/stream/fail"}) {
    SCOPED_TRACE(path);
    ServerFixture fixture;
    RawClient client(fixture.port());
    client.send(make_get(path));
    client.read_head();

    const std::string body = client.read_to_end();

    EXPECT_EQ(body.substr(0, 9), "4\r\none\n\r\n");
    EXPECT_EQ(body.find("0\r\n\r\n"), std::string::npos) << "it must not look complete";
    EXPECT_TRUE(eventually([&] { return fixture.connections() == 0; }));
  }
}

TEST(Stream, has_no_deadline_while_nothing_is_to_be_sent) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send(make_get("/wait"));
  ASSERT_TRUE(eventually([&] { return fixture.holding(); }));

  EXPECT_EQ(fixture.on_server(ServerFixture::deadline), base::Deadline::max());
  fixture.release();

  client.read_head();
  EXPECT_EQ(client.read_to_end(), "4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n");
}

TEST(Stream, waits_for_a_slow_reader_and_goes_on_when_it_reads) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send(make_get("/stream/endless"));
  ASSERT_TRUE(eventually([&] { return fixture.is_within(base::limits::kWriteDeadline); }));
  std::size_t before = 0;
  ASSERT_TRUE(eventually([&] { return std::exchange(before, fixture.pieces()) == fixture.pieces(); }));

  EXPECT_LT(before, 1000u) << "what nobody reads is produced all the same";
  client.read_head();
  client.read_some(std::size_t{128} << 20);
  EXPECT_TRUE(eventually([&] { return fixture.pieces() > before; }));
}

TEST(Stream, gives_up_on_a_reader_that_takes_nothing) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send(make_get("/stream/endless"));
  ASSERT_TRUE(eventually([&] { return fixture.is_within(base::limits::kWriteDeadline); }));

  // The first pieces still find room in the sockets' buffers; the deadline is that of one piece.
  EXPECT_TRUE(eventually([&] {
    try {
      fixture.let_deadline_pass();
    } catch (const std::runtime_error&) {  // there is no connection any more
    }
    return fixture.connections() == 0;
  }));
  EXPECT_EQ(fixture.stream_end(), "cancelled");
}

TEST(Stream, ends_when_its_reader_goes_away_also_while_nothing_is_sent) {
  for (const char* path : {"/wait", "/stream/endless"}) {
    for (const bool by_reset : {true, false}) {
      SCOPED_TRACE(std::string(path) + (by_reset ? " RST" : " FIN"));
      ServerFixture fixture;
      RawClient client(fixture.port());
      client.send(make_get(path));
      ASSERT_TRUE(eventually([&] { return fixture.pieces() > 0; }));

      by_reset ? client.reset() : client.end();

      EXPECT_TRUE(eventually([&] { return fixture.connections() == 0; }));
      EXPECT_EQ(fixture.stream_end(), "cancelled");
    }
  }
}

TEST(Stream, ends_in_order_when_the_server_drains) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send(make_get("/wait"));
  ASSERT_TRUE(eventually([&] { return fixture.holding(); }));

  fixture.drain(15s).get();

  client.read_head();
  EXPECT_EQ(client.read_to_end(), "4\r\none\n\r\n0\r\n\r\n");
  EXPECT_EQ(fixture.stream_end(), "cancelled");
}

TEST(Stream, does_not_keep_the_server_from_draining_however_slowly_it_is_read) {
  ServerFixture fixture;
  RawClient client(fixture.port());
  client.send(make_get("/stream/endless"));
  ASSERT_TRUE(eventually([&] { return fixture.is_within(base::limits::kWriteDeadline); }));

  fixture.drain(0s).get();

  EXPECT_EQ(fixture.connections(), 0u);
}

}  // namespace

}  // namespace http
