#include <algorithm>

#include "event/pattern_sql.hpp"
#include "inbound/receive/index.hpp"

namespace inbound {

namespace {

using base::Result;

constexpr const char* kColumns =
    "e.id, e.tenant_id, e.endpoint_id, e.external_id, e.conflict_of, e.batch_id, e.batch_index, e.method,"
    " coalesce(h.target, e.target), e.remote_ip, e.verification, e.received_at, e.dedup_key";
constexpr const char* kBodyColumns = ", coalesce(h.headers, e.headers), e.body";
/// What the elements of a batch have in common; of others, and those of earlier versions, there is none.
constexpr const char* kHeads =
    " LEFT JOIN received_heads h ON h.tenant_id = e.tenant_id AND h.id = e.batch_id";

ReceivedEvent read_event(const db::Row& row) {
  ReceivedEvent event;
  event.id = row.id<ReceivedId>(0);
  event.tenant = row.id<TenantId>(1);
  event.endpoint = row.id<EndpointId>(2);
  event.external_id = row.string(3);
  if (!row.is_null(4)) event.conflict_of = row.id<ReceivedId>(4);
  if (!row.is_null(5)) event.batch = row.uuid(5);
  event.batch_index = row.integer(6);
  event.method = row.string(7);
  event.target = row.string(8);
  event.remote_ip = row.string(9);
  event.verification = row.string(10);
  event.received = row.time(11);
  event.dedup_key = row.string(12);
  return event;
}

constexpr const char* kResultColumns =
    ", r.status, r.replay_no, r.source, r.event_type, r.table_name, r.event_id, r.processed_at,"
    " r.processing_error";

ReceivedRow read_row(const db::Row& row) {
  ReceivedRow found{.event = read_event(row)};
  if (row.is_null(13)) return found;
  ReceivedResult& result = found.result.emplace();
  result.id = found.event.id;
  result.tenant = found.event.tenant;
  result.endpoint = found.event.endpoint;
  result.status = base::parse_word<ReceivedStatus>(row.text(13)).value_or(ReceivedStatus::failed);
  result.replay_no = row.integer(14);
  result.source = row.string(15);
  result.event_type = row.string(16);
  result.table = row.string(17);
  if (!row.is_null(18)) result.event = row.id<event::EventId>(18);
  result.processed = row.time(19);
  result.error = row.string(20);
  return found;
}

/// An event among those of all arrivals.
struct Place {
  const Incoming* incoming = nullptr;
  Receipt* receipt = nullptr;
  std::string key{};
};

using Told = std::function<void(const Place&, ReceivedId holder, bool same_body)>;

/// With the time at which each came where a statement asks for it.
std::vector<db::Arg> key_args(std::span<const Place* const> places, bool with_time) {
  std::vector<db::Arg> args;
  args.reserve(places.size() * 7);
  for (const Place* place : places) {
    const Incoming& one = *place->incoming;
    args.insert(args.end(), {one.event->endpoint, place->key, one.event->tenant, one.event->id,
                             db::Arg::blob(one.body_hash), one.expires});
    if (with_time) args.emplace_back(one.event->received);
  }
  return args;
}

/// Of keys that were there already: whose they are, or from now on those that have expired.
Result<void> look_up_keys(db::Tx& tx, std::span<const Place* const> places, const Told& told) {
  return tx.each(
      "INSERT INTO received_keys (endpoint_id, key, tenant_id, received_id, body_hash, duplicates, "
      "expires_at)"
      " VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (key, endpoint_id) DO UPDATE SET"
      " received_id = CASE WHEN received_keys.expires_at <= $7 THEN excluded.received_id"
      "  ELSE received_keys.received_id END,"
      " body_hash = CASE WHEN received_keys.expires_at <= $7 THEN excluded.body_hash"
      "  ELSE received_keys.body_hash END,"
      " duplicates = CASE WHEN received_keys.expires_at <= $7 THEN 0"
      "  WHEN received_keys.body_hash <> excluded.body_hash THEN received_keys.duplicates"
      "  ELSE received_keys.duplicates + 1 END,"
      " expires_at = CASE WHEN received_keys.expires_at <= $7 THEN excluded.expires_at"
      "  ELSE received_keys.expires_at END RETURNING received_id, body_hash",
      7, key_args(places, true), [&](std::size_t index, std::int64_t, const db::Row* row) {
        if (row == nullptr) return;
        told(*places[index], row->id<ReceivedId>(0), row->blob(1) == places[index]->incoming->body_hash);
      });
}

/// Says of each whether it is the first one with its key, and whose the key is.
Result<void> take_keys(db::Tx& tx, std::span<const Place> places, const Told& told) {
  // In one order for all, or two transactions on PostgreSQL might wait for each other.
  std::vector<const Place*> order;
  order.reserve(places.size());
  for (const Place& place : places) order.push_back(&place);
  std::ranges::sort(order, [](const Place* a, const Place* b) {
    return std::tie(a->key, a->incoming->event->endpoint, a) <
           std::tie(b->key, b->incoming->event->endpoint, b);
  });
  // Nearly all are new, and to hear no more than that is cheap.
  std::vector<const Place*> known;
  XD_DO(
      tx.each("INSERT INTO received_keys (endpoint_id, key, tenant_id, received_id, body_hash, duplicates, "
              "expires_at)"
              " VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (key, endpoint_id) DO NOTHING",
              6, key_args(order, false), [&](std::size_t index, std::int64_t rows, const db::Row*) {
                const Place& place = *order[index];
                if (rows == 0) known.push_back(&place);
                if (rows > 0) told(place, place.incoming->event->id, true);
              }));
  if (known.empty()) return {};
  return look_up_keys(tx, known, told);
}

/// Those whose endpoint is not there any more. On SQLite, where nobody else writes meanwhile, one look tells
/// of nearly all that it is: to look for each would take as long as to write it, where endpoints are many.
Result<std::set<const Arrival*>> find_gone(db::Tx& tx, std::span<const Arrival> arrivals) {
  std::optional<std::int64_t> deletions;
  if (tx.engine() == db::Engine::sqlite) {
    XD_TRY(deletions, count_deletions(tx));
  }
  std::vector<const Arrival*> doubtful;
  for (const Arrival& arrival : arrivals) {
    if (arrival.deletions != deletions) doubtful.push_back(&arrival);
  }
  std::set<std::pair<TenantId, EndpointId>> wanted;
  for (const Arrival* arrival : doubtful) {
    const ReceivedEvent& event = *arrival->events.front().event;
    wanted.emplace(event.tenant, event.endpoint);
  }
  XD_TRY(const std::set<EndpointId> held, hold_endpoints(tx, wanted));
  std::set<const Arrival*> gone;
  for (const Arrival* arrival : doubtful) {
    if (!held.contains(arrival->events.front().event->endpoint)) gone.insert(arrival);
  }
  return gone;
}

/// What is new, what is a repeat, and what has another one's id.
Result<void> tell_apart(db::Tx& tx, std::span<const Place> places) {
  std::vector<Place> conflicts;
  std::vector<Place> keyed;
  for (const Place& place : places) {
    place.receipt->id = place.incoming->event->id;
    if (!place.key.empty()) keyed.push_back(place);
  }
  XD_DO(take_keys(tx, keyed, [&](const Place& place, ReceivedId holder, bool same_body) {
    place.receipt->id = holder;
    if (holder == place.incoming->event->id) return;
    place.receipt->duplicate = same_body;
    place.receipt->conflict = !same_body;
    if (same_body) return;
    conflicts.push_back(place);
    conflicts.back().key = conflict_key(place.key, place.incoming->body_hash);
  }));
  if (conflicts.empty()) return {};
  // Those are sent again as well.
  return take_keys(tx, conflicts, [](const Place& place, ReceivedId holder, bool) {
    if (holder == place.incoming->event->id) return;
    place.receipt->id = holder;
    place.receipt->duplicate = true;
  });
}

Result<void> insert_events(db::Tx& tx, std::span<const ReceivedPtr> events) {
  static const std::string kInHead;
  std::vector<db::Arg> args;
  args.reserve(events.size() * 15);
  for (const ReceivedPtr& event : events) {
    const ReceivedEvent& e = *event;
    const std::string& target = e.batch ? kInHead : e.target;
    const std::string& headers = e.batch ? kInHead : e.headers;
    args.insert(args.end(), {e.id, e.tenant, e.endpoint, e.external_id, e.conflict_of, e.batch, e.batch_index,
                             e.method, target, headers, db::Arg::blob(e.body), e.remote_ip, e.verification,
                             e.received, e.dedup_key});
  }
  XD_DO(
      tx.each("INSERT INTO received_events (id, tenant_id, endpoint_id, external_id, conflict_of, batch_id,"
              " batch_index, method, target, headers, body, remote_ip, verification, received_at, dedup_key)"
              " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
              15, args));
  return index_late_ones(tx, events);
}

queue::Task make_task(const Incoming& incoming) {
  const ReceivedPtr event = incoming.event;
  queue::Task task;
  task.lane = queue::LaneId{event->endpoint.uuid};
  task.id = queue::TaskId{event->id.uuid};
  task.tenant = event->tenant;
  task.kind = kProcessKind;
  task.due = event->received;
  task.created = event->received;
  task.order_key = incoming.order_key;
  task.ref = event->id.uuid;
  task.payload_bytes = event->bytes();
  task.payload = event;
  return task;
}

}  // namespace

Result<std::vector<std::vector<Receipt>>> insert_arrivals(db::Tx& tx, queue::Queue& queue,
                                                          std::span<const Arrival> arrivals) {
  std::vector<std::vector<Receipt>> receipts;
  std::vector<Place> places;
  receipts.reserve(arrivals.size());
  XD_TRY(const std::set<const Arrival*> gone, find_gone(tx, arrivals));
  for (const Arrival& arrival : arrivals) {
    std::vector<Receipt>& own = receipts.emplace_back(arrival.events.size());
    if (gone.contains(&arrival)) {
      for (Receipt& receipt : own) receipt.gone = true;
      continue;
    }
    for (std::size_t i = 0; i < own.size(); ++i)
      places.push_back({&arrival.events[i], &own[i], arrival.events[i].key});
  }
  XD_DO(tell_apart(tx, places));
  std::vector<ReceivedPtr> events;
  std::vector<queue::Task> tasks;
  std::set<base::Uuid> batches;
  for (const Place& place : places) {
    if (place.receipt->duplicate) continue;
    const auto& event = place.incoming->event;
    if (place.receipt->conflict) {
      event->conflict_of = place.receipt->id;
      event->dedup_key = conflict_key(place.key, place.incoming->body_hash);
      place.receipt->id = event->id;
    } else if (event->conflict_of) {
      // A flush that was given up has seen another one.
      event->conflict_of.reset();
      event->dedup_key.clear();
    }
    tasks.push_back(make_task(*place.incoming));
    events.push_back(event);
    if (event->batch) batches.insert(*event->batch);
  }
  if (events.empty()) return receipts;
  XD_DO(insert_events(tx, events));
  for (const Arrival& arrival : arrivals) {
    if (arrival.batch_body.empty() || !batches.contains(arrival.batch)) continue;
    const ReceivedEvent& first = *arrival.events.front().event;
    XD_DO(tx.exec("INSERT INTO received_batches (id, tenant_id, body) VALUES ($1, $2, $3)",
                  {arrival.batch, first.tenant, db::Arg::blob(arrival.batch_body)}));
    XD_DO(tx.exec("INSERT INTO received_heads (id, tenant_id, target, headers) VALUES ($1, $2, $3, $4)",
                  {arrival.batch, first.tenant, first.target, first.headers}));
  }
  if (!tasks.empty()) XD_DO(queue.enqueue(tx, std::move(tasks)));
  return receipts;
}

Result<std::vector<bool>> put_results(db::Tx& tx, std::span<const ReceivedResult* const> results) {
  std::vector<db::Arg> args;
  args.reserve(results.size() * 11);
  for (const ReceivedResult* one : results) {
    args.insert(args.end(),
                {one->tenant, one->id, one->endpoint, name(one->status), one->replay_no, one->source,
                 one->event_type, one->table, one->event, one->processed, one->error});
  }
  std::vector<bool> written(results.size());
  XD_DO(tx.each(
      "INSERT INTO received_results (tenant_id, id, endpoint_id, status, replay_no, source, event_type,"
      " table_name, event_id, processed_at, processing_error)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
      " ON CONFLICT (tenant_id, id) DO UPDATE SET status = excluded.status, replay_no = excluded.replay_no,"
      " source = excluded.source, event_type = excluded.event_type, table_name = excluded.table_name,"
      " event_id = excluded.event_id, processed_at = excluded.processed_at,"
      " processing_error = excluded.processing_error"
      " WHERE received_results.replay_no < excluded.replay_no",
      11, args, [&](std::size_t index, std::int64_t rows, const db::Row*) { written[index] = rows > 0; }));
  return written;
}

namespace {

/// Rows of one piece of a search.
constexpr std::size_t kPiece = 2000;

/// An order of ids in which the rows of a list are looked for.
struct Source {
  std::string from{};  ///< "FROM … WHERE …" with kHeads, with the tenant as its first parameter
  std::string id{};    ///< the columns
  std::string endpoint{};
  std::string bound{};  ///< " AND … $": which part of all it has; empty: all
};

/// The sources that have everything between them, the oldest last.
std::vector<Source> sources_of(db::Engine engine, const ReceivedQuery& query, bool by_result) {
  if (by_result) {
    return {
        {std::string(" FROM received_results r JOIN received_events e ON e.tenant_id = r.tenant_id AND e.id ="
                     " r.id") +
             kHeads + " WHERE r.tenant_id = $1",
         "r.id", "r.endpoint_id"}};
  }
  const std::string results =
      std::string(" LEFT JOIN received_results r ON r.tenant_id = e.tenant_id AND r.id = e.id") + kHeads;
  const std::string events = " FROM received_events e" + results + " WHERE e.tenant_id = $1";
  if (!query.endpoint || engine == db::Engine::postgres) return {{events, "e.id", "e.endpoint_id"}};
  return {
      {events, "e.id", "e.endpoint_id", " AND e.id > $"},
      {" FROM received_index i CROSS JOIN received_events e ON e.tenant_id = i.tenant_id AND e.id = i.id" +
           results + " WHERE i.tenant_id = $1",
       "i.id", "i.endpoint_id", " AND i.id <= $"}};
}

/// The ids that bound a search.
struct Bounds {
  explicit Bounds(const ReceivedQuery& query) {
    if (query.since) since = base::first_uuid_of(*query.since);
    if (query.until) until = base::first_uuid_of(*query.until);
  }
  std::optional<base::Uuid> since{};
  std::optional<base::Uuid> until{};
  Indexed indexed{};
};

/// What of a source belongs to the list, by what its index has. The statement refers to the bounds.
void add_range(db::PageQuery& sql, const ReceivedQuery& query, const Source& source, const Bounds& bounds) {
  if (query.endpoint) sql.also((" AND " + source.endpoint + " = $").c_str(), *query.endpoint);
  if (!source.bound.empty()) sql.also(source.bound.c_str(), bounds.indexed.until);
  if (bounds.since) sql.also((" AND " + source.id + " >= $").c_str(), *bounds.since);
  if (bounds.until) sql.also((" AND " + source.id + " < $").c_str(), *bounds.until);
}

/// What waits has no result.
bool wants_waiting(const ReceivedQuery& query) {
  return std::ranges::find(query.statuses, ReceivedStatus::pending) != query.statuses.end();
}

void add_statuses(db::PageQuery& sql, const ReceivedQuery& query) {
  const bool waiting = wants_waiting(query);
  if (waiting && query.statuses.size() == 1) return sql.also(" AND r.id IS NULL");
  const char* between = waiting ? " AND (r.id IS NULL OR r.status IN ($" : " AND (r.status IN ($";
  for (const ReceivedStatus status : query.statuses) {
    if (status != ReceivedStatus::pending) sql.also(std::exchange(between, ", $"), name(status));
  }
  if (!query.statuses.empty()) sql.also("))");
}

void add_filters(db::PageQuery& sql, const ReceivedQuery& query) {
  add_statuses(sql, query);
  if (!query.source.empty()) sql.also(" AND r.source = $", query.source);
  if (!query.table.empty()) sql.also(" AND r.table_name = $", query.table);
  event::add_pattern(sql, "r.event_type", query.event_type);
  if (!query.external_id.empty()) sql.also(" AND e.external_id = $", query.external_id);
}

bool has_filters(const ReceivedQuery& query) {
  return !query.statuses.empty() || !query.source.empty() || !query.table.empty() ||
         !query.event_type.empty() || !query.external_id.empty();
}

/// The last row of a piece that begins where the page does; nothing where the rest is no more than that.
Result<std::optional<base::Uuid>> end_of_piece(db::Tx& tx, const ReceivedQuery& query, const Source& source,
                                               const Bounds& bounds, db::Page page) {
  page.limit = kPiece;
  db::PageQuery sql("SELECT " + source.id + source.from, {query.tenant}, page, source.id);
  add_range(sql, query, source, bounds);
  std::vector<base::Uuid> ids;
  XD_DO(sql.run(tx, ids, [](const db::Row& row) { return row.uuid(0); }));
  if (ids.size() < kPiece) return std::optional<base::Uuid>{};
  return std::optional(page.after ? ids.front() : ids.back());
}

/// Adds what one source has of the page.
Result<void> look_through(db::Tx& tx, const ReceivedQuery& query, const Source& source, const Bounds& bounds,
                          base::Deadline until, FoundReceived& found) {
  db::Page page = query.page;
  const bool ascending = page.after.has_value();
  while (true) {
    std::optional<base::Uuid> end;
    if (has_filters(query)) {
      XD_TRY(end, end_of_piece(tx, query, source, bounds, page));
    }
    page.limit = query.page.limit - found.rows.size();
    db::PageQuery sql("SELECT " + std::string(kColumns) + kResultColumns + source.from, {query.tenant}, page,
                      source.id);
    add_range(sql, query, source, bounds);
    add_filters(sql, query);
    if (end) sql.also((" AND " + source.id + (ascending ? " <= $" : " >= $")).c_str(), *end);
    std::vector<ReceivedRow> some;
    XD_DO(sql.run(tx, some, read_row));
    std::ranges::move(some, std::inserter(found.rows, ascending ? found.rows.begin() : found.rows.end()));
    if (!end || found.rows.size() == query.page.limit) return {};
    if (base::steady_now() >= until) found.reached = end;
    if (found.reached) return {};
    (ascending ? page.after : page.before) = *end;
  }
}

}  // namespace

Result<FoundReceived> list_received(db::Tx& tx, const ReceivedQuery& query, base::Deadline until) {
  // What only results say is looked for among them.
  const bool by_result = !wants_waiting(query) && (!query.statuses.empty() || !query.source.empty() ||
                                                   !query.table.empty() || !query.event_type.empty());
  std::vector<Source> sources = sources_of(tx.engine(), query, by_result);
  if (query.page.after) std::ranges::reverse(sources);
  Bounds bounds(query);
  if (sources.size() > 1) {
    XD_TRY(bounds.indexed, find_indexed(tx));
  }
  FoundReceived found;
  for (const Source& source : sources) {
    if (found.rows.size() == query.page.limit || found.reached) break;
    XD_DO(look_through(tx, query, source, bounds, until, found));
  }
  return found;
}

Result<std::optional<ReceivedRow>> find_received(db::Tx& tx, TenantId tenant, ReceivedId id) {
  std::optional<ReceivedRow> found;
  XD_DO(tx.query(
      "SELECT " + std::string(kColumns) + kResultColumns + kBodyColumns +
          " FROM received_events e LEFT JOIN received_results r ON r.tenant_id = e.tenant_id AND r.id"
          " = e.id" +
          kHeads + " WHERE e.tenant_id = $1 AND e.id = $2",
      {tenant, id}, [&](const db::Row& row) {
        found = read_row(row);
        found->event.headers = row.string(21);
        found->event.body = std::string(row.blob(22));
      }));
  return found;
}

Result<std::map<ReceivedId, ReceivedPtr>> find_received(
    db::Tx& tx, std::span<const std::pair<TenantId, ReceivedId>> wanted) {
  std::vector<db::Arg> args;
  for (const auto& [tenant, id] : wanted) args.insert(args.end(), {tenant, id});
  std::map<ReceivedId, ReceivedPtr> found;
  XD_DO(tx.each("SELECT " + std::string(kColumns) + kBodyColumns + " FROM received_events e" + kHeads +
                    " WHERE e.tenant_id = $1 AND e.id = $2",
                2, args, [&](std::size_t, std::int64_t, const db::Row* row) {
                  if (row == nullptr) return;
                  auto event = std::make_shared<ReceivedEvent>(read_event(*row));
                  event->headers = row->string(13);
                  event->body = std::string(row->blob(14));
                  found.emplace(event->id, std::move(event));
                }));
  return found;
}

Result<std::int64_t> count_duplicates(db::Tx& tx, const ReceivedEvent& event) {
  std::int64_t count = 0;
  std::string key = event.dedup_key;
  if (key.empty()) {
    // Of ids, and of what earlier versions have stored.
    const std::string hash = hash_of_body(event.body);
    key = event.external_id.empty() ? body_key(hash) : id_key(event.external_id);
    if (event.conflict_of) key = conflict_key(key, hash);
  }
  XD_DO(tx.query(
      "SELECT duplicates FROM received_keys WHERE endpoint_id = $1 AND key = $2 AND received_id = $3",
      {event.endpoint, key, event.id}, [&](const db::Row& row) { count = row.integer(0); }));
  return count;
}

Result<std::optional<std::string>> find_batch(db::Tx& tx, TenantId tenant, const base::Uuid& batch) {
  std::optional<std::string> body;
  XD_DO(tx.query("SELECT body FROM received_batches WHERE tenant_id = $1 AND id = $2", {tenant, batch},
                 [&](const db::Row& row) { body = std::string(row.blob(0)); }));
  return body;
}

}  // namespace inbound
