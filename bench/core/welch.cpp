#include "core/welch.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace bench {

namespace {

/// Mean and variance in one pass, without the difference of large sums (Welford).
struct Spread {
  double count = 0;
  double mean = 0;
  double squares = 0;

  void add(double value) {
    count += 1;
    const double off = value - mean;
    mean += off / count;
    squares += off * (value - mean);
  }
  double error() const { return count > 1 ? squares / (count - 1) / count : 0; }
};

/// What the given share of the samples does not exceed.
std::uint32_t limit_of(const std::vector<TimedSample>& samples, double share) {
  std::vector<std::uint32_t> times;
  times.reserve(samples.size());
  for (const TimedSample& sample : samples) times.push_back(sample.ns);
  const auto last = static_cast<double>(times.size() - 1);
  const auto place = times.begin() + static_cast<std::ptrdiff_t>(std::clamp(share, 0.0, 1.0) * last);
  std::ranges::nth_element(times, place);
  return *place;
}

}  // namespace

WelchResult compare_by_welch(const std::vector<TimedSample>& samples, double share) {
  if (samples.empty()) return {};
  const std::uint32_t limit = limit_of(samples, share);
  std::array<Spread, 2> sorts;
  for (const TimedSample& sample : samples) {
    if (sample.ns <= limit) sorts[sample.second ? 1 : 0].add(sample.ns);
  }
  const auto& [first, second] = sorts;
  const double error = std::sqrt(first.error() + second.error());
  return {.kept = static_cast<std::size_t>(first.count + second.count),
          .first_ns = first.mean,
          .second_ns = second.mean,
          .t = error > 0 ? (second.mean - first.mean) / error : 0};
}

}  // namespace bench
