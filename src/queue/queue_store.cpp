#include "queue/queue_store.hpp"

#include <set>

#include "base/assert.hpp"

namespace queue {

namespace {

using base::Code;
using base::fail;

constexpr const char* kTaskColumns =
    "lane_id, id, tenant_id, kind, due_at, created_at, attempt, unknown_attempts, timed, order_key, ref, "
    "args, "
    "opened_at";

Task read_task(const db::Row& row) {
  Task task;
  task.lane = row.id<LaneId>(0);
  task.id = row.id<TaskId>(1);
  task.tenant = row.id<base::TenantId>(2);
  task.kind = row.string(3);
  task.due = row.time(4);
  task.created = row.time(5);
  task.attempt = static_cast<int>(row.integer(6));
  task.unknown_attempts = static_cast<int>(row.integer(7));
  task.timed = row.flag(8);
  task.order_key = row.string(9);
  task.ref = row.uuid(10);
  task.args = row.string(11);
  return task;
}

/// A lane and the epoch by which a write believes to hold it.
using Claim = std::pair<LaneId, std::int64_t>;

/// The claims among those of the items that hold for this node. On PostgreSQL the lanes' rows stay locked
/// until the transaction ends, so that nobody can take a lane between this check and the writes that follow
/// it.
template <class Item>
Result<std::set<Claim>> fenced(db::Tx& tx, std::span<const Item> items, const base::Uuid& node,
                               Claim (*claim_of)(const Item&)) {
  std::set<Claim> claims;  // in one order for everybody, so that two nodes cannot wait for each other
  for (const Item& item : items) claims.insert(claim_of(item));
  std::vector<db::Arg> args;
  args.reserve(claims.size() * 3);
  for (const auto& [lane, epoch] : claims) args.insert(args.end(), {lane, node, epoch});
  std::set<Claim> held;
  auto claim = claims.begin();
  XD_DO(tx.each("SELECT epoch FROM lanes WHERE id = $1 AND owner = $2 AND epoch = $3 FOR SHARE", 3, args,
                [&](std::size_t, std::int64_t rows, const db::Row*) {
                  if (rows > 0) held.insert(*claim);
                  ++claim;
                }));
  return held;
}

constexpr std::size_t kFewKeys = 64;
constexpr auto kNodeForgotten = std::chrono::hours{24};

/// A task as the table has it.
struct Found {
  Task task;
  bool opened;
};

Claim claim_of(const Opening& opening) { return {opening.lane, opening.epoch}; }
Claim claim_of(const Closing& closing) { return {closing.task->lane, closing.epoch}; }

/// Circuits change rarely, so their rows are written one by one.
Result<void> store_circuits(db::Tx& tx, std::span<const Closing> closings, const std::vector<bool>& closed) {
  for (std::size_t i = 0; i < closings.size(); ++i) {
    const auto& change = closings[i].outcome->circuit;
    if (!change || !closed[i]) continue;
    const auto& open = change->open;
    XD_DO(
        tx.exec("UPDATE lanes SET circuit_until = $2, circuit_seconds = $3, circuit_since = $4,"
                " circuit_no = $5 WHERE id = $1 AND circuit_no <= $5",
                {closings[i].task->lane, open ? std::optional(open->until) : std::nullopt,
                 open ? std::optional(open->span.count()) : std::nullopt,
                 open ? std::optional(open->since) : std::nullopt, change->circuit_no}));
  }
  return {};
}

}  // namespace

Result<void> insert_lane(db::Tx& tx, LaneId lane, base::TenantId tenant, std::string_view kind,
                         LaneState state) {
  XD_DO(tx.exec("INSERT INTO lanes (id, tenant_id, kind, state, epoch) VALUES ($1, $2, $3, $4, 0)",
                {lane, tenant, kind, state == LaneState::paused ? "PAUSED" : "ACTIVE"}));
  return {};
}

Result<bool> insert_lane_once(db::Tx& tx, LaneId lane, std::string_view kind) {
  XD_TRY(const auto made,
         tx.exec("INSERT INTO lanes (id, tenant_id, kind, state, epoch) VALUES ($1, $2, $3, 'ACTIVE', 0)"
                 " ON CONFLICT (id) DO NOTHING",
                 {lane, base::TenantId{}, kind}));
  return made == 1;
}

Result<void> lock_lane(db::Tx& tx, base::TenantId tenant, LaneId lane) {
  if (tx.engine() == db::Engine::sqlite) return {};  // nobody else writes
  XD_DO(tx.query("SELECT 1 FROM lanes WHERE tenant_id = $1 AND id = $2 FOR UPDATE", {tenant, lane},
                 [](const db::Row&) {}));
  return {};
}

Result<void> set_lane_state(db::Tx& tx, LaneId lane, LaneState state) {
  XD_DO(tx.exec("UPDATE lanes SET state = $2 WHERE id = $1",
                {lane, state == LaneState::paused ? "PAUSED" : "ACTIVE"}));
  return {};
}

Result<std::int64_t> delete_lane(db::Tx& tx, LaneId lane) {
  XD_DO(tx.exec("DELETE FROM lanes WHERE id = $1", {lane}));
  return tx.exec("DELETE FROM tasks WHERE lane_id = $1", {lane});
}

Result<std::vector<Busy>> lanes_with_tasks(db::Tx& tx) {
  std::vector<Busy> lanes;
  XD_DO(tx.query(
      "WITH RECURSIVE skip(lane_id) AS ("
      " SELECT (SELECT lane_id FROM tasks ORDER BY lane_id LIMIT 1)"
      " UNION ALL"
      " SELECT (SELECT t.lane_id FROM tasks t WHERE t.lane_id > skip.lane_id ORDER BY t.lane_id LIMIT 1)"
      " FROM skip WHERE skip.lane_id IS NOT NULL)"
      " SELECT lane_id, (SELECT y.id FROM tasks y WHERE y.lane_id = skip.lane_id ORDER BY y.id DESC LIMIT 1)"
      " FROM skip WHERE lane_id IS NOT NULL",
      {}, [&](const db::Row& row) { lanes.push_back({row.id<LaneId>(0), row.id<TaskId>(1)}); }));
  return lanes;
}

Result<std::optional<Lease>> acquire(db::Tx& tx, LaneId lane, const base::Uuid& node) {
  std::optional<Lease> lease;
  const auto read = [&](const db::Row& row) {
    lease = Lease{lane, row.id<base::TenantId>(0),
                  row.text(1) == "PAUSED" ? LaneState::paused : LaneState::active, row.integer(2)};
    if (!row.is_null(3)) lease->circuit = {row.time(3), std::chrono::seconds{row.integer(4)}, row.time(5)};
    lease->circuit_no = row.integer(6);
    lease->kind = row.string(7);
  };
  if (tx.engine() == db::Engine::sqlite) {
    XD_DO(
        tx.query("SELECT tenant_id, state, epoch, circuit_until, circuit_seconds, circuit_since, circuit_no,"
                 " kind FROM lanes"
                 " WHERE id = $1",
                 {lane}, read));
  } else {
    // One that is ours already keeps its epoch, so that what is under way in it stays valid.
    XD_DO(
        tx.query("UPDATE lanes SET owner = $2, epoch = CASE WHEN owner = $2 THEN epoch ELSE epoch + 1 END"
                 " WHERE id = $1 AND (owner IS NULL OR owner = $2"
                 " OR NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = lanes.owner"
                 " AND n.lease_until > (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT))"
                 " RETURNING tenant_id, state, epoch, circuit_until, circuit_seconds, circuit_since,"
                 " circuit_no, kind",
                 {lane, node}, read));
  }
  return lease;
}

Result<void> release_all(db::Tx& tx, const base::Uuid& node) {
  if (tx.engine() == db::Engine::sqlite) return {};
  XD_DO(tx.exec("UPDATE lanes SET owner = NULL WHERE owner = $1", {node}));
  XD_DO(tx.exec("DELETE FROM nodes WHERE id = $1", {node}));
  return {};
}

Result<bool> renew(db::Tx& tx, const Node& node, std::chrono::seconds lease) {
  const std::int64_t micros = std::chrono::microseconds(lease).count();
  XD_TRY(
      const auto renewed,
      tx.exec("UPDATE nodes SET lease_until = (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT + $2"
              " WHERE id = $1",
              {node.id, micros}));
  if (renewed == 1) return true;
  XD_DO(
      tx.exec("INSERT INTO nodes (id, name, lease_until) VALUES ($1, $2,"
              " (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT + $3)",
              {node.id, node.name, micros}));
  return false;
}

Result<void> begin_lease(db::Tx& tx, const Node& node, std::chrono::seconds lease) {
  XD_DO(
      tx.exec("DELETE FROM nodes WHERE (name = $1 AND name <> '') OR lease_until <"
              " (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT - $2",
              {node.name, std::chrono::microseconds(kNodeForgotten).count()}));
  XD_DO(renew(tx, node, lease));
  return {};
}

Result<void> insert_tasks(db::Tx& tx, std::span<const Task> tasks) {
  std::vector<db::Arg> args;
  args.reserve(tasks.size() * 10);
  for (const Task& task : tasks) {
    args.insert(args.end(), {task.lane, task.id, task.tenant, task.kind, task.due, task.created, task.timed,
                             task.order_key, task.ref, task.args});
  }
  return tx.each(
      "INSERT INTO tasks (lane_id, id, tenant_id, kind, due_at, created_at, attempt, unknown_attempts, timed,"
      " order_key, ref, args) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8, $9, $10)",
      10, args);
}

Begin Begin::earlier(std::chrono::microseconds room) const {
  const base::Time made = base::time_of(id.uuid);
  return {made - base::Time{} > room ? TaskId{base::first_uuid_of(made - room)} : TaskId{},
          due - base::Time{} > room ? due - room : base::Time{}};
}

void Begin::lower_to(const Task& task) {
  if (task.timed) {
    due = std::min(due, task.due);
  } else {
    id = std::min(id, task.id);
  }
}

void Begin::lower_to(const Begin& other) {
  id = std::min(id, other.id);
  due = std::min(due, other.due);
}

Result<Loaded> load(db::Tx& tx, LaneId lane, base::Time now, std::size_t limit, const Begin& from) {
  std::vector<Found> found;
  const auto read = [&](const db::Row& row) { found.push_back({read_task(row), !row.is_null(12)}); };
  const std::string columns = kTaskColumns;
  Loaded loaded{.begin = {TaskId{base::first_uuid_of(now)}, now}};
  XD_TRY(const auto in_order, tx.query("SELECT " + columns +
                                           " FROM tasks WHERE lane_id = $1 AND id >= $3 AND timed = 0"
                                           " ORDER BY id LIMIT $2",
                                       {lane, limit, from.id}, read));
  if (in_order > 0) loaded.begin.id = found.front().task.id;
  XD_TRY(const auto due, tx.query("SELECT " + columns +
                                      " FROM tasks WHERE lane_id = $1 AND timed = 1 AND due_at >= $4"
                                      " AND due_at <= $2 ORDER BY due_at, id LIMIT $3",
                                  {lane, now, limit, from.due}, read));
  if (due > 0) loaded.begin.due = found[static_cast<std::size_t>(in_order)].task.due;
  // By due time all together: under a flood of fresh tasks a retry would otherwise wait for its end.
  std::ranges::sort(found, {}, [](const Found& one) { return std::pair(one.task.due, one.task.id); });
  for (Found& one : found) {
    loaded.tasks.push_back(std::move(one.task));
    loaded.opened.push_back(one.opened);
  }
  loaded.more = static_cast<std::size_t>(in_order) == limit || static_cast<std::size_t>(due) == limit;
  XD_DO(tx.query(
      "SELECT due_at FROM tasks WHERE lane_id = $1 AND timed = 1 AND due_at > $2 ORDER BY due_at LIMIT 1",
      {lane, now}, [&](const db::Row& row) { loaded.next_due = row.time(0); }));
  return loaded;
}

namespace {

bool is_due(const Task& task, base::Time now) { return !task.timed || task.due <= now; }

/// Where few keys have very many tasks, one of each at a time would be slow: the next ones of each key,
/// behind its first, up to one that waits for its time.
Result<void> add_followers(db::Tx& tx, LaneId lane, base::Time now, Loaded& loaded, std::size_t limit) {
  const std::size_t heads = loaded.tasks.size();
  if (heads == 0 || limit / heads < 2) return {};
  const std::size_t each = limit / heads - 1;
  for (std::size_t i = 0; i < heads; ++i) {
    const std::string key = loaded.tasks[i].order_key;
    const TaskId head = loaded.tasks[i].id;
    if (key.empty() || loaded.opened[i]) continue;
    bool all_due = true;
    XD_DO(tx.query("SELECT " + std::string(kTaskColumns) +
                       " FROM tasks WHERE lane_id = $1 AND order_key = $2 AND order_key <> '' AND id > $3"
                       " ORDER BY id LIMIT $4",
                   {lane, key, head, each}, [&](const db::Row& row) {
                     Task task = read_task(row);
                     all_due = all_due && is_due(task, now);
                     if (!all_due) return;
                     loaded.tasks.push_back(std::move(task));
                     loaded.opened.push_back(!row.is_null(12));
                   }));
  }
  return {};
}

/// A lane that is short enough to be held whole, by id. Of a key that waits for its time the first task holds
/// it; behind another one that waits, the rest stays in the table.
Loaded loaded_whole(std::vector<Found> found, base::Time now) {
  Loaded loaded{.whole = true};
  std::unordered_map<std::string, bool> ends;  // of each key: whether one was met that the rest stays behind
  for (Found& one : found) {
    const auto [key, first] = ends.try_emplace(one.task.order_key, false);
    const bool keyed = !one.task.order_key.empty();
    if (keyed && key->second) {
      loaded.more = true;
    } else if (is_due(one.task, now)) {
      loaded.tasks.push_back(std::move(one.task));
      loaded.opened.push_back(one.opened);
    } else {
      if (!loaded.next_due || one.task.due < *loaded.next_due) loaded.next_due = one.task.due;
      if (keyed && first) {
        loaded.parked.emplace_back(std::move(one.task.order_key), one.task.id);
      } else if (keyed) {
        key->second = true;
        loaded.more = true;
      }
    }
  }
  return loaded;
}

}  // namespace

Result<Loaded> load_ordered(db::Tx& tx, LaneId lane, base::Time now, std::size_t limit,
                            const std::string& after_key, const Begin& from) {
  std::vector<Found> found;
  const auto read = [&](const db::Row& row) { found.push_back({read_task(row), !row.is_null(12)}); };
  const std::string columns = kTaskColumns;
  XD_TRY(const auto first,
         tx.query("SELECT " + columns + " FROM tasks WHERE lane_id = $1 AND id >= $3 ORDER BY id LIMIT $2",
                  {lane, limit, from.id}, read));
  // A task that waits for its time holds the beginning where it is: in such a lane it holds others, too.
  const Begin begin{first > 0 ? found.front().task.id : TaskId{base::first_uuid_of(now)}, {}};
  if (static_cast<std::size_t>(first) < limit) {
    Loaded whole = loaded_whole(std::move(found), now);
    whole.begin = begin;
    return whole;
  }
  // What was enqueued before the lane became ordered has no key, and stands before the rest.
  std::erase_if(found, [&](const Found& one) {
    return !one.task.order_key.empty() || (one.task.timed && one.task.due > now);
  });
  Loaded loaded = loaded_whole(std::move(found), now);
  loaded.whole = false;
  loaded.begin = begin;
  std::size_t heads = 0;
  XD_DO(tx.query(
      "WITH RECURSIVE heads(head) AS ("
      " SELECT (SELECT order_key FROM tasks WHERE lane_id = $1 AND order_key > $2 AND order_key <> ''"
      " AND id >= $4 ORDER BY order_key LIMIT 1)"
      " UNION ALL"
      " SELECT (SELECT t.order_key FROM tasks t WHERE t.lane_id = $1 AND t.order_key > heads.head"
      " AND t.order_key <> '' AND t.id >= $4 ORDER BY t.order_key LIMIT 1) FROM heads WHERE heads.head IS "
      "NOT NULL)"
      " SELECT " +
          columns +
          " FROM heads JOIN tasks ON lane_id = $1 AND id = (SELECT e.id FROM tasks e WHERE e.lane_id = $1"
          " AND e.order_key = heads.head AND e.order_key <> '' AND e.id >= $4 ORDER BY e.id LIMIT 1)"
          " WHERE heads.head IS NOT NULL LIMIT $3",
      {lane, after_key, limit, from.id}, [&](const db::Row& row) {
        ++heads;
        loaded.last_key = row.string(9);
        if (row.flag(8) && row.time(4) > now) return;
        loaded.tasks.push_back(read_task(row));
        loaded.opened.push_back(!row.is_null(12));
      }));
  if (heads < limit) loaded.last_key.clear();
  loaded.more = true;
  if (heads <= kFewKeys && after_key.empty()) XD_DO(add_followers(tx, lane, now, loaded, limit));
  XD_DO(tx.query(
      "SELECT due_at FROM tasks WHERE lane_id = $1 AND timed = 1 AND due_at > $2 ORDER BY due_at LIMIT 1",
      {lane, now}, [&](const db::Row& row) { loaded.next_due = row.time(0); }));
  return loaded;
}

Result<std::vector<bool>> open(db::Tx& tx, std::span<const Opening> openings, const base::Uuid& node,
                               base::Time now) {
  std::vector<bool> opened(openings.size(), false);
  std::optional<std::set<Claim>> held;
  if (tx.engine() == db::Engine::postgres) {
    XD_TRY(held, fenced<Opening>(tx, openings, node, claim_of));
  }
  std::vector<db::Arg> args;
  std::vector<std::size_t> positions;
  args.reserve(openings.size() * 3);
  for (std::size_t i = 0; i < openings.size(); ++i) {
    if (held && !held->contains(claim_of(openings[i]))) continue;
    args.insert(args.end(), {openings[i].lane, openings[i].id, now});
    positions.push_back(i);
  }
  XD_DO(tx.each("UPDATE tasks SET opened_at = $3 WHERE lane_id = $1 AND id = $2", 3, args,
                [&](std::size_t i, std::int64_t rows, const db::Row*) { opened[positions[i]] = rows == 1; }));
  return opened;
}

Result<std::vector<bool>> close(db::Tx& tx, std::span<const Closing> closings, const base::Uuid& node) {
  std::vector<bool> closed(closings.size(), false);
  std::optional<std::set<Claim>> held;
  if (tx.engine() == db::Engine::postgres) {
    XD_TRY(held, fenced<Closing>(tx, closings, node, claim_of));
  }
  std::vector<db::Arg> deletes;
  std::vector<db::Arg> updates;
  std::vector<std::size_t> deleted;
  std::vector<std::size_t> updated;
  for (std::size_t i = 0; i < closings.size(); ++i) {
    if (held && !held->contains(claim_of(closings[i]))) continue;
    const Task* task = closings[i].task;
    const Outcome* outcome = closings[i].outcome;
    if (outcome->verdict.kind == Verdict::Kind::done) {
      deletes.insert(deletes.end(), {task->lane, task->id});
      deleted.push_back(i);
    } else {
      const bool unknown = outcome->verdict.kind == Verdict::Kind::unknown;
      updates.insert(updates.end(), {task->lane, task->id, task->attempt + (unknown ? 0 : 1),
                                     task->unknown_attempts + (unknown ? 1 : 0), outcome->verdict.at});
      updated.push_back(i);
    }
  }
  XD_DO(tx.each("DELETE FROM tasks WHERE lane_id = $1 AND id = $2", 2, deletes,
                [&](std::size_t i, std::int64_t rows, const db::Row*) { closed[deleted[i]] = rows == 1; }));
  XD_DO(tx.each(
      "UPDATE tasks SET attempt = $3, unknown_attempts = $4, due_at = $5, timed = 1, opened_at = NULL"
      " WHERE lane_id = $1 AND id = $2",
      5, updates, [&](std::size_t i, std::int64_t rows, const db::Row*) { closed[updated[i]] = rows == 1; }));
  XD_DO(store_circuits(tx, closings, closed));
  return closed;
}

Result<bool> advance_args(db::Tx& tx, const Task& task, std::string_view args) {
  XD_TRY(const auto changed,
         tx.exec("UPDATE tasks SET args = $4 WHERE lane_id = $1 AND id = $2 AND args = $3",
                 {task.lane, task.id, task.args, args}));
  return changed == 1;
}

Result<std::vector<Task>> pending(db::Tx& tx, LaneId lane, const db::Page& page, Tried tried) {
  std::vector<Task> tasks;
  db::PageQuery query("SELECT " + std::string(kTaskColumns) + " FROM tasks WHERE lane_id = $1", {lane}, page);
  if (tried == Tried::no) query.also(" AND attempt + unknown_attempts = 0");
  if (tried == Tried::yes) query.also(" AND timed = 1 AND attempt + unknown_attempts > 0");
  XD_DO(query.run(tx, tasks, read_task));
  return tasks;
}

Result<std::vector<Task>> about(db::Tx& tx, LaneId lane, const base::Uuid& ref, const base::Uuid& from,
                                const base::Uuid& to) {
  std::vector<Task> tasks;
  XD_DO(tx.query("SELECT " + std::string(kTaskColumns) +
                     " FROM tasks WHERE lane_id = $1 AND id >= $3 AND id <= $4 AND ref = $2 UNION SELECT " +
                     std::string(kTaskColumns) +
                     " FROM tasks WHERE lane_id = $1 AND ref = $2 AND args <> '' ORDER BY id LIMIT 100",
                 {lane, ref, from, to}, [&](const db::Row& row) { tasks.push_back(read_task(row)); }));
  return tasks;
}

Result<std::set<base::Uuid>> refs_before(db::Tx& tx, const base::Uuid& before) {
  std::set<base::Uuid> refs;
  XD_DO(tx.query("SELECT ref FROM tasks WHERE ref < $1", {before},
                 [&](const db::Row& row) { refs.insert(row.uuid(0)); }));
  return refs;
}

Result<bool> is_replayed(db::Tx& tx, const base::Uuid& ref) {
  XD_TRY(const auto found,
         tx.query("SELECT 1 FROM tasks WHERE ref = $1 AND args <> '' LIMIT 1", {ref}, [](const db::Row&) {}));
  return found > 0;
}

Result<std::optional<Task>> find_task(db::Tx& tx, base::TenantId tenant, TaskId id) {
  std::optional<Task> task;
  XD_DO(tx.query(
      "SELECT t.lane_id, t.id, t.tenant_id, t.kind, t.due_at, t.created_at, t.attempt, t.unknown_attempts,"
      " t.timed, t.order_key, t.ref, t.args, t.opened_at"
      " FROM lanes l JOIN tasks t ON t.lane_id = l.id AND t.id = $2 WHERE l.tenant_id = $1",
      {tenant, id}, [&](const db::Row& row) { task = read_task(row); }));
  return task;
}

Result<std::vector<bool>> has_tasks_of(db::Tx& tx, std::span<const KeyInLane> keys) {
  std::vector<db::Arg> args;
  for (const KeyInLane& one : keys) args.insert(args.end(), {one.lane, one.key});
  std::vector<bool> waiting(keys.size());
  XD_DO(tx.each(
      "SELECT 1 FROM tasks WHERE lane_id = $1 AND order_key = $2 AND order_key <> '' LIMIT 1", 2, args,
      [&](std::size_t index, std::int64_t, const db::Row* row) { waiting[index] = row != nullptr; }));
  return waiting;
}

}  // namespace queue
