#include "outbound/subscription/statistics.hpp"

namespace outbound {

void AttemptCounts::add_latency(std::int64_t ms) {
  latency_ms += ms;
  const auto bucket = std::ranges::upper_bound(kLatencyBounds, ms);
  ++by_latency[static_cast<std::size_t>(bucket - kLatencyBounds.begin())];
}

void AttemptCounts::add(const AttemptCounts& other) {
  delivered += other.delivered;
  failed += other.failed;
  retried += other.retried;
  latency_ms += other.latency_ms;
  for (std::size_t i = 0; i < kLatencyBuckets; ++i) by_latency[i] += other.by_latency[i];
}

std::optional<double> AttemptCounts::latency_below(double share) const {
  std::int64_t all = 0;
  for (const std::int64_t count : by_latency) all += count;
  if (all == 0) return std::nullopt;
  const double wanted = share * static_cast<double>(all);
  double below = 0;
  for (std::size_t i = 0; i < kLatencyBounds.size(); ++i) {
    const auto here = static_cast<double>(by_latency[i]);
    const double lower = i == 0 ? 0 : static_cast<double>(kLatencyBounds[i - 1]);
    const auto upper = static_cast<double>(kLatencyBounds[i]);
    if (here > 0 && below + here >= wanted) return lower + (upper - lower) * (wanted - below) / here;
    below += here;
  }
  return static_cast<double>(kLatencyBounds.back());
}

}  // namespace outbound
