// Whether receivers that come back from an outage are spared: how many requests at once each of them got, and
// when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/clock.hpp"

namespace bench {

/// The rule: from a receiver's first request on it has at most two at once, and at most twice as many after
/// each five seconds (reliability: slow start after an outage).
class RampMeter {
 public:
  static constexpr std::uint32_t kStart = 2;
  static constexpr std::int64_t kDoublesEveryNs = 5 * kNsPerSecond;

  struct Verdict {
    std::size_t receivers = 0;    ///< that got a request at all
    std::size_t above = 0;        ///< of them, had more at once than they may at that time
    std::uint32_t most = 0;       ///< requests at once of one receiver, ever
    double worst_excess = 0;      ///< the largest of "at once / allowed"
    double worst_at_seconds = 0;  ///< after that receiver's first request
  };

  explicit RampMeter(std::size_t receivers) : receivers_(receivers) {}

  /// A request of the receiver has begun, or ended.
  void begin(std::size_t receiver, std::int64_t now);
  void end(std::size_t receiver) { --receivers_[receiver].at_once; }
  /// The next requests are the first after an outage.
  void start_over();

  Verdict verdict() const;
  /// Requests at once that a receiver may have so long after its first.
  static std::uint32_t allowed(std::int64_t after_ns);

 private:
  struct Receiver {
    std::int64_t first_ns = 0;
    std::int64_t worst_ns = 0;
    std::uint32_t at_once = 0;
    std::uint32_t most = 0;
    double worst = 0;
  };
  std::vector<Receiver> receivers_;
};

}  // namespace bench
