// When a failed attempt is repeated.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/clock.hpp"

namespace queue {

/// 60, 300, 900, 3600, 7200 s (mission 4, Webhook Processing 5): the first try and five retries are six
/// requests.
inline constexpr std::chrono::seconds kRetryIntervals[] = {
    std::chrono::seconds{60}, std::chrono::seconds{300}, std::chrono::seconds{900},
    std::chrono::seconds{3600}, std::chrono::seconds{7200}};

/// What decides about the next try.
struct RetryPolicy {
  std::span<const std::chrono::seconds> intervals = kRetryIntervals;
  int retries_max = 5;
};

struct FailedAttempt {
  int number = 1;  ///< of the attempt that failed, 1-based
  base::Time ended{};
  std::optional<base::Time> retry_after{};  ///< what the other side asked for
  double jitter = 0.5;                      ///< 0 … 1, drawn by the caller: 0 is −10 %, 1 is +10 %
};

/// The moment of the next try, or nothing when the policy is spent. The interval of the last entry repeats
/// when the policy allows more retries than it has intervals. Retry-After is honoured from the scheduled
/// moment up to 24 h (ARCHITECTURE §7).
std::optional<base::Time> next_try(const RetryPolicy& policy, const FailedAttempt& failed);

/// Reads a Retry-After header: seconds, or an HTTP date (RFC 9110 §10.2.3). Nothing for anything else.
std::optional<base::Time> parse_retry_after(std::string_view value, base::Time now);

}  // namespace queue
