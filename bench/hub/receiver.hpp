// The receivers of the webhooks: one HTTP server that answers 200 and tells the ledger, and its sick
// neighbours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/ramp.hpp"
#include "hub/ledger.hpp"
#include "hub/payload.hpp"
#include "hub/poller.hpp"
#include "hub/wire.hpp"

namespace bench {

/// What a port does with the requests that come in.
enum class Behaviour : std::uint8_t {
  answer,  ///< 200, and the port's ledger hears of it
  fail,    ///< 500 to everything
  hang,    ///< reads and never answers
  reset    ///< reads a request and breaks the connection
};

/// Which addresses a port is reached by.
enum class Reach : std::uint8_t {
  one_address,  ///< 127.0.0.1
  all_loopback  ///< 127.0.0.0/8
};

/// What the receivers saw, apart from what the ledger knows.
struct ReceiptCounts {
  std::uint64_t requests = 0;  ///< on ports that answer
  std::uint64_t signatures_checked = 0;
  std::uint64_t signatures_bad = 0;
  std::uint64_t malformed = 0;         ///< not HTTP, no webhook-id, no number in the body, or an unknown path
  std::uint64_t sick_requests = 0;     ///< on ports that fail or reset
  std::uint64_t sick_connections = 0;  ///< on ports that do not answer 200
};

/// Any number of ports on the loopback device. One thread: the one that waits on the poller.
class Receiver {
 public:
  /// One signature in `verify_every` is checked (0: none).
  Receiver(Poller& poller, std::uint64_t verify_every) : poller_(poller), verify_every_(verify_every) {}
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Opens a port and returns its number. Deliveries go to "/hook/<route>".
  std::uint16_t listen(Behaviour behaviour, Reach reach = Reach::one_address);
  /// Whose events arrive at the port from now on. Both must outlive the receiver's use.
  void expect(std::uint16_t port, Ledger& ledger, const std::vector<Route>& routes);

  /// From now on connections to the port are refused, and those that are open end.
  void go_down(std::uint16_t port);
  void come_up(std::uint16_t port);

  /// From now on a 200 goes out so long after its request, and the meter hears of both. The meter must
  /// outlive the receiver's use.
  void delay_answers(std::int64_t by_ns, RampMeter& meter);
  /// Sends the answers that are due and returns the moment at which it wants to be called again.
  std::int64_t pace(std::int64_t now);

  const ReceiptCounts& counts() const { return counts_; }

 private:
  struct Listener final : Pollable {
    Listener(Receiver& receiver, Behaviour kind) : owner(receiver), behaviour(kind) {}
    void on_ready(std::uint32_t) override { owner.accept(*this); }

    Receiver& owner;
    BoundPort bound;  // keeps the port while nobody listens there
    Fd fd;
    Behaviour behaviour;
    Ledger* ledger = nullptr;
    const std::vector<Route>* routes = nullptr;
  };
  struct Connection final : Pollable {
    explicit Connection(Receiver& receiver) : owner(receiver) {}
    void on_ready(std::uint32_t events) override { owner.on_ready(*this, events); }

    Receiver& owner;
    Fd fd;
    Inbox inbox;
    const Listener* listener = nullptr;
    std::uint64_t uses = 0;             // tells a connection from the one that had its place before
    std::optional<std::size_t> serves;  // the route of the request whose answer is delayed
  };
  struct DueAnswer {
    std::int64_t due_ns;
    Connection* connection;
    std::uint64_t use;
  };

  Listener& listener_at(std::uint16_t port);
  void accept(Listener& listener);
  void on_ready(Connection& connection, std::uint32_t events);
  bool take_requests(Connection& connection, std::int64_t now);
  bool answer(Connection& connection, const Message& request, std::int64_t now);
  /// The route of the request, where it can be read.
  std::optional<std::size_t> record(const Listener& listener, const Message& request, std::int64_t now);
  void verify(const Message& request, const Route& route);
  void close(Connection& connection);

  Poller& poller_;
  std::uint64_t verify_every_;
  std::int64_t answer_delay_ns_ = 0;
  RampMeter* meter_ = nullptr;
  std::deque<DueAnswer> due_answers_;
  std::deque<Listener> listeners_;      // immovable, as are the connections: the poller knows their addresses
  std::deque<Connection> connections_;  // never shrinks: a closed one is used again
  std::vector<Connection*> closed_;
  ReceiptCounts counts_;
};

}  // namespace bench
