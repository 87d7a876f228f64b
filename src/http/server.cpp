#include "http/server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <tuple>

#include "base/log.hpp"
#include "base/metrics.hpp"
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
/// Out of file descriptors, with no connection that could give one back: accepting again at once would only
/// spin. Where some do, they need a moment for it.
constexpr auto kAcceptPause = std::chrono::milliseconds{200};
/// Of what refused peers still send.
constexpr std::size_t kDiscardedPerTick = 4 << 20;
constexpr auto kRoomPause = std::chrono::milliseconds{1};
/// Connections are looked through for those that wait the longest; this part of them ends together.
constexpr std::size_t kPartThatGivesWay = 64;

base::Counter& ended(const char* reason) {
  return base::metrics().counter("crossdock_http_connections_ended_total",
                                 "Connections that ended before their peers wanted it, by reason",
                                 {{"reason", reason}});
}

std::string show(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string host = endpoint.address().is_v6() ? "[" + address + "]" : address;
  return host + ":" + std::to_string(endpoint.port());
}

}  // namespace

ServerSeries& server_series() {
  base::Metrics& all = base::metrics();
  static ServerSeries series{
      .gave_way = ended("pressure"),
      .beyond_address = ended("address"),
      .beyond_share = ended("share"),
      .bodies_refused = all.counter("crossdock_http_bodies_refused_total",
                                    "Requests whose body found no room beside those under way"),
      .answers_cut = all.counter("crossdock_http_answers_cut_total",
                                 "Answers that peers were slow to take when there was no room for more"),
      .connections = all.gauge("crossdock_http_connections", "Connections that are open to the server"),
      .streams = all.gauge("crossdock_http_streams", "Responses whose body is being produced over time")};
  return series;
}

Server::Server(asio::any_io_executor executor, ServerOptions options, Application application)
    : executor_(executor),
      options_(std::move(options)),
      application_(std::move(application)),
      acceptor_(executor),
      bodies_(options_.bodies_bytes_max),
      answers_(options_.answers_bytes_max),
      ticker_(executor),
      gate_(executor) {
  server_series();
}

Result<void> Server::listen(Port port, std::uint16_t number) {
  if (number != 0) options_.endpoint.port(number);
  boost::system::error_code error;
  const auto step = [&](const char* what) {
    const char* hint = error == asio::error::address_in_use
                           ? "; another program listens there: end it, or choose another address with "
                           : "; choose another address with ";
    return fail(Code::unavailable, "cannot " + std::string(what) + " " + show(options_.endpoint) + ": " +
                                       error.message() + hint + options_.address_setting);
  };
  acceptor_.open(options_.endpoint.protocol(), error);
  if (error) return step("open a socket for");
  // The port of a program that was killed is free at once, whatever its connections are still waiting for.
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && port == Port::with_siblings) acceptor_.set_option(ReusePort(true), error);
  if (error) return step("share");
  acceptor_.bind(options_.endpoint, error);
  if (error) return step("bind");
  acceptor_.listen(4096, error);
  if (error) return step("listen on");
  // Set before, it would let in any program of this user that sets it too, and two would answer. Now the port
  // is ours: who comes later and asks for it exclusively is refused, and siblings find it shared.
  acceptor_.set_option(ReusePort(true), error);
  if (error) return step("share");
  local_ = acceptor_.local_endpoint();
  return {};
}

void Server::start() { gate_.spawn("accept", accept_loop()); }

base::Task<void> Server::accept_loop() {
  while (!draining_) {
    if (taken() >= options_.connections_max + base::limits::kConnectionsInReserve) {
      make_room();
      co_await room_.wait();
      continue;
    }
    tcp::socket socket(executor_);
    tcp::endpoint remote;
    boost::system::error_code error;
    co_await acceptor_.async_accept(socket, remote, asio::redirect_error(asio::use_awaitable, error));
    if (draining_) break;
    if (error) {
      base::log(base::LogLevel::warn, "cannot accept a connection", {{"error", error.message()}});
      co_await base::sleep_for(make_room() > 0 ? kRoomPause : kAcceptPause);
      continue;
    }
    if (auto entry = admit(remote.address())) {
      gate_.spawn("connection", serve(std::move(socket), *std::move(entry)));
    } else {
      socket.set_option(asio::socket_base::linger(true, 0), error);  // no more is said
    }
  }
  co_return Result<void>{};
}

/// Ends connections that wait for their peers: first those of addresses that have more than their share, then
/// those that wait for a request, then those that have waited the longest. Returns how many.
std::size_t Server::make_room() {
  std::vector<Connection*> waiting;
  for (Connection* connection : connections_) {
    // One that gives way may wait once more on its way to the end, and is counted already.
    const bool waits = connection->waits != Connection::Waits::nothing && !connection->gives_way;
    if (waits) waiting.push_back(connection);
  }
  const std::size_t count = std::min(waiting.size(), 1 + options_.connections_max / kPartThatGivesWay);
  const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(count);
  const std::size_t share = options_.addresses ? options_.addresses->fair_share() : 0;
  std::ranges::partial_sort(waiting, end, {}, [share](const Connection* connection) {
    const bool fair = connection->of_address == nullptr || *connection->of_address <= share;
    return std::tuple(fair, connection->waits, connection->since);
  });
  for (auto each = waiting.begin(); each != end; ++each) (*each)->give_way();
  giving_way_ += count;
  server_series().gave_way.add(static_cast<double>(count));
  return count;
}

/// Whether there is a place for a connection from this address. Whoever is refused costs as little as
/// possible.
std::optional<Server::Entry> Server::admit(const asio::ip::address& address) {
  AddressLimit* const addresses = options_.addresses.get();
  const AddressLimit::Count* const count = addresses == nullptr ? nullptr : addresses->enter(address);
  if (addresses != nullptr && count == nullptr) {
    server_series().beyond_address.add();
    return std::nullopt;
  }
  Entry entry(addresses, address, {.of_address = count});
  if (taken() < options_.connections_max) return entry;
  // Whoever has more than others takes nobody's place.
  if (count != nullptr && *count > addresses->fair_share()) {
    server_series().beyond_share.add();
    return std::nullopt;
  }
  if (make_room() == 0) entry.in_reserve();
  return entry;
}

base::Task<void> Server::serve(tcp::socket socket, Entry entry) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  std::string remote_ip = entry.address().to_string();
  if (options_.tls) {
    co_await serve_tls(*this, std::move(socket), std::move(remote_ip), entry.admission());
  } else {
    co_await serve_plain(*this, std::move(socket), std::move(remote_ip), entry.admission());
  }
  co_return Result<void>{};
}

void Server::opened(Connection& connection) {
  server_series().connections.add(1);
  connection.place = connections_.insert(connections_.end(), &connection);
  if (ticking_) return;
  ticking_ = true;
  tick();
}

void Server::closed(Connection& connection) {
  server_series().connections.add(-1);
  connections_.erase(connection.place);
  if (connection.gives_way) --giving_way_;
  if (room_.waiting()) room_.give(true);
}

bool Server::may_discard(std::size_t bytes) {
  if (bytes > discardable_bytes_) return false;
  discardable_bytes_ -= bytes;
  return true;
}

void Server::tick() {
  const auto now = base::steady_now();
  discardable_bytes_ = kDiscardedPerTick;
  for (Connection* connection : connections_) {
    if (connection->deadline < now) connection->expire();
  }
  if (connections_.empty()) {
    ticking_ = false;
    return;
  }
  // Those that were busy when the last one could not be let in may be idle by now.
  if (room_.waiting()) make_room();
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
