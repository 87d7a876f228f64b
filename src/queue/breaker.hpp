// A circuit breaker: stops trying what keeps failing, and finds out gently when it works again.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"

namespace queue {

/// Mission 4, Circuit Breaker; ARCHITECTURE §7. Pure: time is passed in.
///
///   CLOSED ──5 failures in a row──▶ OPEN ──open time over──▶ HALF_OPEN (one probe at a time)
///      ▲                             ▲                          │
///      │                             └──a probe fails: twice ───┤
///      └─────────3 probes succeed in a row──────────────────────┘
///
/// The open time begins at 60 s and doubles up to 15 min while probes keep failing. Attempts that began
/// before it opened tell nothing new.
class Breaker {
 public:
  enum class State : std::uint8_t { closed, open, half_open };
  struct Policy {
    int failures = 5;               ///< in a row that open it; CIRCUIT_FAILURE_THRESHOLD
    int successes = 3;              ///< probes in a row that close it
    std::chrono::seconds open{60};  ///< CIRCUIT_TIMEOUT_SECONDS
    std::chrono::seconds open_max = std::chrono::minutes{15};
  };
  /// How long one is open: what outlives the process.
  struct Open {
    base::Time until{};  ///< no probe before this
    std::chrono::seconds span{};
    base::Time since{};  ///< when it opened
    bool operator==(const Open&) const = default;
  };
  struct Change {
    enum class Kind : std::uint8_t {
      opened,    ///< was closed
      reopened,  ///< a probe failed
      closed
    };
    Kind kind = Kind::closed;
    std::optional<Open> open{};   ///< nothing once it is closed
    std::int64_t circuit_no = 0;  ///< of the lane's policy; the lane fills it in
  };

  State state(base::Time now) const;
  /// Since when and for how long it is not closed; nothing while it is.
  const std::optional<Open>& open() const { return open_; }
  /// Of another process, or another node, on the same lane.
  void restore(const Open& open);
  /// Closes it and forgets what it has counted.
  void reset();

  /// An attempt ended; probe says that it began while the breaker was half open.
  struct End {
    bool success = false;
    bool probe = false;
  };
  std::optional<Change> ended(const Policy& policy, End end, base::Time now);

 private:
  Change opened(Change::Kind kind, std::chrono::seconds span, base::Time now);

  int failures_ = 0;   // in a row while closed
  int successes_ = 0;  // probes in a row
  std::optional<Open> open_;
};

}  // namespace queue
