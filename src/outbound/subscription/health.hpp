// When a subscription that keeps failing is switched off.
#pragma once

#include "base/clock.hpp"

namespace outbound {

struct HealthPolicy {
  std::int64_t failures = 10;  ///< consecutive attempts (mission 4, Webhook Processing 7)
  std::chrono::seconds floor =
      std::chrono::minutes{15};  ///< since the first of them; 0 is the mission's letter
};

/// Ten consecutive failures *and* fifteen minutes since the first of them: ten requests that were under way
/// when a receiver restarted must not switch it off.
inline bool should_disable(const HealthPolicy& policy, std::int64_t consecutive_failures,
                           base::Time failing_since, base::Time now) {
  return consecutive_failures >= policy.failures && now - failing_since >= policy.floor;
}

}  // namespace outbound
