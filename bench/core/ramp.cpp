#include "core/ramp.hpp"

#include <algorithm>

namespace bench {

std::uint32_t RampMeter::allowed(std::int64_t after_ns) {
  constexpr std::int64_t kStepsMax = 20;  // a million at once: as good as no limit
  return kStart << std::min(after_ns / kDoublesEveryNs, kStepsMax);
}

void RampMeter::begin(std::size_t number, std::int64_t now) {
  Receiver& receiver = receivers_[number];
  if (receiver.first_ns == 0) receiver.first_ns = now;
  ++receiver.at_once;
  receiver.most = std::max(receiver.most, receiver.at_once);
  const std::int64_t after_ns = now - receiver.first_ns;
  const double excess = static_cast<double>(receiver.at_once) / allowed(after_ns);
  if (excess > receiver.worst) {
    receiver.worst = excess;
    receiver.worst_ns = after_ns;
  }
}

void RampMeter::start_over() {
  for (Receiver& receiver : receivers_) receiver = {.at_once = receiver.at_once};
}

RampMeter::Verdict RampMeter::verdict() const {
  Verdict verdict;
  for (const Receiver& receiver : receivers_) {
    if (receiver.first_ns == 0) continue;
    ++verdict.receivers;
    if (receiver.worst > 1) ++verdict.above;
    verdict.most = std::max(verdict.most, receiver.most);
    if (receiver.worst > verdict.worst_excess) {
      verdict.worst_excess = receiver.worst;
      verdict.worst_at_seconds = to_seconds(receiver.worst_ns);
    }
  }
  return verdict;
}

}  // namespace bench
