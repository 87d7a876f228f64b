#include "scenarios/hostile/siege.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "core/clock.hpp"
#include "core/interrupt.hpp"
#include "hub/in_parallel.hpp"
#include "hub/poller.hpp"
#include "hub/wire.hpp"

namespace bench {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFilters = 4'000;
constexpr std::size_t kElements = 99'000;
constexpr std::size_t kLargeEvents = 6;
constexpr std::size_t kLargeEventBytes = 1'000'000;
constexpr std::size_t kBodyBytes = 1 << 20;
constexpr std::int64_t kAgainAfterNs = kNsPerSecond;
constexpr std::int64_t kLookUpEveryNs = 100 * kNsPerMs;
constexpr int kPoliteness = 10;

std::string request(const std::string& line, const std::string& key, std::size_t body_bytes) {
  return line + " HTTP/1.1\r\nHost: hub.example\r\nContent-Type: application/json\r\n" +
         (key.empty() ? "" : "Authorization: Bearer " + key + "\r\n") +
         "Content-Length: " + std::to_string(body_bytes) + "\r\n\r\n";
}

std::string event(const std::string& data) { return R"({"type":"siege.begun","data":)" + data + "}"; }

std::string heavy_event() {
  std::string elements = "0";
  for (std::size_t i = 1; i < kElements; ++i) elements += ",0";
  return event(R"({"a":[)" + elements + "]}");
}

/// Connections that say one thing and then wait, or that say it again after each answer.
class Crowd {
 public:
  enum class Manner : std::uint8_t { wait, repeat };
  struct Plan {
    const char* name;
    std::size_t connections;
    std::string text;
    Manner manner = Manner::wait;
    std::uint32_t addresses = 1;      ///< that they come from
    std::uint32_t first_address = 0;  ///< counted from 127.1.0.1
    int receive_bytes = 0;            ///< of their buffers; 0: the system's
  };

  Crowd(Poller& poller, std::uint16_t port, Plan plan)
      : poller_(poller), port_(port), plan_(std::move(plan)) {
    for (std::size_t i = 0; i < plan_.connections; ++i) {
      members_.emplace_back(*this, static_cast<std::uint32_t>(i % plan_.addresses) + plan_.first_address);
      resting_.push_back({&members_.back(), 0});
    }
  }

  /// Opens what has rested long enough.
  void pace(std::int64_t now) {
    while (!resting_.empty() && resting_.front().until_ns <= now) {
      Member& member = *resting_.front().member;
      resting_.pop_front();
      open(member);
    }
  }
  void say() const {
    std::printf("%-20s %zu connections, opened %llu times, %llu answers\n", plan_.name, plan_.connections,
                static_cast<unsigned long long>(opened_), static_cast<unsigned long long>(answers_));
  }

 private:
  struct Member final : Pollable {
    Member(Crowd& crowd, std::uint32_t from) : owner(crowd), address(from) {}
    void on_ready(std::uint32_t events) override { owner.on_ready(*this, events); }

    Crowd& owner;
    std::uint32_t address;
    Fd fd;
    std::size_t sent = 0;
    Inbox inbox;
  };
  struct Resting {
    Member* member;
    std::int64_t until_ns;
  };

  void open(Member& member);
  void on_ready(Member& member, std::uint32_t events);
  void send(Member& member);
  void read(Member& member);
  void rest(Member& member) {
    member.fd.close();
    resting_.push_back({&member, now_ns() + kAgainAfterNs});
  }

  Poller& poller_;
  std::uint16_t port_;
  Plan plan_;
  std::deque<Member> members_;
  std::deque<Resting> resting_;
  std::uint64_t opened_ = 0;
  std::uint64_t answers_ = 0;
};

sockaddr_in address_of(std::uint32_t ip, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(ip);
  return address;
}

void Crowd::open(Member& member) {
  member.fd = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!member.fd) return rest(member);
  const int on = 1;
  ::setsockopt(member.fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (plan_.receive_bytes > 0) {
    ::setsockopt(member.fd.get(), SOL_SOCKET, SO_RCVBUF, &plan_.receive_bytes, sizeof plan_.receive_bytes);
  }
  const sockaddr_in from = address_of(INADDR_LOOPBACK + (1U << 16) + member.address, 0);
  const sockaddr_in to = address_of(INADDR_LOOPBACK, port_);
  if (::bind(member.fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0)
    return rest(member);
  const int connected = ::connect(member.fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (connected != 0 && errno != EINPROGRESS) return rest(member);
  ++opened_;
  member.sent = 0;
  member.inbox.clear();
  poller_.add(member.fd, member);
}

void Crowd::on_ready(Member& member, std::uint32_t events) {
  if (!member.fd) return;
  if ((events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) return rest(member);
  send(member);
  if (member.fd && plan_.manner == Manner::repeat) read(member);
}

void Crowd::send(Member& member) {
  while (member.sent < plan_.text.size()) {
    const ssize_t count = ::send(member.fd.get(), plan_.text.data() + member.sent,
                                 plan_.text.size() - member.sent, MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) return rest(member);
    member.sent += static_cast<std::size_t>(count);
  }
}

void Crowd::read(Member& member) {
  while (true) {
    const Inbox::Filled filled = member.inbox.fill(member.fd);
    if (filled == Inbox::Filled::closed || filled == Inbox::Filled::full) return rest(member);
    Message answer;
    while (read_message(member.inbox.text(), answer) == Framing::complete) {
      member.inbox.consume(answer.bytes);
      ++answers_;
      member.sent = 0;
      send(member);
      if (!member.fd) return;
    }
    if (filled != Inbox::Filled::some) return;
  }
}

void post(HttpClient& client, const std::string& path, const std::string& key, const std::string& body) {
  const HttpAnswer answer = client.request(
      "POST", path, {{"Authorization", "Bearer " + key}, {"Content-Type", "application/json"}}, body);
  if (answer.status / 100 == 2) return;
  throw std::runtime_error("the siege cannot be prepared: POST " + path + " was answered " +
                           std::to_string(answer.status) + ": " + answer.body.substr(0, 400));
}

std::vector<Crowd::Plan> attacks(const std::string& key) {
  const std::string heavy = heavy_event();
  const std::string short_body = std::string(kBodyBytes - 1, 'x');
  std::vector<Crowd::Plan> plans;
  plans.push_back({.name = "heavy events",
                   .connections = 8,
                   .text = request("POST /api/v1/events", key, heavy.size()) + heavy,
                   .manner = Crowd::Manner::repeat});
  plans.push_back({.name = "unread pages",
                   .connections = 200,
                   .text = request("GET /api/v1/events?limit=250", key, 0),
                   .first_address = 1,
                   .receive_bytes = 4096});
  plans.push_back({.name = "bodies of strangers",
                   .connections = 1'800,
                   .text = request("POST /api/v1/events", "", kBodyBytes) + short_body,
                   .addresses = 4,
                   .first_address = 2});
  plans.push_back({.name = "bodies with a key",
                   .connections = 200,
                   .text = request("POST /api/v1/events", key, kBodyBytes) + short_body,
                   .first_address = 6});
  plans.push_back(
      {.name = "idle connections", .connections = 16'800, .text = "", .addresses = 20, .first_address = 7});
  return plans;
}

Command siege_command(const SiegePlan& plan, const fs::path& work, const fs::path& log) {
  return {.arguments = {fs::read_symlink("/proc/self/exe"), "siege", "--port", std::to_string(plan.port),
                        "--key", plan.api_key},
          .environment = {},
          .directory = work,
          .log = log,
          .stop_signal = SIGTERM};
}

}  // namespace

void prepare_siege(const SiegePlan& plan) {
  // Nobody gets them: nothing has the value that the filter asks for.
  in_parallel(plan.port, kFilters, [&](HttpClient& client, std::size_t number) {
    post(client, "/api/v1/webhooks/subscriptions", plan.api_key,
         R"({"name":"siege )" + std::to_string(number) +
             R"(","url":"http://127.0.0.1:9/","event_types":["siege.*"],)"
             R"("filter":{"field":"data.a[*]","op":"eq","value":7}})");
  });
  HttpClient client(plan.port);
  const std::string large = event("\"" + std::string(kLargeEventBytes, 'x') + "\"");
  for (std::size_t i = 0; i < kLargeEvents; ++i) post(client, "/api/v1/events", plan.api_key, large);
}

int besiege(const SiegePlan& plan) {
  ::setpriority(PRIO_PROCESS, 0, kPoliteness);
  Poller poller;
  std::deque<Crowd> crowds;
  for (Crowd::Plan& attack : attacks(plan.api_key)) crowds.emplace_back(poller, plan.port, std::move(attack));
  while (!interrupted()) {
    for (Crowd& crowd : crowds) crowd.pace(now_ns());
    poller.wait(now_ns() + kLookUpEveryNs);
  }
  for (const Crowd& crowd : crowds) crowd.say();
  return 0;
}

Siege::Siege(const SiegePlan& plan, const fs::path& work)
    : log_(work / "siege.log"), process_(siege_command(plan, work, log_)) {}

std::string Siege::stop() {
  const std::string end = process_.stop(std::chrono::seconds(30));
  std::ifstream file(log_);
  std::string said{std::istreambuf_iterator<char>(file), {}};
  if (end != "exit code 0") throw std::runtime_error("the siege ended with " + end + ": " + said);
  return said;
}

}  // namespace bench
