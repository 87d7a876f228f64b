#include "http/plain_client.hpp"

#include <gtest/gtest.h>

#include "http/server_fixture.hpp"
#include "testing/eventually.hpp"

namespace http {

namespace {

using namespace std::chrono_literals;

class Plain : public ::testing::Test {
 protected:
  std::string url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(server.port()) + std::string(path);
  }

  std::atomic<bool> stop = false;
  ServerFixture server;
  PlainClient client{stop};
};

TEST_F(Plain, sends_a_request_and_gives_back_the_answer) {
  const auto answer = client.send({.method = "POST",
                                   .url = url("/echo?a=1"),
                                   .headers = {"X-Id: 7", "Content-Type: text/plain"},
                                   .body = "hello"});

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST /echo?a=1 hello");
  EXPECT_EQ(answer->header("content-type"), "text/plain");
  const SeenRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.header("X-Id"), "7");
  EXPECT_EQ(seen.header("Expect"), "(absent)");
}

TEST_F(Plain, keeps_its_connection_and_forgets_what_was_before) {
  client.send({.method = "POST", .url = url("/echo"), .headers = {"X-Id: 7"}, .body = "hello"});

  const auto answer = client.send({.url = url("/echo?second")});

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "GET /echo?second ");
  EXPECT_EQ(server.requests().at(1).header("X-Id"), "(absent)");
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(Plain, gives_a_stream_piece_by_piece) {
  std::string got;
  const auto answer = client.send({.url = url("/stream")}, [&](std::string_view piece) {
    got.append(piece);
    return true;
  });

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(got, "one\ntwo\n");
  EXPECT_EQ(answer->body, "");
}

TEST_F(Plain, gives_what_is_no_success_with_the_answer_and_not_to_the_sink) {
  const auto answer = client.send({.url = url("/nowhere")}, [](std::string_view) { return false; });

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->body, "no such path");
}

TEST_F(Plain, ends_an_endless_stream_when_its_sink_has_enough_or_it_is_stopped) {
  std::size_t got = 0;
  const auto enough = client.send({.url = url("/stream/endless")}, [&](std::string_view piece) {
    got += piece.size();
    return got < 1'000'000;
  });
  EXPECT_EQ(enough.error().code, base::Code::cancelled);

  const auto stopped =
      client.send({.url = url("/stream/endless")}, [&](std::string_view) { return stop = true; });
  EXPECT_EQ(stopped.error().code, base::Code::cancelled);
  EXPECT_TRUE(::testing::eventually([&] { return server.connections() == 0; }));
}

TEST_F(Plain, says_why_there_is_no_answer) {
  EXPECT_EQ(client.send({.url = "http://127.0.0.1:1/"}).error().code, base::Code::unavailable);
  EXPECT_EQ(client.send({.url = "ftp://127.0.0.1/"}).error().code, base::Code::unavailable);
  EXPECT_EQ(client.send({.url = url("/stream/fail")}, [](std::string_view) { return true; }).error().code,
            base::Code::unavailable)
      << "a body that was cut off is none";
}

TEST_F(Plain, gives_up_on_a_stream_that_falls_silent) {
  const auto silent = client.send({.url = url("/wait"), .total_timeout = 0ms, .silence_max = 1ms},
                                  [](std::string_view) { return true; });

  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, base::Code::unavailable);
}

}  // namespace

}  // namespace http
