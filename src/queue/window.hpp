// How many tasks of a lane may run at once: grows while the other side keeps up, is halved when it does not.
#pragma once

#include "base/limits.hpp"
#include "queue/task.hpp"

namespace queue {

/// Additive increase, multiplicative decrease (ARCHITECTURE §4): start 2, +1 after a window of successes,
/// halved on timeout, 429, 503 or reset; 1 … 64.
class Window {
 public:
  std::size_t size() const { return size_; }

  void on(Signal signal) {
    if (signal == Signal::overload) {
      size_ = std::max<std::size_t>(1, size_ / 2);
      successes_ = 0;
    } else if (signal == Signal::success && ++successes_ >= size_) {
      successes_ = 0;
      size_ = std::min(size_ + 1, base::limits::kLaneWindowMax);
    }
  }

 private:
  std::size_t size_ = base::limits::kLaneWindowStart;
  std::size_t successes_ = 0;
};

}  // namespace queue
