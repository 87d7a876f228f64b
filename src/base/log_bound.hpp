// A bound for log lines that others can cause by the thousand: some are written, the rest are counted.
#pragma once

#include <optional>

#include "base/clock.hpp"

namespace base {

/// At most `most` lines in each period; the first one after lines were left out says how many those were.
/// Lives on one thread.
class LogBound {
 public:
  LogBound(std::int64_t most, std::chrono::steady_clock::duration period) : most_(most), period_(period) {}

  /// Whether a line may be written at this moment: then how many were left out since the last one that was.
  std::optional<std::int64_t> admit(Steady now) {
    if (now - began_ >= period_) {
      began_ = now;
      written_ = 0;
    }
    if (written_ >= most_) {
      ++left_out_;
      return std::nullopt;
    }
    ++written_;
    return std::exchange(left_out_, 0);
  }

 private:
  std::int64_t most_;
  std::chrono::steady_clock::duration period_;
  Steady began_{};
  std::int64_t written_ = 0;
  std::int64_t left_out_ = 0;
};

}  // namespace base
