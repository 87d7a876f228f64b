#include "hub/generator.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <system_error>

#include "core/clock.hpp"
#include "hub/wire.hpp"

namespace bench {

namespace {

/// How long a connection rests after a 503 or a loss, so that refusals do not become the load.
constexpr std::int64_t kRestNs = 50 * kNsPerMs;

}  // namespace

std::uint64_t LoadCounts::unexpected() const {
  const auto all = std::accumulate(by_status.begin(), by_status.end(), std::uint64_t{0});
  return all - by_status[202] - refused();
}

std::uint64_t LoadCounts::server_errors() const {
  return std::accumulate(by_status.begin() + 500, by_status.end(), std::uint64_t{0});
}

Generator::Generator(Poller& poller, Ledger& ledger, MakeRequest make_request, LoadPlan plan)
    : poller_(poller),
      ledger_(ledger),
      make_request_(std::move(make_request)),
      plan_(plan),
      unix_offset_ns_(read_clock_ns(CLOCK_REALTIME) - now_ns()) {
  for (std::size_t i = 0; i < plan_.connections; ++i) {
    Connection& connection = connections_.emplace_back(*this);
    connection.fd = connect_loopback(plan_.port);
    poller_.add(connection.fd, connection);
  }
}

Generator::Generator(Poller& poller, Ledger& ledger, std::vector<EventRequest> requests, LoadPlan plan)
    : Generator(
          poller, ledger,
          [requests = std::move(requests)](std::uint32_t seq, std::int64_t sent_unix_us) mutable {
            return requests[seq % requests.size()].stamp(seq, sent_unix_us);
          },
          plan) {}

void Generator::start(std::int64_t now) {
  start_ns_ = now;
  running_ = true;
  for (Connection& connection : connections_) proceed(connection, now);
}

std::int64_t Generator::pace(std::int64_t now) {
  while (!resting_.empty() && resting_.front().until_ns <= now) {
    Connection& connection = *resting_.front().connection;
    resting_.pop_front();
    proceed(connection, now);
  }
  const std::int64_t rested_ns = resting_.empty() ? kNeverNs : resting_.front().until_ns;
  if (!running_ || plan_.events_per_second == 0) return rested_ns;
  while (!idle_.empty() && next_due_ns() <= now) {
    Connection& connection = *idle_.front();
    idle_.pop_front();
    proceed(connection, now);
  }
  // With every connection busy, the next answer is what sends the next event.
  return idle_.empty() ? rested_ns : std::min(rested_ns, next_due_ns());
}

std::int64_t Generator::next_due_ns() const {
  const auto rate = static_cast<std::int64_t>(plan_.events_per_second);
  const auto n = static_cast<std::int64_t>(issued_);
  return start_ns_ + n / rate * kNsPerSecond + n % rate * kNsPerSecond / rate;
}

void Generator::proceed(Connection& connection, std::int64_t now) {
  if (connection.state == State::dead) return;
  connection.state = State::free;
  if (!running_) return;
  if (plan_.events_per_second == 0) {
    send(connection, now, now);
  } else if (next_due_ns() <= now) {
    send(connection, next_due_ns(), now);
  } else {
    connection.state = State::idle;
    idle_.push_back(&connection);
  }
}

void Generator::send(Connection& connection, std::int64_t due_ns, std::int64_t now) {
  const auto seq = ledger_.issue(due_ns, now);
  if (!seq) {
    running_ = false;
    return;
  }
  ++issued_;
  ++unanswered_;
  connection.seq = *seq;
  connection.state = State::busy;
  const std::string_view request = make_request_(*seq, (now + unix_offset_ns_) / 1000);
  const ssize_t sent = ::send(connection.fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  // A broken connection shows itself as readable; what it did not take is kept until then.
  const std::size_t taken = sent > 0 ? static_cast<std::size_t>(sent) : 0;
  if (taken < request.size()) connection.unsent.assign(request.substr(taken));
}

void Generator::flush(Connection& connection) {
  if (connection.unsent.empty()) return;
  const ssize_t sent =
      ::send(connection.fd.get(), connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
  if (sent > 0) connection.unsent.erase(0, static_cast<std::size_t>(sent));
}

void Generator::on_ready(Connection& connection, std::uint32_t events) {
  if (events & EPOLLOUT) flush(connection);
  if (!(events & ~std::uint32_t{EPOLLOUT})) return;
  const bool hung_up = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  for (;;) {
    const Inbox::Filled filled = connection.inbox.fill(connection.fd);
    const std::int64_t now = now_ns();
    if (filled == Inbox::Filled::closed || filled == Inbox::Filled::full) {
      lose(connection, now);
      return;
    }
    if (filled == Inbox::Filled::nothing) return;
    if (!take_answers(connection, now)) return;
    if (filled == Inbox::Filled::drained && !hung_up) return;
  }
}

bool Generator::take_answers(Connection& connection, std::int64_t now) {
  Message answer;
  for (;;) {
    const Framing framing = read_message(connection.inbox.text(), answer);
    if (framing == Framing::partial) return true;
    const int status = framing == Framing::complete ? status_of(answer.start_line) : 0;
    if (status == 0 || connection.state != State::busy) {
      ++counts_.bad_answers;
      lose(connection, now);
      return false;
    }
    record(connection, status, answer, now);
    const bool closes = answer.closes;
    connection.inbox.consume(answer.bytes);
    connection.state = State::free;
    --unanswered_;
    if (closes && !reopen(connection)) return false;
    if (status == 429 || status == 503) {
      rest(connection, now);
    } else {
      proceed(connection, now);
    }
    if (closes) return false;
  }
}

void Generator::record(const Connection& connection, int status, const Message& answer, std::int64_t now) {
  ++counts_.by_status[static_cast<std::size_t>(status)];
  if (status != plan_.success) return;
  const auto text = string_member(answer.body, "id");
  const auto id = text ? parse_uuid(*text) : std::nullopt;
  if (id) {
    ledger_.accept(connection.seq, *id, now);
  } else {
    ++counts_.bad_answers;
  }
}

void Generator::rest(Connection& connection, std::int64_t now) {
  connection.state = State::resting;
  resting_.push_back({&connection, now + kRestNs});
}

void Generator::lose(Connection& connection, std::int64_t now) {
  const bool was_busy = connection.state == State::busy;
  if (was_busy) {
    ++counts_.lost_connections;
    --unanswered_;
  }
  // One that was idle or resting stands in its queue still.
  if (reopen(connection) && was_busy) rest(connection, now);
}

bool Generator::reopen(Connection& connection) {
  connection.unsent.clear();
  connection.inbox.clear();
  connection.fd.close();
  try {
    connection.fd = connect_loopback(plan_.port);
    poller_.add(connection.fd, connection);
    return true;
  } catch (const std::system_error&) {
    connection.state = State::dead;
    ++dead_;
    return false;
  }
}

}  // namespace bench
