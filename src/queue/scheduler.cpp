#include "queue/scheduler.hpp"

#include "base/assert.hpp"

namespace queue {

namespace {

constexpr std::size_t kBytesPerCost = 16 << 10;
/// Tasks at hand for each that may run at once. Where one takes seconds, there is time to read the next.
constexpr std::size_t kSlowAppetite = 2;
constexpr std::size_t kFastAppetite = 8;
/// Tasks that a lane may begin in one turn. Those of a lane lie together in the table: begun and ended
/// together, they touch fewer of its pages, which are written whole.
constexpr std::size_t kTurn = 8;
/// Probes at once, however few slots there are.
constexpr std::size_t kProbesAlways = 8;

std::int64_t cost(const Task& task) {
  return 1 + static_cast<std::int64_t>(task.payload_bytes / kBytesPerCost);
}

std::size_t index(Share share) { return static_cast<std::size_t>(share); }

}  // namespace

Share Scheduler::Lane::share(base::Time now) const {
  const Share share = flow.share(now);
  return share == Share::fast && fresh.empty() ? Share::bulk : share;
}

Scheduler::Scheduler(const Options& options) : options_(options) {
  const std::size_t slots = options.slots;
  // An eighth is never given to what is slow or unknown: a node full of dead receivers still serves the
  // others.
  bounds_[index(Share::fast)] = {.reserved = 0, .most = slots};
  bounds_[index(Share::slow)] = {.reserved = slots / 8, .most = slots - slots / 8};
  bounds_[index(Share::probe)] = {.reserved = slots / 64, .most = std::max(kProbesAlways, slots / 20)};
  bounds_[index(Share::bulk)] = {.reserved = slots / 32, .most = std::max<std::size_t>(1, slots / 4)};
}

template <class Change>
void Scheduler::change_circuit(Flow& flow, Change change) {
  open_circuits_ -= flow.circuit_closed() ? 0 : 1;
  change(flow);
  open_circuits_ += flow.circuit_closed() ? 0 : 1;
}

Scheduler::Lane& Scheduler::lane_of(LaneId id) {
  std::unique_ptr<Lane>& lane = lanes_[id];
  if (!lane) lane = std::make_unique<Lane>(id, options_.circuit);
  return *lane;
}

Scheduler::Lane* Scheduler::find(LaneId id) const {
  const auto found = lanes_.find(id);
  return found == lanes_.end() ? nullptr : found->second.get();
}

void Scheduler::add(Task task, base::Time now) {
  Lane& lane = lane_of(task.lane);
  lane.tenant = task.tenant;
  if (lane.flow.policy().ordered && !task.order_key.empty()) {
    const auto [found, free] = lane.keys.try_emplace(task.order_key);
    if (free) found->second.holder = task.id;
    if (found->second.holder != task.id) {
      const TaskId id = task.id;
      found->second.waiting.emplace(id, std::move(task));
      return;
    }
    found->second.parked = false;
  }
  make_ready(lane, std::move(task), now);
}

void Scheduler::make_ready(Lane& lane, Task task, base::Time now) {
  (task.bulk ? lane.bulk : lane.fresh).push_back(std::move(task));
  list(lane, now);
}

/// Puts a lane where it will be found: in the round of its share, or among those that wait for a moment.
void Scheduler::list(Lane& lane, base::Time now) {
  if (lane.listed || lane.paused || !lane.has_ready()) return;
  const Flow::May may = lane.flow.may_start(lane.running, now);
  if (may.now) {
    lane.listed = true;
    rounds_[index(lane.share(now))].add(lane.tenant, lane);
  } else if (may.at && lane.sleeps_until != may.at) {
    if (lane.sleeps_until) sleepers_.erase({*lane.sleeps_until, lane.id});
    lane.sleeps_until = may.at;
    sleepers_.emplace(*may.at, lane.id);
  }
}

void Scheduler::wake(base::Time now) {
  while (!sleepers_.empty() && sleepers_.begin()->first <= now) {
    Lane& lane = *lanes_.at(sleepers_.begin()->second);
    sleepers_.erase(sleepers_.begin());
    lane.sleeps_until.reset();
    list(lane, now);
  }
}

std::optional<base::Time> Scheduler::wakes_at() const {
  return sleepers_.empty() ? std::nullopt : std::optional(sleepers_.begin()->first);
}

std::optional<Share> Scheduler::pick() const {
  const auto waits = [&](Share share) { return !rounds_[index(share)].empty(); };
  constexpr Share kBounded[] = {Share::probe, Share::slow, Share::bulk};
  for (const Share share : kBounded) {
    if (waits(share) && running_in_[index(share)] < bounds_[index(share)].reserved) return share;
  }
  if (waits(Share::fast)) return Share::fast;
  for (const Share share : kBounded) {
    if (waits(share) && running_in_[index(share)] < bounds_[index(share)].most) return share;
  }
  return std::nullopt;
}

std::optional<Task> Scheduler::next(base::Time now) {
  wake(now);
  while (running_ < options_.slots) {
    const std::optional<Share> share = pick();
    if (!share) return std::nullopt;
    if (auto task = take_from(*share, now)) return task;
  }
  return std::nullopt;
}

/// The next task of the share's round; nothing when the lane whose turn it was has to stand elsewhere by now.
std::optional<Task> Scheduler::take_from(Share share, base::Time now) {
  Lane* lane = rounds_[index(share)].take();
  if (lane == nullptr) return std::nullopt;
  lane->listed = false;
  if (lane->paused || !can_go_on(*lane, share, now)) {
    lane->turn = 0;
    list(*lane, now);
    return std::nullopt;
  }
  std::list<Task>& ready = lane->fresh.empty() ? lane->bulk : lane->fresh;
  Task task = std::move(ready.front());
  ready.pop_front();
  task.share = share;
  lane->flow.started(now);
  ++lane->running;
  ++running_;
  ++running_in_[index(share)];
  go_on(*lane, share, now);
  rounds_[index(share)].spend(lane->tenant, cost(task));
  return task;
}

/// Whether the lane has another task for this share and may begin it.
bool Scheduler::can_go_on(Lane& lane, Share share, base::Time now) {
  return lane.has_ready() && lane.share(now) == share && lane.flow.may_start(lane.running, now).now;
}

/// After a task of it has begun: its turn goes on, or it stands in line again.
void Scheduler::go_on(Lane& lane, Share share, base::Time now) {
  if (++lane.turn < kTurn && can_go_on(lane, share, now)) {
    lane.listed = true;
    rounds_[index(share)].keep(lane.tenant, lane);
    return;
  }
  lane.turn = 0;
  list(lane, now);
}

std::optional<Breaker::Change> Scheduler::release(const Task& task, Signal signal,
                                                  std::chrono::microseconds took, base::Time now) {
  Lane& lane = *lanes_.at(task.lane);
  XD_ASSERT(lane.running > 0 && running_ > 0 && running_in_[index(task.share)] > 0);
  --lane.running;
  --running_;
  --running_in_[index(task.share)];
  const Flow::End end{.signal = signal, .took = took, .probe = task.share == Share::probe};
  std::optional<Breaker::Change> change;
  change_circuit(lane.flow, [&](Flow& flow) { change = flow.ended(end, now); });
  list(lane, now);
  return change;
}

void Scheduler::free_key(const Task& task, base::Time now) {
  Lane* const lane = find(task.lane);
  if (lane == nullptr) return;
  const auto key = lane->keys.find(task.order_key);
  if (key == lane->keys.end() || key->second.holder != task.id) return;
  if (key->second.waiting.empty()) {
    lane->keys.erase(key);
    return;
  }
  Task follower = std::move(key->second.waiting.begin()->second);
  key->second.waiting.erase(key->second.waiting.begin());
  key->second.holder = follower.id;
  key->second.parked = false;
  make_ready(*lane, std::move(follower), now);
}

void Scheduler::hold_key(const Task& task) {
  if (!ordered(task.lane) || task.order_key.empty()) return;
  Key& key = lanes_.at(task.lane)->keys[task.order_key];
  key.holder = task.id;
  key.parked = false;
}

void Scheduler::park_key(LaneId id, const std::string& name, TaskId holder) {
  if (!ordered(id) || name.empty()) return;
  Key& key = lanes_.at(id)->keys[name];
  key.holder = holder;
  key.parked = true;
}

void Scheduler::park_free_key(LaneId id, const std::string& name, TaskId holder) {
  if (!ordered(id) || name.empty() || lanes_.at(id)->keys.contains(name)) return;
  park_key(id, name, holder);
}

std::vector<Task> Scheduler::drop_parked(LaneId id, const std::unordered_set<TaskId>& keep) {
  std::vector<Task> dropped;
  if (!ordered(id)) return dropped;
  std::erase_if(lanes_.at(id)->keys, [&](auto& key) {
    if (!key.second.parked || keep.contains(key.second.holder)) return false;
    for (auto& [task_id, task] : key.second.waiting) dropped.push_back(std::move(task));
    return true;
  });
  return dropped;
}

void Scheduler::set_policy(LaneId id, const LanePolicy& policy, base::Time now) {
  if (policy == LanePolicy{} && find(id) == nullptr) return;
  Lane& lane = lane_of(id);
  const bool was_ordered = lane.flow.policy().ordered;
  const bool other_circuit = lane.flow.policy().circuit_no != policy.circuit_no;
  lane.flow.set_policy(policy);
  if (other_circuit) change_circuit(lane.flow, [now](Flow& flow) { flow.reset_circuit(now); });
  if (was_ordered && !policy.ordered) {
    for (auto& [name, key] : std::exchange(lane.keys, {})) {
      for (auto& [task_id, task] : key.waiting) make_ready(lane, std::move(task), now);
    }
  }
  list(lane, now);
}

void Scheduler::set_default_policy(LaneId id, const LanePolicy& policy) {
  if (policy == LanePolicy{}) return;
  Lane& lane = lane_of(id);
  if (lane.flow.policy() == LanePolicy{}) lane.flow.set_policy(policy);
}

void Scheduler::restore_circuit(LaneId id, const Breaker::Open& open, std::int64_t circuit_no) {
  Flow& flow = lane_of(id).flow;
  if (flow.policy().circuit_no > circuit_no) return;
  change_circuit(flow, [&](Flow& one) { one.restore_circuit(open); });
}

void Scheduler::drop_circuit(LaneId id, base::Time now) {
  if (Lane* const lane = find(id)) change_circuit(lane->flow, [now](Flow& flow) { flow.reset_circuit(now); });
}

void Scheduler::set_paused(LaneId id, bool paused, base::Time now) {
  if (!paused && find(id) == nullptr) return;
  Lane& lane = lane_of(id);
  if (lane.paused && !paused) lane.flow.begin_ramp(now);
  lane.paused = paused;
  list(lane, now);
}

std::vector<Task> Scheduler::drop_ready(LaneId id) {
  Lane* const lane = find(id);
  if (lane == nullptr) return {};
  std::vector<Task> dropped;
  for (std::list<Task>* ready : {&lane->fresh, &lane->bulk}) {
    std::ranges::move(*ready, std::back_inserter(dropped));
    ready->clear();
  }
  for (const Task& task : dropped) {
    if (const auto key = lane->keys.find(task.order_key); key != lane->keys.end()) key->second.parked = true;
  }
  std::ranges::move(drop_waiting(id), std::back_inserter(dropped));
  std::erase_if(lane->keys, [](const auto& key) { return key.second.parked; });
  return dropped;
}

std::vector<Task> Scheduler::drop_waiting(LaneId id) {
  Lane* const lane = find(id);
  if (lane == nullptr) return {};
  std::vector<Task> dropped;
  for (auto& [name, key] : lane->keys) {
    for (auto& [task_id, task] : key.waiting) dropped.push_back(std::move(task));
    key.waiting.clear();
  }
  return dropped;
}

std::size_t Scheduler::ready(LaneId id) const {
  const Lane* const lane = find(id);
  return lane == nullptr ? 0 : lane->fresh.size() + lane->bulk.size();
}

std::size_t Scheduler::waiting(LaneId id) const {
  std::size_t count = 0;
  if (!ordered(id)) return count;
  for (const auto& [name, key] : lanes_.at(id)->keys) count += key.waiting.size();
  return count;
}

bool Scheduler::holds_up_others(const Task& task) const {
  const Lane* const lane = find(task.lane);
  if (lane == nullptr) return false;
  const auto key = lane->keys.find(task.order_key);
  return key != lane->keys.end() && !key->second.waiting.empty();
}

bool Scheduler::ordered(LaneId id) const {
  const Lane* const lane = find(id);
  return lane != nullptr && lane->flow.policy().ordered;
}

std::size_t Scheduler::appetite(LaneId id, base::Time now) const {
  const Lane* const lane = find(id);
  if (lane == nullptr) return kSlowAppetite * Window{}.size();
  // Its keys decide what can run, and they are not known before the tasks are here.
  if (lane->flow.policy().ordered) return base::limits::kLaneTasksInMemoryMax;
  const Share share = lane->flow.share(now);
  if (share == Share::probe) return 1;
  return lane->flow.width(now) * (share == Share::slow ? kSlowAppetite : kFastAppetite);
}

std::size_t Scheduler::width(LaneId id, base::Time now) const {
  const Lane* const lane = find(id);
  return lane == nullptr ? Window{}.size() : lane->flow.width(now);
}

}  // namespace queue
