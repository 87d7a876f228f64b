// Requests per second of one client on one thread, against a responder that does as little as a peer can.
#include "http/client.hpp"

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

namespace http {

namespace {

/// Answers each 1 KiB-body request with a fixed 200, on one thread, as soon as its last byte is there. It
/// knows how long a request is after the first and then only counts bytes.
class Responder {
 public:
  Responder() : epoll_(epoll_create1(EPOLL_CLOEXEC)), stop_(eventfd(0, EFD_CLOEXEC)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    XD_ASSERT(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    XD_ASSERT(listen(listener_, 4096) == 0);
    XD_ASSERT(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/hook";
    watch(listener_);
    watch(stop_);
    thread_ = std::thread([this] { run(); });
  }
  ~Responder() {
    eventfd_write(stop_, 1);
    thread_.join();
    for (const int fd : {epoll_, stop_, listener_}) close(fd);
  }
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  const std::string& url() const { return url_; }

 private:
  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void run() {
    std::array<epoll_event, 128> events;
    while (true) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == stop_) return;
        if (fd == listener_) {
          watch(accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        } else {
          answer(fd);
        }
      }
    }
  }

  void answer(int fd) {
    static constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    std::array<char, 65536> bytes;
    const ssize_t size = recv(fd, bytes.data(), bytes.size(), 0);
    if (size <= 0) {
      close(fd);
      return;
    }
    // The header and the body of a request this small arrive in one segment.
    XD_ASSERT(size > 1024);
    send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
  }

  int epoll_;
  int stop_;
  int listener_;
  std::string url_;
  std::thread thread_;
};

/// Sends one request after the other until `left`, which all share, is used up.
asio::awaitable<void> send_many(Client& client, const OutboundRequest& request, std::int64_t& left) {
  while (left > 0) {
    --left;
    const OutboundResponse response = co_await client.send(request);
    XD_ASSERT(response.failure == Failure::none && response.status == 200);
  }
}

double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void client_posts(benchmark::State& state) {
  Responder responder;
  asio::io_context context(1);
  const EgressGuard guard(EgressGuard::parse_allow("127.0.0.1").value());
  Client client(context.get_executor(), guard, {});
  const OutboundRequest request{
      .url = responder.url(),
      .headers = {"Content-Type: application/json", "User-Agent: Crossdock/1", "webhook-id: 0193-1234567890",
                  "webhook-timestamp: 1700000000",
                  "webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
      .body = std::make_shared<const std::string>(1024, 'x')};
  constexpr std::int64_t kBatch = 20'000;
  const double begun = thread_cpu_seconds();
  for (auto _ : state) {
    std::int64_t left = kBatch;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      asio::co_spawn(context, send_many(client, request, left), asio::detached);
    }
    while (left > 0 || client.active() > 0) context.run_one();
  }
  const auto requests = static_cast<double>(state.iterations() * kBatch);
  state.counters["requests/s"] = benchmark::Counter(requests, benchmark::Counter::kIsRate);
  state.counters["client_us/request"] = (thread_cpu_seconds() - begun) * 1e6 / requests;
}
BENCHMARK(client_posts)->Arg(1)->Arg(64)->Arg(500)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace http
