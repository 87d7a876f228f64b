// How much waits in the queue, and since when: for metrics.
#pragma once

#include <string>
#include <vector>

#include "db/db.hpp"
#include "queue/task.hpp"

namespace queue {

/// Tasks of one kind in lanes of one state.
struct Backlog {
  std::string kind{};
  LaneState state = LaneState::active;
  std::int64_t tasks = 0;
  base::Time earliest_due{};  ///< of that which has been due longest, or will be due first
};

/// Of the whole store. Goes through all tasks: for the background, seldom.
base::Result<std::vector<Backlog>> count_backlog(db::Tx& tx);

}  // namespace queue
