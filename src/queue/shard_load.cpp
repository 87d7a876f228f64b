// How a shard reads its lanes from the table: when, how much, and what it makes of it.
#include "base/log.hpp"
#include "queue/shard.hpp"

namespace queue {

namespace {

using base::limits::kLaneTasksInMemoryMax;

/// A lane is read again when fewer than this many of its tasks are ready.
constexpr std::size_t kReadyLow = 64;
constexpr std::size_t kLoadsAtOnce = 4;
constexpr auto kStoreRetry = std::chrono::milliseconds{200};
/// A lane that is read all the time is looked at from its very beginning so often, and before it is believed
/// to be empty not more often than that.
constexpr auto kWholeLook = std::chrono::seconds{5};
constexpr auto kWholeLookAtEnd = std::chrono::seconds{1};

}  // namespace

/// How many tasks the lane may hold in memory. While half of the memory is free, as many as any lane may;
/// then no more than it will soon run, and its part of the bytes: ten thousand lanes that fail leave their
/// tasks in the table, and the other half to those that deliver. Never none, so that every lane makes
/// progress.
std::size_t Shard::room(const Lane& lane) const {
  if (bytes_in_memory_ < options_.bytes_max / 2) return kLaneTasksInMemoryMax;
  const std::size_t asked = std::min(scheduler_.appetite(lane.id, clock_.now()), kLaneTasksInMemoryMax);
  if (bytes_in_memory_ >= options_.bytes_max) return std::min(asked, kTasksAlways);
  const std::size_t sharers = std::max<std::size_t>(lanes_with_many_, 1);
  const std::size_t part = options_.bytes_max / (bytes_in_memory_ / tasks_in_memory_) / sharers;
  return std::min(asked, std::max(part, kTasksAlways));
}

/// Whether the lane should get more from the table, if the table has more.
bool Shard::hungry(const Lane& lane) const {
  const std::size_t room = this->room(lane);
  const bool has_room = scheduler_.ordered(lane.id) || lane.in_memory.size() < room;
  return has_room && scheduler_.ready(lane.id) < std::min(kReadyLow, std::max<std::size_t>(1, room / 2));
}

void Shard::want_load(Lane& lane) {
  if (lane.queued || lane.loading || lane.gone || stopping_ || suspended_) return;
  if (lane.known && lane.state == LaneState::paused) return;
  lane.queued = true;
  load_queue_.push_back(lane.id);
  start_loads();
}

/// The table holds what memory does not know of, and a read that is under way may have begun too early to see
/// it.
void Shard::read_again(Lane& lane) {
  lane.spilled = true;
  lane.again = lane.loading;
  want_load(lane);
}

void Shard::start_loads() {
  while (loads_running_ < kLoadsAtOnce && !load_queue_.empty() && !stopping_) {
    const LaneId id = load_queue_.front();
    load_queue_.pop_front();
    Lane& lane = lane_of(id);
    lane.queued = false;
    lane.loading = true;
    lane.read_is_void = false;
    lane.reading_whole.reset();
    ++loads_running_;
    if (!gate_.spawn("load lane", load_lane(id))) --loads_running_;
  }
}

base::Task<void> Shard::load_lane(LaneId id) {
  clear_due(lane_of(id));
  auto result = co_await read_lane(id);
  --loads_running_;
  Lane& lane = lane_of(id);
  lane.loading = false;
  if (result) {
    loaded(lane, std::move(*result));
  } else {
    base::log(base::LogLevel::warn, "cannot read a lane; trying again",
              {{"lane_id", id}, {"error", result.error().message}});
    lane.spilled = true;
    set_due(lane, clock_.now() + kStoreRetry);
  }
  lane.closed_meanwhile.clear();
  lane.arrived_meanwhile.clear();
  if (std::exchange(lane.again, false)) read_again(lane);
  start_loads();
  pump();
  co_return base::Result<void>{};
}

base::Task<Loaded> Shard::read_lane(LaneId id) {
  if (!lane_of(id).known) {
    XD_CO_TRY(const bool ours, co_await learn(id));
    if (!ours) co_return Loaded{};
  }
  const Lane& lane = lane_of(id);
  if (lane.state == LaneState::paused) co_return Loaded{};
  XD_CO_TRY(Loaded found, co_await read_lane_from(id, begin_of_read(lane_of(id))));
  if (found.more || lane.reading_whole || read_whole_within(lane, kWholeLookAtEnd)) co_return found;
  // Before it is believed that there is no more: what was committed late may stand before.
  lane_of(id).reading_whole = clock_.now();
  co_return co_await read_lane_from(id, {});
}

/// Where the next read begins: behind what is gone, or now and then at the very beginning.
Begin Shard::begin_of_read(Lane& lane) {
  lane.lowest_meanwhile = kNowhere;
  if (read_whole_within(lane, kWholeLook)) return lane.begin.earlier(kLateCommits);
  lane.reading_whole = clock_.now();
  return {};
}

bool Shard::read_whole_within(const Lane& lane, std::chrono::seconds time) const {
  const base::Time now = clock_.now();
  return lane.read_whole && *lane.read_whole <= now && now - *lane.read_whole < time;
}

base::Task<Loaded> Shard::read_lane_from(LaneId id, Begin from) {
  const Lane& lane = lane_of(id);
  // Those that are in memory are read as well, being the first ones; so there is always room for one more.
  const std::size_t limit = std::max(room(lane), lane.in_memory.size() + 1);
  // Of an ordered lane memory gives up tasks that wait behind others, also while this reads.
  const bool by_keys = scheduler_.ordered(id);
  auto held = by_keys ? std::unordered_set<TaskId>{} : lane.in_memory;
  const auto read = [this, id, limit, now = clock_.now(), by_keys, after = lane.last_key, from,
                     held = std::move(held)](db::Tx& tx) -> base::Result<Loaded> {
    XD_TRY(Loaded result, by_keys ? queue::load_ordered(tx, id, now, limit, after, from)
                                  : queue::load(tx, id, now, limit, from));
    result.held = held;
    for (const auto& [kind, handler] : handlers_) {
      // Tasks of one kind are hydrated together; most lanes have one kind only.
      std::vector<Task> mine;
      std::vector<std::size_t> positions;
      for (std::size_t i = 0; i < result.tasks.size(); ++i) {
        if (result.tasks[i].kind != kind || result.held.contains(result.tasks[i].id)) continue;
        mine.push_back(std::move(result.tasks[i]));
        positions.push_back(i);
      }
      if (!mine.empty()) XD_DO(handler->hydrate(tx, mine));
      for (std::size_t i = 0; i < mine.size(); ++i) result.tasks[positions[i]] = std::move(mine[i]);
    }
    return result;
  };
  co_return co_await store_.read(read, db::kLongReadTime);
}

/// Reads the lane's row (and takes its lease, where there are leases). False when it is gone or somebody
/// else's.
asio::awaitable<base::Result<bool>> Shard::learn(LaneId id) {
  const auto work = [id, node = options_.node](db::Tx& tx) { return acquire(tx, id, node); };
  lane_of(id).state_told = false;
  auto lease =
      store_.engine() == db::Engine::sqlite ? co_await store_.read(work) : co_await store_.write(work);
  if (!lease) co_return std::unexpected(lease.error());
  Lane& lane = lane_of(id);
  if (!*lease) {
    lane.spilled = false;
    co_return false;
  }
  lane.known = true;
  lane.epoch = (*lease)->epoch;
  lane.read_whole.reset();  // others may have had it since it was read
  // A change that was told meanwhile may be younger than what was read.
  if (!lane.state_told) lane.state = (*lease)->state;
  scheduler_.set_paused(id, lane.state == LaneState::paused, clock_.now());
  if ((*lease)->circuit) scheduler_.restore_circuit(id, *(*lease)->circuit, (*lease)->circuit_no);
  count_circuits();
  if (const auto handler = handlers_.find((*lease)->kind); handler != handlers_.end()) {
    scheduler_.set_default_policy(id, handler->second->lane_policy());
  }
  co_return true;
}

void Shard::loaded(Lane& lane, Loaded result) {
  if (lane.read_is_void) {
    lane.again = true;
    return;
  }
  if (!lane.known || lane.gone || lane.state == LaneState::paused) return;
  renew_keys(lane, result);
  if (lane.reading_whole) lane.read_whole = lane.reading_whole;
  lane.begin = result.begin;
  lane.begin.lower_to(lane.lowest_meanwhile);
  lane.spilled = result.more;
  const std::size_t held = lane.in_memory.size();
  LeftKeys left;
  bool unseen = !lane.closed_meanwhile.empty();  // what may stand in the table, and this has not shown
  for (std::size_t i = 0; i < result.tasks.size(); ++i) {
    Task& task = result.tasks[i];
    if (lane.in_memory.contains(task.id) || lane.closed_meanwhile.contains(task.id)) continue;
    if (result.held.contains(task.id)) {
      leave(lane, task, left);  // memory gave it up meanwhile: it is read again, with its payload
      unseen = true;
    } else if (result.opened[i]) {
      // Nobody here runs it, so whoever opened its attempt has died.
      remember(lane, task);
      scheduler_.hold_key(task);
      gate_.spawn("end unknown attempt", end_unknown(std::move(task)));
    } else {
      take_read(lane, std::move(task), left);
    }
  }
  for (Task& task : lane.arrived_meanwhile) {
    const bool seen = lane.in_memory.contains(task.id) || lane.closed_meanwhile.contains(task.id);
    if (!seen && (lane.spilled || !take_into_memory(lane, std::move(task)))) {
      lane.spilled = true;
      lane.keys_unread = true;  // the reader may have been past its key
      unseen = true;
    }
  }
  if (result.next_due) set_due(lane, *result.next_due);
  lane.keys_unread = lane.keys_unread || lane.in_memory.size() > held;
  if (may_read_on(lane, result, unseen)) lane.again = true;
}

/// What was read comes in the order of each key. Where one of a key stays in the table, those behind it stay
/// there too.
void Shard::take_read(Lane& lane, Task task, LeftKeys& left) {
  if (lane.in_memory.size() >= room(lane)) left.merge(make_room(lane));
  if (lane.in_memory.size() >= room(lane) || (!task.order_key.empty() && left.contains(task.order_key))) {
    return leave(lane, task, left);
  }
  remember(lane, task);
  scheduler_.add(std::move(task), clock_.now());
}

void Shard::leave(Lane& lane, const Task& task, LeftKeys& left) {
  lane.spilled = true;
  lane.keys_unread = true;
  left.insert(task.order_key);
}

/// What is read of an ordered lane tells which tasks hold their keys in the table.
void Shard::renew_keys(Lane& lane, const Loaded& result) {
  for (const Task& task : scheduler_.drop_parked(lane.id, lane.closed_meanwhile)) forget(task);
  for (const auto& [key, holder] : result.parked) {
    if (!lane.closed_meanwhile.contains(holder)) scheduler_.park_free_key(lane.id, key, holder);
  }
}

/// Where all that was read has ended meanwhile, nothing is left whose end would ask for the rest: whether
/// there may be something that could run.
bool Shard::may_read_on(Lane& lane, const Loaded& result, bool unseen) {
  lane.last_key = result.last_key;
  // Those that wait behind a key that waits for its time end no sooner than that.
  if (!lane.spilled || lane.in_memory.size() > scheduler_.waiting(lane.id)) return false;
  if (!scheduler_.ordered(lane.id)) return true;
  if (result.whole) return unseen;
  // When all keys that there are wait for their time, it is their end that asks for more.
  return !result.last_key.empty() || std::exchange(lane.keys_unread, false);
}

}  // namespace queue
