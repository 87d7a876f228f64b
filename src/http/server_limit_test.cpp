#include <gtest/gtest.h>

#include "http/server_fixture.hpp"
#include "testing/eventually.hpp"

namespace http {

namespace {

using ::testing::eventually;

constexpr std::size_t kReserve = base::limits::kConnectionsInReserve;

std::string make_refused(std::string_view headers, std::string_view body = "") {
  return "POST /refused HTTP/1.1\r\n" + kHost + std::string(headers) + "\r\n" + std::string(body);
}

TEST(ServerHead, is_refused_without_a_body_and_the_connection_goes_on_where_that_is_short) {
  ServerFixture fixture;
  RawClient client(fixture.port());

  client.send(make_refused("Content-Length: 9\r\n"));
  EXPECT_EQ(client.read_answer().status, 401) << "before a byte of the body was sent";
  client.send("some body");
  EXPECT_EQ(client.ask(make_refused("Content-Length: 4\r\n", "body")).status, 401);

  EXPECT_EQ(client.ask(make_get("/echo")).body, "GET /echo ");
}

TEST(ServerHead, is_refused_and_the_connection_ends_where_the_body_is_long_or_its_end_or_coming_not_known) {
  ServerFixture fixture;
  for (const char* headers : {"Content-Length: 100000\r\n", "Transfer-Encoding: chunked\r\n",
                              "Content-Length: 4\r\nExpect: 100-continue\r\n"}) {
    EXPECT_EQ(final_status(fixture, make_refused(headers)), 401) << headers;
  }
}

TEST(ServerHead, asks_for_no_body_that_it_does_not_want) {
  ServerFixture fixture;
  RawClient client(fixture.port());

  EXPECT_EQ(client.ask(make_refused("Content-Length: 4\r\nExpect: 100-continue\r\n")).status, 401);
}

TEST(ServerHead, takes_the_host_of_an_absolute_target_for_the_one_that_is_meant) {  // RFC 9112, 3.2.2
  ServerFixture fixture;
  RawClient client(fixture.port());

  client.ask("GET http://meant.test/echo?a HTTP/1.1\r\nHost: said.test\r\n\r\n");

  ASSERT_EQ(fixture.requests().size(), 1u);
  EXPECT_EQ(fixture.requests()[0].target, "/echo?a");
  EXPECT_EQ(fixture.requests()[0].header("Host"), "meant.test");
}

class ServerBodies : public ::testing::Test {
 protected:
  /// A request whose last byte is missing.
  static std::string make_short(std::size_t bytes, int payer) {
    return make_post(
        "Content-Length: " + std::to_string(bytes + 1) + "\r\nX-Payer: " + std::to_string(payer) + "\r\n",
        std::string(bytes, 'x'));
  }
  std::size_t held() {
    return fixture.on_server([](Server& server) { return server.bodies().bytes(); });
  }

  ServerFixture fixture{{.bodies_bytes_max = 100'000}};
};

TEST_F(ServerBodies, have_a_budget_in_which_the_oldest_of_a_payer_gives_way_to_its_newest) {
  RawClient first(fixture.port());
  first.send(make_short(30'000, 1));
  ASSERT_TRUE(eventually([&] { return held() == 30'001; }));
  RawClient second(fixture.port());
  second.send(make_short(40'000, 1));

  const RawAnswer answer = first.read_answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body,
            "the bodies of your requests under way take too much room; send fewer at once, or faster");
  EXPECT_EQ(first.read_to_end(), "");
  EXPECT_EQ(second.ask("x").status, 200);
  EXPECT_TRUE(eventually([&] { return held() == 0; }));
}

TEST_F(ServerBodies, that_never_end_keep_out_nobody_else) {
  std::list<RawClient> attackers;
  for (int i = 0; i < 50; ++i) attackers.emplace_back(fixture.port()).send(make_short(20'000, 1));
  ASSERT_TRUE(eventually([&] { return held() > 30'000; }));
  EXPECT_LE(held(), 50'000u);
  RawClient neighbour(fixture.port());

  EXPECT_EQ(neighbour.ask(make_short(20'000, 2) + "x").status, 200);
}

TEST_F(ServerBodies, that_find_no_room_are_refused) {
  EXPECT_EQ(final_status(fixture, make_short(60'000, 1) + "x"), 503);
}

TEST(ServerAnswers, that_a_peer_does_not_take_have_a_budget) {
  ServerFixture fixture({.answers_bytes_max = 60 << 20});
  const auto held = [&] {
    return fixture.on_server([](Server& server) { return server.answers().bytes(); });
  };
  RawClient first(fixture.port());
  first.send(make_get("/big"));
  ASSERT_TRUE(eventually([&] { return held() > 0; }));
  RawClient second(fixture.port());
  second.send(make_get("/big"));

  EXPECT_TRUE(eventually([&] { return fixture.connections() == 1; }))
      << "the older one of the same payer ended";
  EXPECT_EQ(second.read_answer().body.size(), 24u << 20);
  EXPECT_TRUE(eventually([&] { return held() == 0; }));
}

TEST(ServerAnswers, that_find_no_room_are_not_begun) {
  ServerFixture fixture({.answers_bytes_max = 40 << 20});
  RawClient client(fixture.port());
  client.send(make_get("/big"));

  EXPECT_EQ(client.read_to_end(), "");
}

TEST(ServerLimit, ends_what_has_waited_for_a_request_the_longest_where_a_newer_connection_comes) {
  ServerFixture fixture({.connections_max = 3});
  RawClient busy(fixture.port());
  busy.send(make_get("/hold"));
  ASSERT_TRUE(eventually([&] { return fixture.holding(); }));
  RawClient slow(fixture.port());
  slow.send("GET /ec");
  ASSERT_TRUE(eventually([&] { return fixture.is_waiting_for_the_rest_of(1); }));
  RawClient idle(fixture.port());
  ASSERT_EQ(idle.ask(make_get("/echo")).status, 200);

  RawClient fresh(fixture.port());

  EXPECT_EQ(fresh.ask(make_get("/calm")).status, 200);
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_EQ(slow.ask("ho HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  fixture.release();
  EXPECT_EQ(busy.read_answer().status, 200) << "who is being served is left alone";
}

TEST(ServerLimit, ends_a_connection_whose_peer_takes_no_answer_where_a_newer_one_comes) {
  ServerFixture fixture({.connections_max = 1});
  RawClient stalled(fixture.port());
  stalled.send(make_get("/big"));
  ASSERT_TRUE(eventually([&] { return fixture.is_waiting_for_the_rest_of(1); }));

  RawClient fresh(fixture.port());

  EXPECT_EQ(fresh.ask(make_get("/calm")).status, 200);
  EXPECT_TRUE(eventually([&] { return fixture.connections() == 1; }));
  EXPECT_LT(stalled.read_answer().body.size(), 24u << 20);
}

TEST(ServerLimit, lets_in_who_watches_or_administers_while_all_others_are_busy) {
  ServerFixture fixture({.connections_max = 1});
  RawClient busy(fixture.port());
  busy.send(make_get("/hold"));
  ASSERT_TRUE(eventually([&] { return fixture.holding(); }));

  RawClient guest(fixture.port());
  EXPECT_EQ(guest.ask(make_get("/echo")).status, 503);
  RawClient watcher(fixture.port());
  EXPECT_EQ(watcher.ask(make_get("/calm")).status, 200);
  fixture.release();
}

TEST(ServerLimit, is_not_reached_for_good_by_connections_that_do_nothing) {
  ServerFixture fixture({.connections_max = 4});
  std::list<RawClient> idle;
  for (std::size_t i = 0; i < 4 * (4 + kReserve); ++i) idle.emplace_back(fixture.port());

  RawClient client(fixture.port());
  EXPECT_EQ(client.ask(make_get("/calm")).status, 200);
  EXPECT_LE(fixture.connections(), 4 + kReserve);
}

TEST(ServerLimit, is_shared_between_addresses) {
  constexpr std::uint32_t kGreedy = INADDR_LOOPBACK + 1;
  const auto addresses = std::make_shared<AddressLimit>(1000, std::vector<AllowedRange>{});
  ServerFixture fixture({.connections_max = 40, .addresses = addresses});
  RawClient modest(fixture.port());
  ASSERT_EQ(modest.ask(make_get("/echo")).status, 200);
  std::list<RawClient> idle;
  for (int i = 0; i < 100; ++i) idle.emplace_back(fixture.port(), kGreedy);
  ASSERT_TRUE(eventually([&] { return fixture.connections() == 40; }));

  EXPECT_EQ(RawClient(fixture.port(), kGreedy).read_to_end(), "") << "who has more than others gets no more";
  RawClient newcomer(fixture.port(), kGreedy + 1);
  EXPECT_EQ(newcomer.ask(make_get("/echo")).status, 200);
  EXPECT_EQ(modest.ask(make_get("/echo")).status, 200)
      << "who has waited the longest stays, if others have more";
}

TEST(ServerLimit, of_an_address_ends_its_connection_at_once_where_it_has_as_many_as_it_may) {
  const auto addresses = std::make_shared<AddressLimit>(1, std::vector<AllowedRange>{});
  ServerFixture fixture({.addresses = addresses});
  RawClient first(fixture.port());
  ASSERT_EQ(first.ask(make_get("/echo")).status, 200);
  RawClient second(fixture.port());

  EXPECT_EQ(second.read_to_end(), "");
  EXPECT_EQ(first.ask(make_get("/echo")).status, 200);

  first.end();
  EXPECT_TRUE(eventually([&] { return RawClient(fixture.port()).ask(make_get("/echo")).status == 200; }));
}

TEST(ServerPort, says_which_address_cannot_be_had) {
  asio::io_context context;
  Server server(context.get_executor(), {.endpoint = {asio::ip::make_address("192.0.2.1"), 8080}}, {});

  const auto listening = server.listen();

  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, base::Code::unavailable);
  EXPECT_EQ(listening.error().message,
            "cannot bind 192.0.2.1:8080: Cannot assign requested address; "
            "choose another address with --listen");
}

TEST(ServerPort, is_shared_by_siblings_and_by_nobody_else) {
  ServerFixture fixture;
  const asio::ip::tcp::endpoint taken(asio::ip::make_address("127.0.0.1"), fixture.port());
  asio::io_context context;
  const auto attempt = [&](Port port) {
    Server server(context.get_executor(), {.endpoint = taken}, {});
    const auto listening = server.listen(port);
    return listening ? std::string() : listening.error().message;
  };

  EXPECT_EQ(attempt(Port::exclusive),
            "cannot bind 127.0.0.1:" + std::to_string(fixture.port()) +
                ": Address already in use; another program listens there: end it, or "
                "choose another address with --listen");
  EXPECT_EQ(attempt(Port::with_siblings), "");
}

TEST(ServerPort, is_free_again_at_once_for_who_takes_it_next) {
  std::uint16_t port = 0;
  std::list<RawClient> clients;  // outlive the server: their connections linger on its side
  {
    ServerFixture first;
    port = first.port();
    for (int i = 0; i < 3; ++i) {
      clients.emplace_back(port);
      EXPECT_EQ(clients.back().ask(make_get("/echo", "Connection: close\r\n")).status, 200);
    }
  }
  asio::io_context context;
  Server next(context.get_executor(), {.endpoint = {asio::ip::make_address("127.0.0.1"), port}}, {});

  const auto listening = next.listen();

  EXPECT_TRUE(listening) << (listening ? "" : listening.error().message);
}

}  // namespace

}  // namespace http
