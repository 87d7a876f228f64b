#include "queue/scheduler.hpp"

#include "base/assert.hpp"

namespace queue {

namespace {

/// What a tenant may spend in one turn: a few small tasks, so that turns are short.
constexpr std::int64_t kQuantum = 8;
constexpr std::size_t kBytesPerCost = 16 << 10;

std::int64_t cost(const Task& task) {
  return 1 + static_cast<std::int64_t>(task.payload_bytes / kBytesPerCost);
}

}  // namespace

Scheduler::Lane& Scheduler::lane_of(const Task& task) {
  Lane& lane = lanes_[task.lane];
  lane.id = task.lane;
  lane.tenant = task.tenant;
  return lane;
}

void Scheduler::add(Task task) {
  Lane& lane = lane_of(task);
  lane.ready.push_back(std::move(task));
  list(lane);
}

void Scheduler::list(Lane& lane) {
  if (lane.listed || !lane.can_run()) return;
  Tenant& tenant = tenants_[lane.tenant];
  tenant.round.push_back(&lane);
  lane.listed = true;
  if (!tenant.listed) {
    tenant.listed = true;
    round_.push_back(&tenant);
  }
}

std::optional<Task> Scheduler::next() {
  while (running_ < slots_ && !round_.empty()) {
    Tenant& tenant = *round_.front();
    if (tenant.deficit <= 0) tenant.deficit += kQuantum;
    if (tenant.deficit <= 0) {  // it still pays for a large task
      pass_turn();
      continue;
    }
    if (auto task = take_from(tenant)) {
      tenant.deficit -= cost(*task);
      if (tenant.deficit <= 0) pass_turn();
      ++running_;
      return task;
    }
    // Nothing it could spend on: credit is not saved up.
    tenant.deficit = 0;
    tenant.listed = false;
    round_.pop_front();
  }
  return std::nullopt;
}

void Scheduler::pass_turn() {
  round_.push_back(round_.front());
  round_.pop_front();
}

std::optional<Task> Scheduler::take_from(Tenant& tenant) {
  while (!tenant.round.empty()) {
    Lane& lane = *tenant.round.front();
    tenant.round.pop_front();
    lane.listed = false;
    if (!lane.can_run()) continue;
    Task task = std::move(lane.ready.front());
    lane.ready.pop_front();
    ++lane.running;
    if (lane.can_run()) {
      tenant.round.push_back(&lane);
      lane.listed = true;
    }
    return task;
  }
  return std::nullopt;
}

void Scheduler::release(LaneId id, Signal signal) {
  Lane& lane = lanes_.at(id);
  XD_ASSERT(lane.running > 0 && running_ > 0);
  --lane.running;
  --running_;
  lane.window.on(signal);
  list(lane);
}

void Scheduler::put_back(Task task) {
  Lane& lane = lanes_.at(task.lane);
  XD_ASSERT(lane.running > 0 && running_ > 0);
  --lane.running;
  --running_;
  lane.ready.push_front(std::move(task));
  list(lane);
}

void Scheduler::set_paused(LaneId id, bool paused) {
  const auto found = lanes_.find(id);
  if (found == lanes_.end()) return;
  found->second.paused = paused;
  list(found->second);
}

std::vector<Task> Scheduler::drop_ready(LaneId id) {
  const auto found = lanes_.find(id);
  if (found == lanes_.end()) return {};
  std::deque<Task> ready = std::exchange(found->second.ready, {});
  return {std::make_move_iterator(ready.begin()), std::make_move_iterator(ready.end())};
}

std::size_t Scheduler::ready(LaneId id) const {
  const auto found = lanes_.find(id);
  return found == lanes_.end() ? 0 : found->second.ready.size();
}

std::size_t Scheduler::window(LaneId id) const {
  const auto found = lanes_.find(id);
  return found == lanes_.end() ? Window{}.size() : found->second.window.size();
}

}  // namespace queue
