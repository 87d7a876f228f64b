// Where the time of day and the time that passes come from; tests put a fake in its place.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace base {

/// A moment of the wall clock, UTC, in microseconds since 1970: what is stored and shown.
using Time = std::chrono::sys_time<std::chrono::microseconds>;
/// A moment of the monotonic clock: what deadlines and measured durations are made of.
using Steady = std::chrono::steady_clock::time_point;
/// The monotonic moment by which something must have ended. Absolute, so it travels down a call chain
/// unchanged.
using Deadline = Steady;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual Steady steady() const = 0;
  /// How long, by the monotonic clock, until now() is `moment`; zero when that has passed.
  virtual std::chrono::microseconds until(Time moment) const;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  Time now() const override;
  Steady steady() const override;
};

/// The machine's clocks, but that the time of day runs `rate` times as fast since the clock was made. For
/// tests of what takes hours: deadlines of sockets and measured durations keep their pace.
class ScaledClock final : public Clock {
 public:
  explicit ScaledClock(std::int64_t rate);
  Time now() const override;
  Steady steady() const override;
  std::chrono::microseconds until(Time moment) const override;

 private:
  std::int64_t rate_;
  Time begun_;
  Steady steady_begun_;
};

/// The machine's monotonic clock, for durations that are measured and for deadlines of real sockets.
Steady steady_now();

/// "2026-11-22T16:48:00.123Z": RFC 3339, UTC, milliseconds (truncated).
std::string to_rfc3339(Time time);

/// Reads RFC 3339 with any offset and up to nine fractional digits (kept to microseconds). Error: invalid.
Result<Time> parse_rfc3339(std::string_view text);

inline std::int64_t to_micros(Time time) { return time.time_since_epoch().count(); }
inline Time from_micros(std::int64_t micros) { return Time{std::chrono::microseconds{micros}}; }

}  // namespace base
