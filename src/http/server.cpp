#include "http/server.hpp"

#include <sys/socket.h>

#include <array>
#include <ctime>

#include "base/log.hpp"
#include "http/session.hpp"

namespace http {

namespace {

using asio::ip::tcp;
using base::Code;
using base::fail;
using base::Result;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

/// How often deadlines are looked at while there are connections: they are seconds, so this is exact enough,
/// and a timer of its own for each request would cost a fifth of the CPU.
constexpr auto kTick = std::chrono::milliseconds{500};
/// Out of file descriptors: accepting again at once would only spin.
constexpr auto kAcceptPause = std::chrono::milliseconds{200};

std::string show(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string host = endpoint.address().is_v6() ? "[" + address + "]" : address;
  return host + ":" + std::to_string(endpoint.port());
}

}  // namespace

Server::Server(asio::any_io_executor executor, ServerOptions options, Application application)
    : executor_(executor),
      options_(std::move(options)),
      application_(std::move(application)),
      acceptor_(executor),
      ticker_(executor),
      gate_(executor) {}

Result<void> Server::listen() {
  boost::system::error_code error;
  const auto step = [&](const char* what) {
    return fail(Code::unavailable, "cannot " + std::string(what) + " " + show(options_.endpoint) + ": " +
                                       error.message() + "; choose another address with --listen");
  };
  acceptor_.open(options_.endpoint.protocol(), error);
  if (error) return step("open a socket for");
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.set_option(ReusePort(true), error);
  if (error) return step("share");
  acceptor_.bind(options_.endpoint, error);
  if (error) return step("bind");
  acceptor_.listen(4096, error);
  if (error) return step("listen on");
  local_ = acceptor_.local_endpoint();
  gate_.spawn("accept", accept_loop());
  return {};
}

base::Task<void> Server::accept_loop() {
  while (!draining_) {
    if (connections_.size() >= options_.connections_max) co_await room_.wait();
    tcp::socket socket(executor_);
    boost::system::error_code error;
    co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (draining_) break;
    if (error) {
      base::log(base::LogLevel::warn, "cannot accept a connection", {{"error", error.message()}});
      co_await base::sleep_for(kAcceptPause);
      continue;
    }
    gate_.spawn("connection", serve(std::move(socket)));
  }
  co_return Result<void>{};
}

base::Task<void> Server::serve(tcp::socket socket) {
  boost::system::error_code error;
  socket.set_option(tcp::no_delay(true), error);
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (error) co_return Result<void>{};  // it is gone already
  std::string remote_ip = remote.address().to_string();
  if (options_.tls) {
    co_await serve_tls(*this, std::move(socket), std::move(remote_ip));
  } else {
    co_await serve_plain(*this, std::move(socket), std::move(remote_ip));
  }
  co_return Result<void>{};
}

void Server::opened(Connection& connection) {
  connection.place = connections_.insert(connections_.end(), &connection);
  if (ticking_) return;
  ticking_ = true;
  tick();
}

void Server::closed(Connection& connection) {
  connections_.erase(connection.place);
  if (room_.waiting()) room_.give(true);
}

void Server::tick() {
  const auto now = base::steady_now();
  for (Connection* connection : connections_) {
    if (connection->deadline < now) connection->expire();
  }
  if (connections_.empty()) {
    ticking_ = false;
    return;
  }
  ticker_.expires_after(kTick);
  ticker_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) tick();
  });
}

std::string_view Server::date() {
  const std::time_t now = std::chrono::system_clock::to_time_t(base::SystemClock{}.now());
  if (now != date_second_) {
    date_second_ = now;
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 40> buffer;
    const std::size_t length = strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    date_.assign(buffer.data(), length);
  }
  return date_;
}

asio::awaitable<void> Server::drain(base::Deadline deadline) {
  draining_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  if (room_.waiting()) room_.give(true);
  for (Connection* connection : connections_) connection->drain();
  asio::steady_timer cutter(executor_, deadline);
  cutter.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    for (Connection* connection : connections_) connection->cut_off();
  });
  co_await gate_.close();
  cutter.cancel();
  ticker_.cancel();
}

}  // namespace http
