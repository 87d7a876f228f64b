// What a shard refuses, on its way to the store: whoever sends it pays for little more than being counted.
#pragma once

#include "base/gate.hpp"
#include "inbound/receive/refusal.hpp"

namespace inbound {

/// Lives on one thread. The first refusal is written at once, those after it in rounds: of each round so many
/// requests of an endpoint are kept, and beyond the first of each so many in all; the others are counted. So
/// a flood costs the store a few rows in each round, however long it lasts, and leaves room for the others.
class RefusalLog {
 public:
  static constexpr std::size_t kKeptPerEndpoint = 10;  ///< in a round
  static constexpr std::size_t kKeptAlways = 2;        ///< of each endpoint
  static constexpr std::size_t kKeptPerRound = 100;    ///< of all together, beyond these
  static constexpr auto kRound = std::chrono::seconds{2};

  RefusalLog(base::Gate& gate, asio::any_io_executor executor, db::Db& store)
      : gate_(gate), store_(store), pause_(std::move(executor)) {}

  /// Counts it.
  void add(const Endpoint& endpoint, std::string_view reason) {
    count(endpoint, reason);
    begin();
  }
  /// The same; make is asked for what is kept, where there is room for it in this round.
  template <class Make>
  void add(const Endpoint& endpoint, std::string_view reason, const Make& make) {
    Refused& refused = count(endpoint, reason);
    const bool always = refused.kept.size() < kKeptAlways;
    if (always || (refused.kept.size() < kKeptPerEndpoint && kept_ < kKeptPerRound)) {
      refused.kept.push_back(make());
      if (!always) ++kept_;
    }
    begin();
  }

  /// Writes what there is and waits for no more rounds.
  void stop();

 private:
  Refused& count(const Endpoint& endpoint, std::string_view reason);
  void begin();
  base::Task<void> write_rounds();

  base::Gate& gate_;
  db::Db& store_;
  asio::steady_timer pause_;
  RefusedRound round_;
  std::size_t kept_ = 0;
  bool writing_ = false;
  bool stopping_ = false;
};

}  // namespace inbound
