// Tasks and lanes for tests of the queue and of what rides on it.
#pragma once

#include <vector>

#include "queue/queue_store.hpp"

namespace testing {

inline constexpr const char* kTestKind = "test";

inline base::TenantId make_tenant_id() { return base::TenantId::make(base::SystemClock{}.now()); }
inline queue::LaneId make_lane_id() { return queue::LaneId::make(base::SystemClock{}.now()); }

struct TaskOf {
  queue::LaneId lane{};
  base::TenantId tenant{};
  base::Time now{};
  std::optional<base::Time> due{};  ///< a moment that it waits for
};

inline queue::Task make_task(const TaskOf& of) {
  queue::Task task;
  task.lane = of.lane;
  task.id = queue::TaskId::make(of.now);
  task.tenant = of.tenant;
  task.kind = kTestKind;
  task.due = of.due.value_or(of.now);
  task.created = of.now;
  task.timed = of.due.has_value();
  return task;
}

inline std::vector<queue::Task> make_tasks(const TaskOf& of, std::size_t count) {
  std::vector<queue::Task> tasks;
  tasks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) tasks.push_back(make_task(of));
  return tasks;
}

inline std::vector<queue::TaskId> ids_of(const std::vector<queue::Task>& tasks) {
  std::vector<queue::TaskId> ids;
  ids.reserve(tasks.size());
  for (const queue::Task& task : tasks) ids.push_back(task.id);
  return ids;
}

}  // namespace testing
