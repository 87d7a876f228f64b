// Whether two sorts of samples have the same mean: Welch's t, over samples without their slowest part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

/// How long something took, and of which of two sorts it was.
struct TimedSample {
  std::uint32_t ns = 0;
  bool second = false;
};

struct WelchResult {
  std::size_t kept = 0;
  double first_ns = 0;  ///< the means of what was kept
  double second_ns = 0;
  double t = 0;  ///< above 0 where the second sort takes longer; 0 where nothing can be said
};

/// Of all samples together the fastest `share` are kept and the rest is left out, whichever sort it is of:
/// interrupts and other tenants of the machine make it, and its spread hides everything else. The limit is
/// the same for both sorts, so two that are alike stay alike.
WelchResult compare_by_welch(const std::vector<TimedSample>& samples, double share);

}  // namespace bench
