// A server on a thread of its own with an application that tests steer, and a raw socket to talk to it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cerrno>
#include <charconv>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "http/router.hpp"
#include "http/server.hpp"

namespace http {

/// A request as the application got it, kept beyond its life.
struct SeenRequest {
  std::string method{};
  std::string target{};
  std::string path{};
  std::string query{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  std::string remote_ip{};

  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (equals_ignoring_case(key, name)) return value;
    }
    return "(absent)";
  }
};

inline SeenRequest seen_of(const Request& request) {
  SeenRequest seen{.method = std::string(request.method),
                   .target = std::string(request.target),
                   .path = std::string(request.path),
                   .query = std::string(request.query),
                   .body = request.body,
                   .remote_ip = request.remote_ip};
  for (const auto& [name, value] : request.headers) seen.headers.emplace_back(name, value);
  return seen;
}

class ServerFixture {
 public:
  explicit ServerFixture(ServerOptions options = {})
      : server_(context_.get_executor(), local(std::move(options)),
                {.answer = [this](Request request,
                                  BodyReader& body) { return answer(*this, std::move(request), body); },
                 .refuse = &ServerFixture::refuse}) {
    if (auto listening = server_.listen(); !listening) throw std::runtime_error(listening.error().message);
    server_.start();
    thread_ = std::thread([this] { context_.run(); });
  }

  ~ServerFixture() {
    release();
    if (!draining_) drain(std::chrono::seconds{0}).get();
    work_.reset();
    thread_.join();
  }
  ServerFixture(const ServerFixture&) = delete;
  ServerFixture& operator=(const ServerFixture&) = delete;

  std::uint16_t port() const { return server_.local().port(); }

  /// Runs f(Server&) on the server's thread and gives back what it returns.
  template <class F>
  auto on_server(F f) {
    std::packaged_task<std::invoke_result_t<F&, Server&>()> task([&] { return f(server_); });
    asio::post(context_, [&] { task(); });
    return task.get_future().get();
  }

  std::vector<SeenRequest> requests() {
    return on_server([this](Server&) { return requests_; });
  }
  std::size_t connections() {
    return on_server([](Server& server) { return server.connections(); });
  }
  /// Requests to /hold wait for this.
  bool holding() {
    return on_server([this](Server&) { return released_.waiting(); });
  }
  void release() {
    on_server([this](Server&) { released_.give(true); });
  }
  /// Ready when the server has ended.
  std::future<void> drain(std::chrono::steady_clock::duration span) {
    draining_ = true;
    return asio::co_spawn(context_, server_.drain(base::steady_now() + span), asio::use_future);
  }

  /// Pieces that streams were rid of.
  std::size_t pieces() {
    return on_server([this](Server&) { return pieces_; });
  }
  /// How the last stream ended: "" while it runs.
  std::string stream_end() {
    return on_server([this](Server&) { return stream_end_; });
  }

  static base::Deadline deadline(Server& server) { return oldest(server).deadline; }
  /// The only connection is under a deadline of this span.
  bool is_within(std::chrono::steady_clock::duration span) {
    return on_server([span](Server& server) {
      if (server.connections() != 1) return false;
      const auto left = deadline(server) - base::steady_now();
      return left <= span && left > span - std::chrono::seconds{5};
    });
  }
  /// So many connections have sent a part of a request.
  bool is_waiting_for_the_rest_of(std::ptrdiff_t count) {
    return on_server([count](Server& server) {
      Probe probe;
      server.opened(probe);
      const auto end = probe.place;
      const auto begin = std::prev(end, static_cast<std::ptrdiff_t>(server.connections()) - 1);
      const auto found = std::count_if(
          begin, end, [](const Connection* each) { return each->waits == Connection::Waits::rest; });
      server.closed(probe);
      return found == count;
    });
  }
  /// The deadline of the oldest connection has passed: what waiting for it would do.
  void let_deadline_pass() {
    on_server([](Server& server) { oldest(server).deadline = base::steady_now() - std::chrono::seconds{1}; });
  }

 private:
  /// Stands in the server's list, from where its neighbours are seen.
  class Probe final : public Connection {
   public:
    void expire() override {}
    void drain() override {}
    void cut_off() override {}
    void give_way() override {}
  };

  static constexpr Route kRoutes[] = {
      {"GET", "/echo"},        {"POST", "/echo"},        {"GET", "/hold"},
      {"GET", "/throw"},       {"GET", "/big"},          {"GET", "/stream"},
      {"GET", "/wait"},        {"GET", "/stream/throw"}, {"GET", "/stream/endless"},
      {"GET", "/stream/fail"}, {"POST", "/refused"},     {"GET", "/calm"},
      {"GET", "/bodiless"}};

  static ServerOptions local(ServerOptions options) {
    options.endpoint = {asio::ip::make_address("127.0.0.1"), 0};
    return options;
  }

  static Connection& oldest(Server& server) {
    if (server.connections() == 0) throw std::runtime_error("there is no connection");
    const std::size_t before = server.connections();
    Probe probe;
    server.opened(probe);
    Connection* found = *std::prev(probe.place, static_cast<std::ptrdiff_t>(before));
    server.closed(probe);
    return *found;
  }

  static Response refuse(int status, std::string_view detail) {
    return {.status = status, .content_type = "application/problem+json", .body = std::string(detail)};
  }

  /// By the head alone: "/refused" always, and all but "/calm" while there are too many connections.
  static std::optional<Response> refused_by_head(const Request& request) {
    if (request.path == "/refused") return refuse(401, "who are you?");
    if (request.crowded && request.path != "/calm") return refuse(503, "too many connections");
    return std::nullopt;
  }

  static asio::awaitable<Response> answer(ServerFixture& self, Request request, BodyReader& reader) {
    if (auto refused = refused_by_head(request)) co_return *std::move(refused);
    // Whoever waits for it is its payer: "X-Payer: 7".
    const std::string payer(request.header("x-payer"));
    auto body = co_await reader.read(payer.empty() ? 0 : std::stoull(payer));
    if (!body) co_return Response{};
    request.body = std::move(*body);
    self.requests_.push_back(seen_of(request));
    const auto match = self.router_.match(request.method, request.path);
    if (match.found == Router::Found::no_such_path) co_return refuse(404, "no such path");
    if (match.found == Router::Found::no_such_method) {
      Response response = refuse(405, "no such method");
      response.headers.emplace_back("Allow", match.allow);
      co_return response;
    }
    const std::string_view path = kRoutes[match.route].pattern;
    if (path == "/throw") throw std::runtime_error("a bug with a secret in it");
    if (path == "/hold") co_await self.released_.wait();
    if (path.starts_with("/stream") || path == "/wait") co_return make_stream(self, std::string(path));
    if (path == "/bodiless")
      co_return Response{.status = std::stoi(std::string(request.query)), .body = "HTTP/1.1 200 OK\r\n\r\n"};
    if (path == "/big") co_return Response{.content_type = "text/plain", .body = std::string(24 << 20, 'x')};
    co_return Response{
        .content_type = "text/plain",
        .body = std::string(request.method) + " " + std::string(request.target) + " " + request.body};
  }

  static Response make_stream(ServerFixture& self, std::string path) {
    Response response{.content_type = "text/event-stream"};
    response.stream = [&self, path](BodyWriter& writer) { return produce(self, path, writer); };
    return response;
  }

  static base::Task<void> produce(ServerFixture& self, std::string path, BodyWriter& writer) {
    self.stream_end_.clear();
    auto written = co_await write_pieces(self, path, writer);
    self.stream_end_ = written ? "ended" : std::string(base::name(written.error().code));
    co_return written;
  }

  /// "one" and "two", and between them what the path asks for.
  static base::Task<void> write_pieces(ServerFixture& self, std::string path, BodyWriter& writer) {
    XD_CO_DO(co_await writer.write("one\n"));
    ++self.pieces_;
    if (path == "/stream/throw") throw std::runtime_error("a bug in a stream");
    if (path == "/stream/fail") co_return base::fail(base::Code::unavailable, "no more of it");
    if (path == "/wait") {
      writer.on_over([&self] { self.released_.give(true); });
      if (!writer.over()) co_await self.released_.wait();
    }
    while (path == "/stream/endless") {
      XD_CO_DO(co_await writer.write(std::string(64 << 10, 'x')));
      ++self.pieces_;
    }
    co_return co_await writer.write("two\n");
  }

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  Router router_{kRoutes};
  base::Waiter<bool> released_;
  std::vector<SeenRequest> requests_;
  std::size_t pieces_ = 0;
  std::string stream_end_;
  Server server_;
  bool draining_ = false;  // of the test's thread
  std::thread thread_;
};

struct RawAnswer {
  int status = 0;  ///< 0: none came
  std::string head{};
  std::string body{};

  std::string header(std::string_view name) const {
    for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
      const std::string_view line = std::string_view(head).substr(at + 2);
      const std::size_t colon = line.find(": ");
      if (colon == std::string_view::npos || !equals_ignoring_case(line.substr(0, colon), name)) continue;
      return std::string(line.substr(colon + 2, line.find("\r\n") - colon - 2));
    }
    return "(absent)";
  }
};

/// A TCP connection to a port of 127.0.0.1. It waits at most ten seconds for anything.
class RawClient {
 public:
  /// from: the address it comes from, within 127.0.0.0/8.
  explicit RawClient(std::uint16_t port, std::uint32_t from = INADDR_LOOPBACK)
      : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    constexpr timeval kPatience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    const sockaddr_in own{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(from)}};
    bind(socket_, reinterpret_cast<const sockaddr*>(&own), sizeof own);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { end(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  int descriptor() const { return socket_; }

  /// What the server no longer takes is lost, as it would be for a real peer.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  /// Up to and with the empty line; "" when the connection ends before it.
  std::string read_head() {
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return "";
    }
    return take(end + 4);
  }

  RawAnswer read_answer() {
    RawAnswer answer{.head = read_head()};
    if (answer.head.size() < 12) return answer;
    std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
    const std::string length = answer.header("Content-Length");
    std::size_t size = 0;
    std::from_chars(length.data(), length.data() + length.size(), size);
    while (received_.size() < size && receive()) {
    }
    answer.body = take(std::min(size, received_.size()));
    return answer;
  }

  RawAnswer ask(std::string_view request) {
    send(request);
    return read_answer();
  }

  /// All that comes until the peer closes; "(reset)" or "(silence)" where it ends in another way.
  std::string read_to_end() {
    while (receive()) {
    }
    const std::string how = last_ == 0 ? "" : errno_ == EAGAIN ? "(silence)" : "(reset)";
    return take(received_.size()) + how;
  }

  /// Reads and forgets so many bytes, or what there is.
  void read_some(std::size_t bytes) {
    for (std::size_t got = 0; got < bytes && receive(); received_.clear()) got += received_.size();
  }

  void shutdown_send() { shutdown(socket_, SHUT_WR); }
  void end() {
    if (socket_ >= 0) close(std::exchange(socket_, -1));
  }
  /// Ends with RST.
  void reset() {
    constexpr linger kAtOnce{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce);
    end();
  }

 private:
  bool receive() {
    std::array<char, 64 << 10> buffer;
    last_ = recv(socket_, buffer.data(), buffer.size(), 0);
    errno_ = errno;
    if (last_ > 0) received_.append(buffer.data(), static_cast<std::size_t>(last_));
    return last_ > 0;
  }
  std::string take(std::size_t size) {
    std::string text = received_.substr(0, size);
    received_.erase(0, size);
    return text;
  }

  int socket_;
  bool connected_ = false;
  std::string received_;
  ssize_t last_ = 0;
  int errno_ = 0;
};

inline const std::string kHost = "Host: test\r\n";

inline std::string make_get(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\n" + kHost + std::string(headers) + "\r\n";
}
inline std::string make_post(std::string_view headers, std::string_view body = "") {
  return "POST /echo HTTP/1.1\r\n" + kHost + std::string(headers) + "\r\n" + std::string(body);
}
inline std::string make_post_of(std::string_view body) {
  return make_post("Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}

/// The status of an answer after which the connection ends in order; 0 where there is none, -1 where it goes
/// on or ends in another way.
inline int final_status(ServerFixture& fixture, std::string_view bytes) {
  RawClient client(fixture.port());
  const RawAnswer answer = client.ask(bytes);
  if (answer.status != 0 && answer.header("Connection") != "close") return -1;
  return client.read_to_end().empty() ? answer.status : -1;
}

}  // namespace http
