// Tells the metrics how much waits in the queue, and for how long.
#pragma once

#include <map>
#include <string>

#include "base/metrics.hpp"
#include "base/recurring.hpp"
#include "queue/backlog.hpp"

namespace monitor {

/// Counts every ten seconds, and more seldom where that takes long: at most a fiftieth of the time. On a
/// store that several nodes share each of them counts all of it.
class BacklogWatch {
 public:
  BacklogWatch(asio::any_io_executor executor, db::Db& store, const base::Clock& clock)
      : store_(store), clock_(clock), rounds_(executor) {}

  void start();
  asio::awaitable<void> stop() { return rounds_.stop(); }

  /// Counts once. Where that fails, the series that there are become NaN.
  base::Task<void> look();

 private:
  struct Series {
    base::Gauge& tasks;
    base::Gauge* overdue;  ///< null for lanes that are paused: what they hold waits on purpose
  };
  base::Task<void> look_unless_resting();
  void set_all(double value);
  Series& series_of(const queue::Backlog& backlog);

  db::Db& store_;
  const base::Clock& clock_;
  std::map<std::string, Series, std::less<>> series_;  // by kind and state
  base::Steady rests_until_{};
  base::Recurring rounds_;
};

}  // namespace monitor
