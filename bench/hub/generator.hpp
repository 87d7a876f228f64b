// The load generator: keep-alive connections that send events, as fast as they are answered or at a steady
// rate.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/ledger.hpp"
#include "hub/payload.hpp"
#include "hub/poller.hpp"

namespace bench {

/// How a generator loads the server.
struct LoadPlan {
  std::uint16_t port = 0;
  std::size_t connections = 128;
  /// 0: closed loop, each connection sends its next event as soon as the last one is answered. Otherwise
  /// event n is due at start + n / rate whether the server keeps up or not, and waiting for a free connection
  /// counts as latency (no coordinated omission).
  std::uint64_t events_per_second = 0;
  int success = 202;  ///< the status of an acknowledgement, whose body names an id
};

/// The whole request for event `seq`, sent at that time; the view is valid until the next call.
using MakeRequest = std::move_only_function<std::string_view(std::uint32_t seq, std::int64_t sent_unix_us)>;

/// How the requests ended, apart from what the ledger knows.
struct LoadCounts {
  std::array<std::uint64_t, 600> by_status{};
  std::uint64_t lost_connections = 0;  ///< closed or broken while a request was unanswered
  std::uint64_t bad_answers = 0;       ///< not HTTP, unasked for, or a 202 without an id

  std::uint64_t refused() const { return by_status[429] + by_status[503]; }
  /// An acceptance or a refusal by a server that is too busy (503), or has enough of this tenant (429).
  static bool is_expected(std::size_t status) { return status == 202 || status == 429 || status == 503; }
  /// All other answers.
  std::uint64_t unexpected() const;
  std::uint64_t server_errors() const;  ///< 5xx
};

/// Sends requests in turn, one per connection at a time. One thread: the one that waits on the poller.
class Generator {
 public:
  /// Connects; throws when the server refuses. poller and ledger must outlive the generator.
  Generator(Poller& poller, Ledger& ledger, MakeRequest make_request, LoadPlan plan);
  /// The same, with an event of each of the requests in turn.
  Generator(Poller& poller, Ledger& ledger, std::vector<EventRequest> requests, LoadPlan plan);
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  void start(std::int64_t now);
  /// No further event; answers that are under way are still taken.
  void stop() { running_ = false; }
  /// Sends what is due and returns the moment at which it wants to be called again.
  std::int64_t pace(std::int64_t now);

  std::uint64_t unanswered() const { return unanswered_; }
  const LoadCounts& counts() const { return counts_; }
  /// True when every connection is gone and none could be opened again.
  bool cut_off() const { return dead_ == connections_.size(); }

 private:
  enum class State : std::uint8_t {
    free,     ///< about to be given something to do
    busy,     ///< its request is unanswered
    idle,     ///< in idle_, until the next event is due
    resting,  ///< in resting_, after a refusal
    dead      ///< could not be opened again
  };
  struct Connection final : Pollable {
    explicit Connection(Generator& generator) : owner(generator) {}
    void on_ready(std::uint32_t events) override { owner.on_ready(*this, events); }

    Generator& owner;
    Fd fd;
    Inbox inbox;
    std::string unsent;
    std::uint32_t seq = 0;
    State state = State::free;
  };
  struct Resting {
    Connection* connection;
    std::int64_t until_ns;
  };

  void on_ready(Connection& connection, std::uint32_t events);
  /// False when the connection is no longer the one that was read from.
  bool take_answers(Connection& connection, std::int64_t now);
  void record(const Connection& connection, int status, const Message& answer, std::int64_t now);
  void proceed(Connection& connection, std::int64_t now);
  void send(Connection& connection, std::int64_t due_ns, std::int64_t now);
  void flush(Connection& connection);
  void rest(Connection& connection, std::int64_t now);
  void lose(Connection& connection, std::int64_t now);
  bool reopen(Connection& connection);
  std::int64_t next_due_ns() const;

  Poller& poller_;
  Ledger& ledger_;
  MakeRequest make_request_;
  LoadPlan plan_;
  std::deque<Connection> connections_;  // immovable: the poller knows their addresses
  // First in, first out, so that no connection idles long enough for the server to close it.
  std::deque<Connection*> idle_;
  std::deque<Resting> resting_;
  LoadCounts counts_;
  std::uint64_t unanswered_ = 0;
  std::uint64_t issued_ = 0;
  std::size_t dead_ = 0;
  std::int64_t start_ns_ = 0;
  std::int64_t unix_offset_ns_ = 0;
  bool running_ = false;
};

}  // namespace bench
