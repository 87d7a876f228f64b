#include "monitor/backlog.hpp"

#include <algorithm>
#include <limits>

namespace monitor {

namespace {

using base::Result;

constexpr auto kInterval = std::chrono::seconds{10};
constexpr int kRestPerWork = 50;

}  // namespace

void BacklogWatch::start() {
  rounds_.start("count the backlog", kInterval, [this] { return look_unless_resting(); });
}

base::Task<void> BacklogWatch::look_unless_resting() {
  if (base::steady_now() < rests_until_) co_return Result<void>{};
  const base::Steady began = base::steady_now();
  auto looked = co_await look();
  const base::Steady ended = base::steady_now();
  rests_until_ = ended + (ended - began) * kRestPerWork;
  co_return looked;
}

base::Task<void> BacklogWatch::look() {
  const auto counted = co_await store_.read(queue::count_backlog, db::kLongReadTime);
  const base::Time now = clock_.now();
  // A number that is no longer true would hide that there is none.
  set_all(counted ? 0 : std::numeric_limits<double>::quiet_NaN());
  if (!counted) co_return std::unexpected(counted.error());
  for (const queue::Backlog& backlog : *counted) {
    const Series& series = series_of(backlog);
    series.tasks.set(static_cast<double>(backlog.tasks));
    const double late = std::chrono::duration<double>(now - backlog.earliest_due).count();
    if (series.overdue != nullptr) series.overdue->set(std::max(0.0, late));
  }
  co_return Result<void>{};
}

void BacklogWatch::set_all(double value) {
  for (auto& [name, series] : series_) {
    series.tasks.set(value);
    if (series.overdue != nullptr) series.overdue->set(value);
  }
}

BacklogWatch::Series& BacklogWatch::series_of(const queue::Backlog& backlog) {
  const bool paused = backlog.state == queue::LaneState::paused;
  const std::string name = backlog.kind + (paused ? "/paused" : "/active");
  const auto found = series_.find(name);
  if (found != series_.end()) return found->second;
  base::Gauge& tasks = base::metrics().gauge(
      "crossdock_backlog_tasks", "What waits in the queue, retries among it, in the whole store",
      {{"kind", backlog.kind}, {"state", paused ? "paused" : "active"}});
  base::Gauge* overdue = paused ? nullptr
                                : &base::metrics().gauge("crossdock_backlog_oldest_seconds",
                                                         "For how long that which waits longest has been due",
                                                         {{"kind", backlog.kind}});
  return series_.emplace(name, Series{tasks, overdue}).first->second;
}

}  // namespace monitor
