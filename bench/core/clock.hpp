// The bench's one notion of time: nanoseconds of the monotonic clock.
#pragma once

#include <cstdint>
#include <ctime>
#include <limits>

namespace bench {

inline constexpr std::int64_t kNsPerSecond = 1'000'000'000;
inline constexpr std::int64_t kNsPerMs = 1'000'000;
/// "No moment is known": later than any.
inline constexpr std::int64_t kNeverNs = std::numeric_limits<std::int64_t>::max();

inline std::int64_t read_clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * kNsPerSecond + now.tv_nsec;
}

/// Comparable within this process only; never 0.
inline std::int64_t now_ns() { return read_clock_ns(CLOCK_MONOTONIC); }

inline double to_seconds(std::int64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(kNsPerSecond);
}

}  // namespace bench
