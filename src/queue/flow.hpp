// How fast the tasks of one lane may go: its window, ramp, rate and circuit breaker together.
#pragma once

#include "queue/pace.hpp"
#include "queue/window.hpp"

namespace queue {

/// Pure: time is passed in.
class Flow {
 public:
  explicit Flow(const Breaker::Policy& circuit) : circuit_(circuit) {}

  void set_policy(const LanePolicy& policy) { policy_ = policy; }
  const LanePolicy& policy() const { return policy_; }

  /// Whether one more may begin beside those that run, or when it may; neither: once another one has ended.
  struct May {
    bool now = false;
    std::optional<base::Time> at{};
  };
  May may_start(std::size_t running, base::Time now);
  /// fast, slow or probe.
  Share share(base::Time now) const;
  void started(base::Time now);

  struct End {
    Signal signal = Signal::neutral;
    std::chrono::microseconds took{};
    bool probe = false;
  };
  std::optional<Breaker::Change> ended(const End& end, base::Time now);

  /// After an outage or a pause: one at a time, and at most twice as many every five seconds.
  void begin_ramp(base::Time now) { ramp_since_ = now; }
  void restore_circuit(const Breaker::Open& open) { breaker_.restore(open); }
  /// Closes it whatever it has seen; what it kept waiting begins with a ramp.
  void reset_circuit(base::Time now);
  bool circuit_closed() const { return !breaker_.open(); }
  /// How many may run at once.
  std::size_t width(base::Time now) const;

 private:
  Breaker::Policy circuit_;
  LanePolicy policy_;
  Window window_;
  Breaker breaker_;
  Pace pace_;
  std::optional<base::Time> ramp_since_;
  bool proven_ = false;                  // the last one that told anything went well
  std::chrono::microseconds latency_{};  // moving average
};

}  // namespace queue
