#include "receiver.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

#include "clock.hpp"
#include "signature.hpp"

namespace bench {

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kSick = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

bool answer_with(const Fd& fd, std::string_view answer) {
  // Some dozens of bytes always fit into an empty send buffer; where they do not, the peer reads no answers.
  return ::send(fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size());
}

std::optional<std::size_t> route_of(std::string_view path) {
  constexpr std::string_view kPrefix = "/hook/";
  if (!path.starts_with(kPrefix)) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  std::size_t route = 0;
  const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), route);
  if (error != std::errc{} || end != path.data() + path.size()) return std::nullopt;
  return route;
}

}  // namespace

std::uint16_t Receiver::listen(Behaviour behaviour) {
  BoundPort bound = bind_loopback();
  if (::listen(bound.fd.get(), SOMAXCONN) != 0) throw_errno("cannot listen for webhooks");
  Listener& listener = listeners_.emplace_back(*this, behaviour);
  listener.fd = std::move(bound.fd);
  poller_.add(listener.fd, listener);
  return bound.port;
}

void Receiver::expect(Ledger& ledger, const std::vector<Route>& routes) {
  ledger_ = &ledger;
  routes_ = &routes;
}

void Receiver::accept(Listener& listener) {
  for (;;) {
    Fd fd(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      throw_errno("cannot accept a connection from the server");
    }
    if (closed_.empty()) closed_.push_back(&connections_.emplace_back(*this));
    Connection& connection = *closed_.back();
    closed_.pop_back();
    connection.fd = std::move(fd);
    connection.behaviour = listener.behaviour;
    if (listener.behaviour != Behaviour::answer) ++counts_.sick_connections;
    poller_.add(connection.fd, connection);
  }
}

void Receiver::on_ready(Connection& connection, std::uint32_t events) {
  // An event of the same round may name a connection that was closed meanwhile.
  if (!connection.fd || !(events & ~std::uint32_t{EPOLLOUT})) return;
  const bool hung_up = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  for (;;) {
    const Inbox::Filled filled = connection.inbox.fill(connection.fd);
    if (filled == Inbox::Filled::closed || filled == Inbox::Filled::full) {
      close(connection);
      return;
    }
    if (filled == Inbox::Filled::nothing) return;
    if (!take_requests(connection, now_ns())) {
      close(connection);
      return;
    }
    if (filled == Inbox::Filled::drained && !hung_up) return;
  }
}

bool Receiver::take_requests(Connection& connection, std::int64_t now) {
  if (connection.behaviour == Behaviour::hang) {
    connection.inbox.clear();
    return true;
  }
  Message request;
  for (;;) {
    const Framing framing = read_message(connection.inbox.text(), request);
    if (framing == Framing::partial) return true;
    if (framing == Framing::broken) {
      ++counts_.malformed;
      return false;
    }
    // The answer goes first: what the bench does for its own sake must not delay the server.
    const bool healthy = connection.behaviour == Behaviour::answer;
    const bool answered = answer_with(connection.fd, healthy ? kOk : kSick);
    if (healthy) {
      record(request, now);
    } else {
      ++counts_.sick_requests;
    }
    const bool closes = request.closes;
    connection.inbox.consume(request.bytes);
    if (!answered || closes) return false;
  }
}

void Receiver::record(const Message& request, std::int64_t now) {
  ++counts_.requests;
  const auto route = route_of(path_of(request.start_line));
  const auto id = parse_uuid(request.webhook_id);
  const auto seq = seq_of(request.body);
  if (!route || !id || !seq || ledger_ == nullptr || *route >= routes_->size()) {
    ++counts_.malformed;
    return;
  }
  ledger_->receive(*seq, *route, *id, now);
  if (verify_every_ != 0 && counts_.requests % verify_every_ == 0) verify(request, *route);
}

void Receiver::verify(const Message& request, std::size_t route) {
  ++counts_.signatures_checked;
  const std::string& key = (*routes_)[route].signing_key;
  if (!is_signed(request.webhook_signature, key, request.webhook_id, request.webhook_timestamp,
                 request.body)) {
    ++counts_.signatures_bad;
  }
}

void Receiver::close(Connection& connection) {
  connection.fd.close();
  connection.inbox.clear();
  closed_.push_back(&connection);
}

}  // namespace bench
