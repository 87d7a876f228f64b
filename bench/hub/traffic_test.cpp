#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/ramp.hpp"
#include "hub/dead_receivers.hpp"
#include "hub/generator.hpp"
#include "hub/http_client.hpp"
#include "hub/ledger.hpp"
#include "hub/payload.hpp"
#include "hub/poller.hpp"
#include "hub/receiver.hpp"
#include "hub/signature.hpp"
#include "hub/sockets.hpp"
#include "hub/wire.hpp"

namespace bench {

namespace {

constexpr std::string_view kId = "0193ab00-0000-7000-8000-000000000001";

std::string accepted(std::string_view id) {
  const std::string body = "{\"id\":\"" + std::string(id) + "\"}";
  return "HTTP/1.1 202 Accepted\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A server that answers the n-th request with what `script` says: the pieces are sent one by one, and an
/// empty piece closes the connection.
class ScriptedServer {
 public:
  using Script = std::function<std::vector<std::string>(std::size_t number)>;

  ScriptedServer(Poller& poller, Script script)
      : poller_(poller), script_(std::move(script)), listener_(*this) {
    BoundPort bound = bind_loopback();
    port_ = bound.port;
    listener_.fd = std::move(bound.fd);
    ::listen(listener_.fd.get(), 16);
    poller_.add(listener_.fd, listener_);
  }

  std::uint16_t port() const { return port_; }
  std::size_t requests() const { return requests_; }

 private:
  struct Connection final : Pollable {
    explicit Connection(ScriptedServer& server) : owner(server) {}
    void on_ready(std::uint32_t events) override {
      if (fd && (events & EPOLLIN) != 0) owner.serve(*this);
    }
    ScriptedServer& owner;
    Fd fd;
    Inbox inbox;
  };
  struct Listener final : Pollable {
    explicit Listener(ScriptedServer& server) : owner(server) {}
    void on_ready(std::uint32_t) override {
      for (;;) {
        Fd accepted_fd(::accept4(fd.get(), nullptr, nullptr, SOCK_NONBLOCK));
        if (!accepted_fd) return;
        Connection& connection = owner.connections_.emplace_back(owner);
        connection.fd = std::move(accepted_fd);
        owner.poller_.add(connection.fd, connection);
      }
    }
    ScriptedServer& owner;
    Fd fd;
  };

  void serve(Connection& connection) {
    const Inbox::Filled filled = connection.inbox.fill(connection.fd);
    if (filled == Inbox::Filled::closed) connection.fd.close();
    Message request;
    while (connection.fd && read_message(connection.inbox.text(), request) == Framing::complete) {
      connection.inbox.consume(request.bytes);
      for (const std::string& piece : script_(requests_++)) {
        if (piece.empty()) {
          connection.fd.close();
          return;
        }
        ::send(connection.fd.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
      }
    }
  }

  Poller& poller_;
  Script script_;
  Listener listener_;
  std::uint16_t port_ = 0;
  std::deque<Connection> connections_;
  std::size_t requests_ = 0;
};

/// One generator with one route against a scripted server.
struct Traffic {
  Traffic(ScriptedServer::Script script, std::size_t events, LoadPlan plan)
      : server(poller, std::move(script)),
        ledger(events, 1),
        generator(poller, ledger, make_requests(), at_server(plan)) {}

  std::vector<EventRequest> make_requests() const {
    return {EventRequest({.api_key = "k", .event_type = "order.r0.created"}, server.port(), 1024)};
  }
  LoadPlan at_server(LoadPlan plan) const {
    plan.port = server.port();
    return plan;
  }

  /// Lets the traffic run until `done`, or for ten seconds.
  bool run_until(const std::function<bool()>& done) {
    const std::int64_t deadline_ns = now_ns() + 10 * kNsPerSecond;
    while (!done() && now_ns() < deadline_ns) {
      poller.wait(std::min(generator.pace(now_ns()), now_ns() + 10 * kNsPerMs));
    }
    return done();
  }
  /// All events, until the last is answered.
  bool run_to_its_end() {
    generator.start(now_ns());
    return run_until([&] { return ledger.full() && generator.unanswered() == 0; });
  }

  Poller poller;
  ScriptedServer server;
  Ledger ledger;
  Generator generator;
};

TEST(Generator, sends_the_next_event_when_the_last_is_answered) {
  Traffic traffic([](std::size_t) { return std::vector{accepted(kId)}; }, 20, {.connections = 2});
  ASSERT_TRUE(traffic.run_to_its_end());
  EXPECT_EQ(traffic.generator.counts().by_status[202], 20u);
  EXPECT_EQ(traffic.ledger.verdict().acknowledged, 20u);
}

TEST(Generator, reads_an_answer_that_comes_byte_by_byte) {
  const auto script = [](std::size_t) {
    std::vector<std::string> pieces;
    for (const char c : accepted(kId)) pieces.emplace_back(1, c);
    return pieces;
  };
  Traffic traffic(script, 3, {.connections = 1});
  ASSERT_TRUE(traffic.run_to_its_end());
  EXPECT_EQ(traffic.ledger.verdict().acknowledged, 3u);
  EXPECT_EQ(traffic.generator.counts().bad_answers, 0u);
}

TEST(Generator, counts_refusals_apart_from_other_answers) {
  const auto script = [](std::size_t number) {
    if (number == 0) return std::vector<std::string>{"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"};
    if (number == 1) return std::vector<std::string>{"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"};
    return std::vector{accepted(kId)};
  };
  Traffic traffic(script, 5, {.connections = 1});
  ASSERT_TRUE(traffic.run_to_its_end());
  EXPECT_EQ(traffic.generator.counts().refused(), 1u);
  EXPECT_EQ(traffic.generator.counts().unexpected(), 1u);
  EXPECT_EQ(traffic.ledger.verdict().acknowledged, 3u);
}

TEST(Generator, rests_after_a_refusal) {
  const auto script = [](std::size_t) { return std::vector<std::string>{"HTTP/1.1 503 Busy\r\n\r\n"}; };
  Traffic traffic(script, 10, {.connections = 1});
  traffic.generator.start(now_ns());
  ASSERT_TRUE(traffic.run_until([&] { return traffic.generator.counts().refused() == 1; }));
  EXPECT_EQ(traffic.generator.unanswered(), 0u);
  const std::int64_t rested_ns = traffic.generator.pace(0);
  ASSERT_LT(rested_ns, kNeverNs);
  traffic.generator.pace(rested_ns - 1);
  EXPECT_EQ(traffic.generator.unanswered(), 0u);
  traffic.generator.pace(rested_ns);
  EXPECT_EQ(traffic.generator.unanswered(), 1u);
}

TEST(Generator, counts_an_answer_that_nobody_asked_for) {
  Traffic traffic([](std::size_t) { return std::vector{accepted(kId) + accepted(kId)}; }, 1,
                  {.connections = 1});
  traffic.generator.start(now_ns());
  ASSERT_TRUE(traffic.run_until([&] { return traffic.generator.counts().bad_answers == 1; }));
  EXPECT_EQ(traffic.ledger.verdict().acknowledged, 1u);
  EXPECT_EQ(traffic.generator.unanswered(), 0u);
}

TEST(Generator, does_not_take_a_202_without_an_id_for_an_acknowledgement) {
  Traffic traffic([](std::size_t) { return std::vector{accepted("none")}; }, 1, {.connections = 1});
  traffic.generator.start(now_ns());
  ASSERT_TRUE(traffic.run_until(
      [&] { return traffic.server.requests() == 1 && traffic.generator.unanswered() == 0; }));
  EXPECT_EQ(traffic.generator.counts().bad_answers, 1u);
  EXPECT_EQ(traffic.ledger.verdict().acknowledged, 0u);
}

TEST(Generator, goes_on_after_a_connection_was_lost) {
  const auto script = [](std::size_t number) {
    return std::vector{number == 0 ? std::string() : accepted(kId)};
  };
  Traffic traffic(script, 4, {.connections = 1});
  ASSERT_TRUE(traffic.run_to_its_end());
  EXPECT_EQ(traffic.generator.counts().lost_connections, 1u);
  EXPECT_EQ(traffic.ledger.verdict().acknowledged, 3u);
  EXPECT_FALSE(traffic.generator.cut_off());
}

TEST(Generator, opens_a_new_connection_where_the_server_closes_between_requests) {
  const auto script = [](std::size_t) { return std::vector{accepted(kId), std::string()}; };
  Traffic traffic(script, 4, {.connections = 1, .events_per_second = 100});
  traffic.generator.start(now_ns());
  ASSERT_TRUE(traffic.run_until([&] { return traffic.ledger.verdict().acknowledged == 4; }));
  EXPECT_EQ(traffic.generator.counts().lost_connections, 0u);
}

TEST(Generator, measures_from_when_an_event_was_due_while_it_waits_for_a_connection) {
  // The first answer comes never, so that the only connection is busy from the first event on.
  Traffic traffic(
      [](std::size_t number) {
        return number == 0 ? std::vector<std::string>{} : std::vector{accepted(kId)};
      },
      1000, {.connections = 2, .events_per_second = 1000});
  const std::int64_t long_ago_ns = now_ns() - 500 * kNsPerMs;
  traffic.generator.start(long_ago_ns);
  ASSERT_TRUE(traffic.run_until([&] { return traffic.ledger.verdict().acknowledged >= 10; }));
  const Window window = traffic.ledger.window(long_ago_ns, now_ns());
  EXPECT_GE(window.accept.max(), 480 * kNsPerMs);
  EXPECT_GE(window.lag.max(), 480 * kNsPerMs);
}

TEST(Generator, sends_nothing_before_it_is_due) {
  Traffic traffic([](std::size_t) { return std::vector{accepted(kId)}; }, 100,
                  {.connections = 5, .events_per_second = 10});
  const std::int64_t start_ns = now_ns();
  traffic.generator.start(start_ns);
  EXPECT_EQ(traffic.generator.pace(start_ns + 50 * kNsPerMs), start_ns + 100 * kNsPerMs);
  EXPECT_EQ(traffic.generator.unanswered(), 1u);
  EXPECT_EQ(traffic.generator.pace(start_ns + 350 * kNsPerMs), start_ns + 400 * kNsPerMs);
  EXPECT_EQ(traffic.generator.unanswered(), 4u);
}

/// A receiver with one route whose only event was issued, and a client of it.
struct Receipts {
  explicit Receipts(Behaviour behaviour) : ledger(4, 1), receiver(poller, 1) {
    ledger.issue(1, 1);
    port = receiver.listen(behaviour);
    receiver.expect(port, ledger, routes);
    client = connect_loopback(port);
  }

  static std::string webhook(const std::string& key) {
    const std::string body = R"({"id":"x","data":{"seq":1000000000}})";
    return "POST /hook/0 HTTP/1.1\r\nwebhook-id: " + std::string(kId) + "\r\nwebhook-timestamp: 1\r\n" +
           "webhook-signature: v1," + sign_webhook(key, kId, "1", body) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  void send(std::string_view text) const { ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL); }

  /// Gives the receiver its turns until `done`, or for ten seconds.
  bool run_until(const std::function<bool()>& done) {
    const std::int64_t deadline_ns = now_ns() + 10 * kNsPerSecond;
    while (!done() && now_ns() < deadline_ns) {
      poller.wait(now_ns() + 5 * kNsPerMs);
      std::array<char, 1000> bytes{};
      const ssize_t got = ::recv(client.get(), bytes.data(), bytes.size(), 0);
      if (got > 0) answered.append(bytes.data(), static_cast<std::size_t>(got));
      if (got < 0 && errno == ECONNRESET) broken = true;
    }
    return done();
  }
  bool run_until_answered(std::string_view start) {
    return run_until([&] { return answered.starts_with(start); });
  }

  Poller poller;
  Ledger ledger;
  Receiver receiver;
  std::vector<Route> routes = {{.signing_key = "right"}};
  std::uint16_t port = 0;
  Fd client;
  std::string answered;
  bool broken = false;
};

TEST(Receiver, answers_200_and_tells_the_ledger) {
  Receipts receipts(Behaviour::answer);
  receipts.send(Receipts::webhook("right"));
  ASSERT_TRUE(receipts.run_until_answered("HTTP/1.1 200 "));
  EXPECT_EQ(receipts.receiver.counts().signatures_checked, 1u);
  EXPECT_EQ(receipts.receiver.counts().signatures_bad, 0u);
  EXPECT_EQ(receipts.ledger.verdict().unacknowledged_received, 1u);
}

TEST(Receiver, reads_webhooks_that_come_in_pieces_and_several_at_once) {
  Receipts receipts(Behaviour::answer);
  const std::string three =
      Receipts::webhook("right") + Receipts::webhook("right") + Receipts::webhook("right");
  for (const char& byte : std::string_view(three).substr(0, 40)) receipts.send({&byte, 1});
  receipts.send(std::string_view(three).substr(40));
  ASSERT_TRUE(receipts.run_until([&] { return receipts.receiver.counts().requests == 3; }));
  EXPECT_EQ(receipts.ledger.verdict().duplicates, 2u);
  EXPECT_EQ(receipts.receiver.counts().malformed, 0u);
}

TEST(Receiver, finds_a_bad_signature) {
  Receipts receipts(Behaviour::answer);
  receipts.send(Receipts::webhook("wrong"));
  ASSERT_TRUE(receipts.run_until_answered("HTTP/1.1 200 "));
  EXPECT_EQ(receipts.receiver.counts().signatures_bad, 1u);
}

TEST(Receiver, counts_a_webhook_that_names_no_event) {
  Receipts receipts(Behaviour::answer);
  receipts.send("POST /hook/0 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}");
  ASSERT_TRUE(receipts.run_until_answered("HTTP/1.1 200 "));
  EXPECT_EQ(receipts.receiver.counts().malformed, 1u);
}

TEST(Receiver, fails_where_it_is_told_to) {
  Receipts receipts(Behaviour::fail);
  receipts.send(Receipts::webhook("right"));
  ASSERT_TRUE(receipts.run_until_answered("HTTP/1.1 500 "));
  EXPECT_EQ(receipts.ledger.verdict().unacknowledged_received, 0u);
  EXPECT_EQ(receipts.receiver.counts().sick_requests, 1u);
}

TEST(Receiver, reads_and_never_answers_where_it_is_told_to) {
  Receipts receipts(Behaviour::hang);
  receipts.send(Receipts::webhook("right"));
  // Once the kernel has nothing left to hand over, the receiver has read it all.
  ASSERT_TRUE(receipts.run_until([&] {
    int unsent = 0;
    ::ioctl(receipts.client.get(), SIOCOUTQ, &unsent);
    return receipts.receiver.counts().sick_connections == 1 && unsent == 0;
  }));
  receipts.poller.wait(now_ns() + 5 * kNsPerMs);
  EXPECT_EQ(receipts.answered, "");
  EXPECT_EQ(receipts.ledger.verdict().unacknowledged_received, 0u);
}

TEST(Receiver, breaks_the_connection_where_it_is_told_to) {
  Receipts receipts(Behaviour::reset);
  receipts.send(Receipts::webhook("right"));
  ASSERT_TRUE(receipts.run_until([&] { return receipts.broken; }));
  EXPECT_EQ(receipts.receiver.counts().sick_requests, 1u);
  EXPECT_EQ(receipts.ledger.verdict().unacknowledged_received, 0u);
}

TEST(Receiver, answers_when_the_delay_is_over_and_not_before) {
  Receipts receipts(Behaviour::answer);
  RampMeter meter(1);
  receipts.receiver.delay_answers(1000 * kNsPerSecond, meter);
  receipts.send(Receipts::webhook("right"));
  ASSERT_TRUE(receipts.run_until([&] { return receipts.receiver.counts().requests == 1; }));
  const std::int64_t due_ns = receipts.receiver.pace(now_ns());
  EXPECT_EQ(meter.verdict().most, 1u);
  receipts.poller.wait(now_ns() + kNsPerMs);
  EXPECT_EQ(receipts.answered, "");

  EXPECT_EQ(receipts.receiver.pace(due_ns), kNeverNs);
  EXPECT_TRUE(receipts.run_until_answered("HTTP/1.1 200 "));
}

TEST(Receiver, refuses_while_it_is_down_and_answers_on_the_same_port_afterwards) {
  Receipts receipts(Behaviour::answer);
  receipts.receiver.go_down(receipts.port);
  EXPECT_THROW(connect_loopback(receipts.port), std::system_error);

  receipts.receiver.come_up(receipts.port);
  receipts.client = connect_loopback(receipts.port);
  receipts.send(Receipts::webhook("right"));
  EXPECT_TRUE(receipts.run_until_answered("HTTP/1.1 200 "));
}

TEST(Receiver, keeps_the_ledgers_of_two_ports_apart) {
  Receipts receipts(Behaviour::answer);
  Ledger other(4, 1);
  other.issue(1, 1);
  const std::uint16_t port = receipts.receiver.listen(Behaviour::answer, Reach::all_loopback);
  receipts.receiver.expect(port, other, receipts.routes);
  receipts.client = connect_loopback(port);
  receipts.send(Receipts::webhook("right"));
  ASSERT_TRUE(receipts.run_until_answered("HTTP/1.1 200 "));
  EXPECT_EQ(receipts.ledger.verdict().unacknowledged_received, 0u);
  EXPECT_EQ(other.verdict().unacknowledged_received, 1u);
}

/// A connection to 127.0.0.1 that does not wait for being made.
Fd knock(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return fd;
}

int state_of(const Fd& fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  ::getsockopt(fd.get(), IPPROTO_TCP, TCP_INFO, &info, &size);
  return info.tcpi_state;
}

TEST(BlackHole, lets_nobody_connect) {
  const BlackHole hole;
  const Fd first = knock(hole.port());
  const Fd second = knock(hole.port());
  // On loopback a connection that is taken, or refused, is so before connect() returns.
  EXPECT_EQ(state_of(first), TCP_SYN_SENT);
  EXPECT_EQ(state_of(second), TCP_SYN_SENT);
}

TEST(Sockets, are_counted_by_the_port_they_lead_to) {
  const BlackHole hole;
  const std::size_t before = count_sockets_to({hole.port()});
  const Fd first = knock(hole.port());
  const Fd second = knock(hole.port());
  EXPECT_EQ(count_sockets_to({hole.port()}), before + 2);
}

TEST(DeadReceivers, give_every_subscription_an_address_and_four_in_ten_the_black_hole) {
  Poller poller;
  Receiver receiver(poller, 0);
  const DeadReceivers dead(receiver);
  const std::string hole = ":" + std::to_string(dead.ports().front()) + "/";
  std::set<std::string> hosts;
  std::size_t in_the_hole = 0;
  for (std::size_t i = 0; i < 10'000; ++i) {
    const std::string url = dead.url(i);
    hosts.insert(url.substr(0, url.rfind(':')));
    if (url.contains(hole)) ++in_the_hole;
  }
  EXPECT_EQ(hosts.size(), 10'000u);
  EXPECT_EQ(in_the_hole, 4'000u);
}

TEST(BoundPort, refuses_connections) {
  const BoundPort bound = bind_loopback();
  EXPECT_THROW(connect_loopback(bound.port), std::system_error);
}

}  // namespace

}  // namespace bench
