#include "hub/receiver.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "core/clock.hpp"
#include "hub/signature.hpp"

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

std::uint16_t Receiver::listen(Behaviour behaviour, Reach reach) {
  Listener& listener = listeners_.emplace_back(*this, behaviour);
  listener.bound = reach == Reach::one_address ? bind_loopback() : bind_all_loopback();
  come_up(listener.bound.port);
  return listener.bound.port;
}

Receiver::Listener& Receiver::listener_at(std::uint16_t port) {
  for (Listener& listener : listeners_) {
    if (listener.bound.port == port) return listener;
  }
  throw std::logic_error("no port " + std::to_string(port) + " was opened for receiving");
}

void Receiver::expect(std::uint16_t port, Ledger& ledger, const std::vector<Route>& routes) {
  Listener& listener = listener_at(port);
  listener.ledger = &ledger;
  listener.routes = &routes;
}

void Receiver::go_down(std::uint16_t port) {
  Listener& listener = listener_at(port);
  listener.fd.close();
  for (Connection& connection : connections_) {
    if (connection.fd && connection.listener == &listener) close(connection);
  }
}

void Receiver::come_up(std::uint16_t port) {
  Listener& listener = listener_at(port);
  listener.fd = listen_beside(listener.bound);
  poller_.add(listener.fd, listener);
}

void Receiver::delay_answers(std::int64_t by_ns, RampMeter& meter) {
  answer_delay_ns_ = by_ns;
  meter_ = &meter;
}

std::int64_t Receiver::pace(std::int64_t now) {
  while (!due_answers_.empty() && due_answers_.front().due_ns <= now) {
    const DueAnswer due = due_answers_.front();
    due_answers_.pop_front();
    Connection& connection = *due.connection;
    if (!connection.fd || connection.uses != due.use) continue;
    meter_->end(*connection.serves);
    connection.serves.reset();
    if (!answer_with(connection.fd, kOk)) close(connection);
  }
  return due_answers_.empty() ? kNeverNs : due_answers_.front().due_ns;
}

void Receiver::accept(Listener& listener) {
  while (listener.fd) {
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
    connection.listener = &listener;
    ++connection.uses;
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
  if (connection.listener->behaviour == Behaviour::hang) {
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
    const bool answered = answer(connection, request, now);
    const bool closes = request.closes;
    connection.inbox.consume(request.bytes);
    if (!answered || closes) return false;
  }
}

/// False when the connection is to be closed.
bool Receiver::answer(Connection& connection, const Message& request, std::int64_t now) {
  const Listener& listener = *connection.listener;
  if (listener.behaviour == Behaviour::reset) {
    ++counts_.sick_requests;
    constexpr linger kAtOnce{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(connection.fd.get(), SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce);
    return false;
  }
  if (listener.behaviour == Behaviour::fail) {
    ++counts_.sick_requests;
    return answer_with(connection.fd, kSick);
  }
  // The answer goes first: what the bench does for its own sake must not delay the server.
  const bool answered = answer_delay_ns_ > 0 || answer_with(connection.fd, kOk);
  const auto route = record(listener, request, now);
  if (answer_delay_ns_ == 0) return answered;
  if (!route || connection.serves) return false;
  connection.serves = route;
  meter_->begin(*route, now);
  due_answers_.push_back({now + answer_delay_ns_, &connection, connection.uses});
  return true;
}

std::optional<std::size_t> Receiver::record(const Listener& listener, const Message& request,
                                            std::int64_t now) {
  ++counts_.requests;
  const auto route = route_of(path_of(request.start_line));
  const auto id = parse_uuid(request.webhook_id);
  const auto seq = seq_of(request.body);
  if (!route || !id || !seq || listener.ledger == nullptr || *route >= listener.routes->size()) {
    ++counts_.malformed;
    return std::nullopt;
  }
  listener.ledger->receive(*seq, *route, *id, now);
  if (verify_every_ != 0 && counts_.requests % verify_every_ == 0) {
    verify(request, (*listener.routes)[*route]);
  }
  return route;
}

void Receiver::verify(const Message& request, const Route& route) {
  ++counts_.signatures_checked;
  if (!is_signed(request.webhook_signature, route.signing_key, request.webhook_id, request.webhook_timestamp,
                 request.body)) {
    ++counts_.signatures_bad;
  }
}

void Receiver::close(Connection& connection) {
  if (connection.serves) meter_->end(*connection.serves);
  connection.serves.reset();
  connection.fd.close();
  connection.inbox.clear();
  closed_.push_back(&connection);
}

}  // namespace bench
