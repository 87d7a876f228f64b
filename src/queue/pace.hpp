// A rate limit: at most n starts in any window of time.
#pragma once

#include <list>
#include <optional>

#include "queue/task.hpp"

namespace queue {

/// Remembers the starts of one window, at most some hundred entries: those close together are counted as one
/// at the time of the latest, so that the limit holds in every window, and is used to 99 %. Pure: time is
/// passed in.
class Pace {
 public:
  /// When the next one may start; nothing when it may now.
  std::optional<base::Time> wait(const base::Rate& rate, base::Time now) {
    while (!starts_.empty() && starts_.front().at + rate.window <= now) {
      in_window_ -= starts_.front().count;
      starts_.pop_front();
    }
    if (in_window_ < rate.requests) return std::nullopt;
    return starts_.front().at + rate.window;
  }

  void started(const base::Rate& rate, base::Time now) {
    ++in_window_;
    const bool close = !starts_.empty() && now - starts_.back().first < rate.window / kParts;
    if (!close) starts_.push_back({now, now, 0});
    starts_.back().at = std::max(starts_.back().at, now);
    ++starts_.back().count;
  }

 private:
  static constexpr int kParts = 128;
  struct Starts {
    base::Time first;
    base::Time at;  // the latest
    std::size_t count;
  };
  std::list<Starts>
      starts_;  // not a deque: of thousands of lanes few have any, and an empty one costs nothing
  std::size_t in_window_ = 0;
};

}  // namespace queue
