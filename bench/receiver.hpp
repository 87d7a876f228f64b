// The receivers of the webhooks: one HTTP server that answers 200 and tells the ledger, and its sick
// neighbours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "ledger.hpp"
#include "payload.hpp"
#include "poller.hpp"
#include "wire.hpp"

namespace bench {

/// What a port does with the requests that come in.
enum class Behaviour : std::uint8_t {
  answer,  ///< 200, and the ledger hears of it
  fail,    ///< 500 to everything
  hang     ///< reads and never answers
};

/// What the receivers saw, apart from what the ledger knows.
struct ReceiptCounts {
  std::uint64_t requests = 0;  ///< on ports that answer
  std::uint64_t signatures_checked = 0;
  std::uint64_t signatures_bad = 0;
  std::uint64_t malformed = 0;         ///< not HTTP, no webhook-id, no number in the body, or an unknown path
  std::uint64_t sick_requests = 0;     ///< on ports that fail
  std::uint64_t sick_connections = 0;  ///< on ports that fail or hang
};

/// Any number of ports on 127.0.0.1. One thread: the one that waits on the poller.
class Receiver {
 public:
  /// One signature in `verify_every` is checked (0: none).
  Receiver(Poller& poller, std::uint64_t verify_every) : poller_(poller), verify_every_(verify_every) {}
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Opens a port and returns its number. Deliveries go to "/hook/<route>".
  std::uint16_t listen(Behaviour behaviour);
  /// Whose events arrive from now on. Both must outlive the receiver's use.
  void expect(Ledger& ledger, const std::vector<Route>& routes);

  const ReceiptCounts& counts() const { return counts_; }

 private:
  struct Connection final : Pollable {
    explicit Connection(Receiver& receiver) : owner(receiver) {}
    void on_ready(std::uint32_t events) override { owner.on_ready(*this, events); }

    Receiver& owner;
    Fd fd;
    Inbox inbox;
    Behaviour behaviour = Behaviour::answer;
  };
  struct Listener final : Pollable {
    Listener(Receiver& receiver, Behaviour kind) : owner(receiver), behaviour(kind) {}
    void on_ready(std::uint32_t) override { owner.accept(*this); }

    Receiver& owner;
    Fd fd;
    Behaviour behaviour;
  };

  void accept(Listener& listener);
  void on_ready(Connection& connection, std::uint32_t events);
  bool take_requests(Connection& connection, std::int64_t now);
  void record(const Message& request, std::int64_t now);
  void verify(const Message& request, std::size_t route);
  void close(Connection& connection);

  Poller& poller_;
  std::uint64_t verify_every_;
  Ledger* ledger_ = nullptr;
  const std::vector<Route>* routes_ = nullptr;
  std::deque<Listener> listeners_;      // immovable, as are the connections: the poller knows their addresses
  std::deque<Connection> connections_;  // never shrinks: a closed one is used again
  std::vector<Connection*> closed_;
  ReceiptCounts counts_;
};

}  // namespace bench
