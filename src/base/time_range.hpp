// A range of time as users write it, over moments that are shown in milliseconds.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace base {

/// From a moment on, and before one; both in whole milliseconds, as what is compared with them is shown.
struct TimeRange {
  std::optional<Time> from{};
  std::optional<Time> before{};

  /// Narrows it by "gte", "gt", "lte" or "lt"; of several bounds on one side the nearest counts. False for
  /// any other word.
  bool narrow(std::string_view bound, Time moment) {
    using std::chrono::milliseconds;
    const Time next = std::chrono::floor<milliseconds>(moment) + milliseconds{1};
    const Time same = std::chrono::ceil<milliseconds>(moment);
    if (bound == "gte" || bound == "gt") {
      const Time bounded = bound == "gte" ? same : next;
      from = std::max(from.value_or(bounded), bounded);
    } else if (bound == "lt" || bound == "lte") {
      const Time bounded = bound == "lt" ? same : next;
      before = std::min(before.value_or(bounded), bounded);
    } else {
      return false;
    }
    return true;
  }
  bool contains(Time moment) const { return (!from || moment >= *from) && (!before || moment < *before); }
  bool operator==(const TimeRange&) const = default;
};

}  // namespace base
