#include "queue/shard.hpp"

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace queue {

namespace {

constexpr std::size_t kArrivedMeanwhileMax = 4096;
/// What a task takes beside its payload.
constexpr std::size_t kTaskBytes = 512;
constexpr auto kStoreRetry = std::chrono::milliseconds{200};
/// For so long a lane that waits is believed to have no more than what was seen.
constexpr auto kSeenFor = std::chrono::minutes{1};
/// Nobody waits for a verdict to be on disk, and many at once cost little more than one. A crash makes of
/// those that were not written attempts of outcome unknown.
constexpr auto kClosingLinger = std::chrono::milliseconds{5};
/// After a crash: not at once, so that a task that brings the process down does not do so in a tight loop.
constexpr auto kUnknownDelay = std::chrono::milliseconds{500};
/// After a handler threw: what is wrong is a bug, and seldom passes quickly.
constexpr auto kThrownDelay = std::chrono::minutes{1};

std::size_t weight(const Task& task) { return task.payload_bytes + kTaskBytes; }

/// Whether the store found fault with what it was given, and not with itself.
bool is_refused(const base::Error& error) {
  return error.code == base::Code::invalid || error.code == base::Code::conflict;
}

/// After an attempt whose outcome nobody knows: another one at that time, unless there were too many.
Verdict after_unknown(const Task& task, base::Time again) {
  const bool too_often = task.unknown_attempts + 1 >= static_cast<int>(base::limits::kUnknownAttemptsMax);
  return too_often ? Verdict::done() : Verdict{Verdict::Kind::unknown, again};
}

}  // namespace

Shard::Shard(asio::any_io_executor executor, db::Db& store, const base::Clock& clock, Options options)
    : executor_(executor),
      store_(store),
      clock_(clock),
      options_(options),
      scheduler_({.slots = options.slots, .circuit = options.circuit}),
      timer_(executor),
      gate_(executor),
      writes_(executor),
      openings_(writes_, "open attempts", [this](auto take) { return flush_openings(std::move(take)); },
                // PostgreSQL may commit two flushes in another order than they were sent in; attempts begin
                // in order.
                {.flights = store.engine() == db::Engine::sqlite ? 2U : 1U}),
      closings_(writes_, "close attempts", [this](auto take) { return flush_closings(std::move(take)); },
                {.flights = 1, .linger = kClosingLinger}) {}

void Shard::add_handler(std::string kind, Handler& handler) { handlers_.emplace(std::move(kind), &handler); }

Shard::Lane& Shard::lane_of(LaneId id) {
  std::unique_ptr<Lane>& lane = lanes_[id];
  if (!lane) lane = std::make_unique<Lane>(id);
  return *lane;
}

// --- tasks on their way in

void Shard::arrived(std::vector<Task> tasks) {
  for (Task& task : tasks) arrive(std::move(task));
  pump();
}

void Shard::arrive(Task task) {
  Lane& lane = lane_of(task.lane);
  stands_in_table(lane, task);
  if (task.timed && task.due > clock_.now()) {
    const bool keyed = !task.order_key.empty() && scheduler_.ordered(lane.id);
    if (lane.known && !keyed) return set_due(lane, task.due);
    if (lane.known) set_due(lane, task.due);  // and nothing of its key may be taken in before it
  } else if (lane.loading && lane.arrived_meanwhile.size() < kArrivedMeanwhileMax) {
    lane.arrived_meanwhile.push_back(std::move(task));
    return;
  } else if (lane.known && !lane.spilled && lane.state == LaneState::active &&
             take_into_memory(lane, std::move(task))) {
    return;
  }
  lane.spilled = true;
  lane.keys_unread = true;
  if (hungry(lane)) want_load(lane);
}

/// Reading must not begin behind it.
void Shard::stands_in_table(Lane& lane, const Task& task) {
  Begin place = kNowhere;
  place.lower_to(task);
  if (scheduler_.ordered(lane.id)) place.id = task.id;
  lane.begin.lower_to(place);
  lane.lowest_meanwhile.lower_to(place);
}

/// The task is the youngest of the lane. False: it stays in the table, also where it would fit after others
/// of its key have been given up, for it must not run before those.
bool Shard::take_into_memory(Lane& lane, Task task) {
  if (lane.in_memory.size() >= room(lane)) {
    make_room(lane);
    return false;
  }
  if (!remember(lane, task)) return true;  // it is there already
  scheduler_.add(std::move(task), clock_.now());
  return true;
}

/// Tasks that wait behind their key may wait in the table as well, and leave room for other keys. Returns the
/// keys of those it gave up.
std::unordered_set<std::string> Shard::make_room(Lane& lane) {
  std::unordered_set<std::string> keys;
  for (const Task& task : scheduler_.drop_waiting(lane.id)) {
    forget(task);
    keys.insert(task.order_key);
  }
  if (!keys.empty()) lane.spilled = true;
  return keys;
}

void Shard::wake(LaneId id) {
  Lane& lane = lane_of(id);
  lane.read_whole.reset();
  lane.reading_whole.reset();
  lane.spilled = true;
  lane.keys_unread = true;
  if (hungry(lane)) want_load(lane);
}

void Shard::look(const Busy& busy) {
  const Lane& lane = lane_of(busy.lane);
  const bool idle = lane.in_memory.empty() && !lane.spilled;
  // What waits for its time is known; what another node has put there since is not, nor what is committed
  // later than it should be.
  const bool seen = read_whole_within(lane, kSeenFor) && lane.next_due &&
                    base::time_of(busy.youngest.uuid) + kLateCommits < *lane.read_whole;
  if (!lane.known || (idle && !seen)) wake(busy.lane);
}

void Shard::set_suspended(bool suspended) {
  suspended_ = suspended;
  for (const auto& [id, lane] : lanes_) {
    if (suspended) {
      give_up(*lane);
      lane->known = false;
      scheduler_.drop_circuit(id, clock_.now());
    } else {
      read_again(*lane);
    }
  }
  count_circuits();
}

void Shard::set_state(LaneId id, LaneState state) {
  Lane& lane = lane_of(id);
  lane.state = state;
  lane.state_told = true;
  scheduler_.set_paused(id, state == LaneState::paused, clock_.now());
  if (state == LaneState::active) {
    read_again(lane);
    pump();
  } else {
    give_up(lane);
  }
}

void Shard::set_policy(LaneId id, const LanePolicy& policy) {
  const bool ordered = scheduler_.ordered(id);
  scheduler_.set_policy(id, policy, clock_.now());
  count_circuits();
  if (ordered != scheduler_.ordered(id) && lanes_.contains(id)) {
    // What memory holds was taken in by the other rule, and where the lane begins was found by it.
    Lane& lane = lane_of(id);
    lane.read_whole.reset();
    give_up(lane);
    read_again(lane);
  }
  pump();
}

/// Leaves what does not run to the table, and what is being read as well.
void Shard::give_up(Lane& lane) {
  for (const Task& task : scheduler_.drop_ready(lane.id)) forget(task);
  lane.spilled = true;
  lane.keys_unread = true;
  lane.read_is_void = lane.loading;
}

void Shard::forget_lane(LaneId id) {
  Lane& lane = lane_of(id);
  lane.gone = true;
  for (const Task& task : scheduler_.drop_ready(id)) forget(task);
  clear_due(lane);
  scheduler_.drop_circuit(id, clock_.now());
  count_circuits();
}

// --- tasks on their way out

void Shard::pump() {
  if (stopping_ || suspended_) return;
  while (auto task = scheduler_.next(clock_.now())) gate_.spawn("task", perform(std::move(*task)));
  arm_timer();
}

/// Tells the metrics; shards count together.
void Shard::count_circuits() {
  static base::Gauge& open = base::metrics().gauge(
      "crossdock_circuits_open", "Lanes whose circuit is not closed: their tasks wait but for a probe");
  const std::size_t now = scheduler_.open_circuits();
  open.add(static_cast<double>(now) - static_cast<double>(circuits_counted_));
  circuits_counted_ = now;
}

base::Task<void> Shard::perform(Task task) {
  const Opened opened = co_await open(task);
  if (opened != Opened::yes) {
    (void)scheduler_.release(task, Signal::neutral, {}, clock_.now());
    forget(task);
    if (opened == Opened::refused) {
      scheduler_.free_key(task, clock_.now());
      doubt(lane_of(task.lane));
    } else {
      scheduler_.park_key(task.lane, task.order_key, task.id);
    }
    pump();
    co_return base::Result<void>{};
  }
  Outcome outcome;
  const base::Steady begun = clock_.steady();
  try {
    outcome = co_await handlers_.find(task.kind)->second->run(task);
  } catch (...) {  // edge: a handler's bug costs this attempt, not the process
    base::report_uncaught("queue handler", std::current_exception());
    outcome.verdict = after_unknown(task, clock_.now() + kThrownDelay);
  }
  outcome.circuit = scheduler_.release(task, outcome.signal,
                                       std::chrono::floor<std::chrono::microseconds>(clock_.steady() - begun),
                                       clock_.now());
  if (outcome.circuit) {
    handlers_.find(task.kind)->second->circuit_changed(task, outcome);
    count_circuits();
  }
  pump();
  co_await finish(task, outcome);
  co_return base::Result<void>{};
}

/// Puts the attempt on disk before anything leaves.
asio::awaitable<Shard::Opened> Shard::open(const Task& task) {
  if (!handlers_.contains(task.kind)) {
    base::log(base::LogLevel::error, "no handler for a task; it stays in its lane",
              {{"kind", task.kind}, {"task_id", task.id}, {"lane_id", task.lane}});
    co_return Opened::not_now;
  }
  while (true) {
    const Lane& lane = lane_of(task.lane);
    const bool stopped = lane.gone || lane.state == LaneState::paused || stopping_ || suspended_;
    if (stopped) co_return Opened::not_now;
    auto opened = co_await openings_.add({task.lane, task.id, lane.epoch});
    if (opened) co_return *opened ? Opened::yes : Opened::refused;
    if (gate_.closing()) co_return Opened::not_now;
    co_await base::sleep_for(kStoreRetry);
  }
}

/// The store refused to open a task of this lane: the task is gone, or the lane is another node's by now.
/// Which of them shows when the lane is acquired anew.
void Shard::doubt(Lane& lane) {
  lane.known = false;
  read_again(lane);
}

/// What happened must reach the store: repeated until it does, or until the process ends and recovery takes
/// over.
asio::awaitable<void> Shard::finish(Task& task, Outcome& outcome) {
  bool shortened = false;
  for (bool again = false;; again = true) {
    const bool awaited = lane_of(task.lane).spilled || scheduler_.holds_up_others(task);
    if (!task.order_key.empty() && awaited) closings_.hurry();
    auto closed = co_await closings_.add({&task, &outcome, lane_of(task.lane).epoch, again});
    if (closed) break;
    if (gate_.closing()) co_return;
    // It will never take what this attempt has to tell. Only if that cannot be made less, it is as if nobody
    // had seen its end.
    if (is_refused(closed.error()) && outcome.report) {
      if (!std::exchange(shortened, true) && handlers_.find(task.kind)->second->shorten(outcome)) continue;
      outcome.verdict = after_unknown(task, clock_.now() + kThrownDelay);
      outcome.report.reset();
      continue;
    }
    co_await base::sleep_for(kStoreRetry);
  }
  forget(task);
  Lane& lane = lane_of(task.lane);
  if (outcome.verdict.kind == Verdict::Kind::done) {
    if (!task.order_key.empty()) {
      scheduler_.free_key(task, clock_.now());
      pump();
    }
  } else {
    scheduler_.park_key(task.lane, task.order_key, task.id);
    task.timed = true;
    task.due = outcome.verdict.at;
    stands_in_table(lane, task);
    set_due(lane, task.due);
  }
  if (lane.spilled && hungry(lane)) want_load(lane);
}

bool Shard::remember(Lane& lane, const Task& task) {
  if (!lane.in_memory.insert(task.id).second) return false;
  if (lane.in_memory.size() == kTasksAlways + 1) ++lanes_with_many_;
  ++tasks_in_memory_;
  bytes_in_memory_ += weight(task);
  return true;
}

void Shard::forget(const Task& task) {
  Lane& lane = lane_of(task.lane);
  if (lane.in_memory.erase(task.id) == 0) return;
  if (lane.in_memory.size() == kTasksAlways) --lanes_with_many_;
  --tasks_in_memory_;
  bytes_in_memory_ -= weight(task);
  if (lane.loading) lane.closed_meanwhile.insert(task.id);
}

base::Task<std::vector<bool>> Shard::flush_openings(Openings::Take take) {
  co_return co_await store_.write([take = std::move(take), node = options_.node, now = clock_.now()](
                                      db::Tx& tx) mutable { return queue::open(tx, take(), node, now); });
}

base::Task<std::vector<bool>> Shard::flush_closings(Closings::Take take) {
  std::span<const Closing> closings;
  auto applied = co_await store_.write([this, &closings, take = std::move(take)](db::Tx& tx) mutable {
    closings = take();
    return apply(tx, closings);
  });
  if (!applied) {
    base::log(base::LogLevel::error, "outcomes of tasks cannot be stored; trying again",
              {{"tasks", closings.size()}, {"error", applied.error().message}});
  }
  co_return applied;
}

base::Result<std::vector<bool>> Shard::apply(db::Tx& tx, std::span<const Closing> closings) const {
  XD_TRY(auto applied, queue::close(tx, closings, options_.node));
  std::map<const Handler*, std::vector<Finished>> by_handler;
  for (std::size_t i = 0; i < closings.size(); ++i) {
    const Handler* handler = handlers_.find(closings[i].task->kind)->second;
    by_handler[handler].push_back({closings[i].task, closings[i].outcome, !applied[i], closings[i].again});
  }
  for (const auto& [handler, finished] : by_handler) XD_DO(handler->record(tx, finished));
  return applied;
}

base::Task<void> Shard::end_unknown(Task task) {
  Outcome outcome{after_unknown(task, clock_.now() + kUnknownDelay)};
  co_await finish(task, outcome);
  co_return base::Result<void>{};
}

// --- time

void Shard::set_due(Lane& lane, base::Time due) {
  if (lane.next_due && *lane.next_due <= due) return;
  clear_due(lane);
  lane.next_due = due;
  due_.emplace(due, lane.id);
  arm_timer();
}

void Shard::clear_due(Lane& lane) {
  if (lane.next_due) due_.erase({*lane.next_due, lane.id});
  lane.next_due.reset();
}

/// Only ever armed for an earlier moment than before: one that is too early asks again, and costs less than
/// re-arming.
void Shard::arm_timer() {
  const std::optional<base::Time> earliest = next_moment();
  if (!earliest || stopping_) return;
  if (armed_for_ && *armed_for_ <= *earliest) return;
  armed_for_ = earliest;
  timer_.expires_after(clock_.until(*earliest));
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) on_timer();
  });
}

void Shard::on_timer() {
  armed_for_.reset();
  const base::Time now = clock_.now();
  while (!due_.empty() && due_.begin()->first <= now) {
    Lane& lane = lane_of(due_.begin()->second);
    clear_due(lane);
    lane.keys_unread = true;  // what is due may stand before the keys that are read next
    read_again(lane);
  }
  pump();
  arm_timer();
}

/// When the first lane has something due, or may go on.
std::optional<base::Time> Shard::next_moment() const {
  std::optional<base::Time> moment = scheduler_.wakes_at();
  if (!due_.empty() && (!moment || due_.begin()->first < *moment)) moment = due_.begin()->first;
  return moment;
}

asio::awaitable<void> Shard::stop() {
  stopping_ = true;
  timer_.cancel();
  co_await gate_.close();
  co_await writes_.close();
}

}  // namespace queue
