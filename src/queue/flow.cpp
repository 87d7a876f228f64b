#include "queue/flow.hpp"

namespace queue {

namespace {

constexpr auto kSlow = std::chrono::seconds{2};
constexpr auto kRampStep = std::chrono::seconds{5};
constexpr int kRampStepsMax = 6;  // 2^6 is the widest window
static_assert((1 << kRampStepsMax) >= base::limits::kLaneWindowMax);

}  // namespace

std::size_t Flow::width(base::Time now) const {
  if (breaker_.state(now) != Breaker::State::closed) return 1;
  std::size_t width = std::min(window_.size(), policy_.in_flight_max);
  if (ramp_since_) {
    const auto steps = std::min<std::int64_t>((now - *ramp_since_) / kRampStep, kRampStepsMax);
    width = std::min(width, std::size_t{1} << std::max<std::int64_t>(steps, 0));
  }
  return width;
}

Flow::May Flow::may_start(std::size_t running, base::Time now) {
  if (breaker_.state(now) == Breaker::State::open) return {.at = breaker_.open()->until};
  if (running >= width(now)) return {};
  if (!policy_.rate) return {.now = true};
  const auto later = pace_.wait(*policy_.rate, now);
  return {.now = !later, .at = later};
}

Share Flow::share(base::Time now) const {
  if (breaker_.state(now) != Breaker::State::closed) return Share::probe;
  return proven_ && latency_ < kSlow ? Share::fast : Share::slow;
}

void Flow::started(base::Time now) {
  if (policy_.rate) pace_.started(*policy_.rate, now);
  if (ramp_since_ && now - *ramp_since_ >= kRampStep * kRampStepsMax) ramp_since_.reset();
}

std::optional<Breaker::Change> Flow::ended(const End& end, base::Time now) {
  window_.on(end.signal);
  if (end.signal == Signal::neutral) return std::nullopt;
  proven_ = end.signal == Signal::success;
  latency_ += (end.took - latency_) / 8;
  auto change = breaker_.ended(circuit_, {.success = proven_, .probe = end.probe}, now);
  if (!change) return std::nullopt;
  if (!change->open) begin_ramp(now);
  change->circuit_no = policy_.circuit_no;
  return change;
}

void Flow::reset_circuit(base::Time now) {
  if (breaker_.open()) begin_ramp(now);
  breaker_.reset();
}

}  // namespace queue
