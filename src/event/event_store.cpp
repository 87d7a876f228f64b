#include "event/event_store.hpp"

#include "event/feed.hpp"
#include "event/pattern_sql.hpp"
#include "queue/queue_store.hpp"

namespace event {

namespace {

using base::Result;

constexpr const char* kColumns =
    "tenant_id, id, type, subject, data, changes, occurred_at, created_at, idempotency_key, ordering_key, "
    "origin, hop, "
    "traceparent, deliveries";

StoredEvent read_event(const db::Row& row) {
  StoredEvent stored;
  Event& event = stored.event;
  event.tenant = row.id<base::TenantId>(0);
  event.id = row.id<EventId>(1);
  event.type = row.string(2);
  event.subject = row.string(3);
  event.data = row.string(4);
  event.changes = row.string(5);
  event.occurred = row.time(6);
  event.created = row.time(7);
  event.idempotency_key = row.string(8);
  event.ordering_key = row.string(9);
  event.origin = row.string(10);
  event.hop = static_cast<int>(row.integer(11));
  event.traceparent = row.string(12);
  stored.deliveries = row.integer(13);
  return stored;
}

}  // namespace

base::Counter& stored_events() {
  static base::Counter& stored =
      base::metrics().counter("crossdock_events_total", "Events that were stored, whoever published them");
  return stored;
}

Result<void> insert_events(db::Tx& tx, std::span<const EventPtr> events,
                           std::span<const std::int64_t> deliveries) {
  std::vector<db::Arg> args;
  args.reserve(events.size() * 14);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = *events[i];
    args.insert(args.end(), {event.tenant, event.id, event.type, event.subject, event.data, event.changes,
                             event.occurred, event.created, event.idempotency_key, event.ordering_key,
                             event.origin, event.hop, event.traceparent, deliveries[i]});
  }
  XD_DO(
      tx.each("INSERT INTO events (tenant_id, id, type, subject, data, changes, occurred_at, created_at,"
              " idempotency_key, ordering_key, origin, hop, traceparent, deliveries)"
              " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
              14, args));
  tx.on_commit([count = events.size()] { stored_events().add(static_cast<double>(count)); });
  std::vector<FeedItem> items;
  items.reserve(events.size());
  for (const EventPtr& event : events) items.push_back({event->tenant, event->id.uuid});
  return add_to_feed(tx, FeedKind::event, items, events.empty() ? base::Time{} : events.back()->created);
}

Result<std::optional<StoredEvent>> find_event(db::Tx& tx, base::TenantId tenant, EventId id) {
  std::optional<StoredEvent> found;
  XD_DO(tx.query("SELECT " + std::string(kColumns) + " FROM events WHERE tenant_id = $1 AND id = $2",
                 {tenant, id}, [&](const db::Row& row) { found = read_event(row); }));
  return found;
}

Result<std::string> type_of_event(db::Tx& tx, base::TenantId tenant, EventId id) {
  std::string type;
  XD_DO(tx.query("SELECT type FROM events WHERE tenant_id = $1 AND id = $2", {tenant, id},
                 [&](const db::Row& row) { type = row.string(0); }));
  return type;
}

Result<std::unordered_map<EventId, EventPtr>> find_events(
    db::Tx& tx, std::span<const std::pair<base::TenantId, EventId>> wanted) {
  std::vector<db::Arg> args;
  args.reserve(wanted.size() * 2);
  for (const auto& [tenant, id] : wanted) args.insert(args.end(), {tenant, id});
  std::unordered_map<EventId, EventPtr> found;
  XD_DO(tx.each("SELECT " + std::string(kColumns) + " FROM events WHERE tenant_id = $1 AND id = $2", 2, args,
                [&](std::size_t, std::int64_t, const db::Row* row) {
                  if (row == nullptr) return;
                  auto event = std::make_shared<const Event>(std::move(read_event(*row).event));
                  found.emplace(event->id, std::move(event));
                }));
  return found;
}

namespace {

/// Events that are looked through at once.
constexpr std::size_t kPiece = 2000;

std::size_t bytes_of(const StoredEvent& stored) {
  return stored.event.data.size() + stored.event.changes.size();
}

/// The last event of a piece that begins where the page does; nothing where the rest is no more than that.
Result<std::optional<base::Uuid>> end_of_piece(db::Tx& tx, base::TenantId tenant, db::Page page) {
  page.limit = kPiece;
  db::PageQuery sql("SELECT id FROM events WHERE tenant_id = $1", {tenant}, page);
  std::vector<base::Uuid> ids;
  XD_DO(sql.run(tx, ids, [](const db::Row& row) { return row.uuid(0); }));
  if (ids.size() < kPiece) return std::optional<base::Uuid>{};
  return std::optional(page.after ? ids.front() : ids.back());
}

}  // namespace

Result<FoundEvents> list_events(db::Tx& tx, const EventQuery& query, base::Deadline until) {
  FoundEvents found;
  db::Page page = query.page;
  const bool ascending = page.after.has_value();
  const bool any_type = query.type.empty() || query.type == "*";
  std::size_t bytes = 0;
  while (true) {
    std::optional<base::Uuid> end;
    if (!any_type) {
      XD_TRY(end, end_of_piece(tx, query.tenant, page));
    }
    page.limit = query.page.limit - found.events.size();
    db::PageQuery sql("SELECT " + std::string(kColumns) + " FROM events WHERE tenant_id = $1", {query.tenant},
                      page);
    add_pattern(sql, "type", query.type);
    if (end) sql.also(ascending ? " AND id <= $" : " AND id >= $", *end);
    std::vector<StoredEvent> some;
    XD_DO(sql.run_within_bytes(tx, some, read_event, bytes_of,
                               [](const StoredEvent& stored) { return stored.event.id.uuid; }));
    for (const StoredEvent& one : some) bytes += bytes_of(one);
    std::ranges::move(some,
                      std::inserter(found.events, ascending ? found.events.begin() : found.events.end()));
    const bool full = found.events.size() == query.page.limit ||
                      (bytes > base::limits::kPageBytesMax && found.events.size() > 1);
    if (!end || full) return found;
    if (base::steady_now() >= until) found.reached = end;
    if (found.reached) return found;
    (ascending ? page.after : page.before) = *end;
  }
}

Result<std::vector<base::TenantId>> tenants_with_events(db::Tx& tx) {
  std::vector<base::TenantId> tenants;
  XD_DO(
      tx.query("WITH RECURSIVE skip(tenant_id) AS ("
               " SELECT (SELECT tenant_id FROM events ORDER BY tenant_id LIMIT 1)"
               " UNION ALL"
               " SELECT (SELECT e.tenant_id FROM events e WHERE e.tenant_id > skip.tenant_id ORDER BY "
               "e.tenant_id LIMIT 1)"
               " FROM skip WHERE skip.tenant_id IS NOT NULL)"
               " SELECT tenant_id FROM skip WHERE tenant_id IS NOT NULL",
               {}, [&](const db::Row& row) { tenants.push_back(row.id<base::TenantId>(0)); }));
  return tenants;
}

Result<void> forget_events(db::Tx& tx, EventSweep& sweep, const base::Uuid& before,
                           const std::set<base::Uuid>& kept, std::size_t limit) {
  std::vector<base::Uuid> old;
  XD_DO(tx.query("SELECT id FROM events WHERE tenant_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4",
                 {sweep.tenant, sweep.done, before, limit},
                 [&](const db::Row& row) { old.push_back(row.uuid(0)); }));
  std::vector<db::Arg> args;
  for (const base::Uuid& id : old) {
    if (kept.contains(id)) continue;
    XD_TRY(const bool replayed, queue::is_replayed(tx, id));
    if (!replayed) args.insert(args.end(), {sweep.tenant, id});
  }
  XD_DO(tx.each("DELETE FROM events WHERE tenant_id = $1 AND id = $2", 2, args));
  sweep.removed = static_cast<std::int64_t>(args.size() / 2);
  sweep.more = old.size() == limit;
  if (!old.empty()) sweep.done = old.back();
  return {};
}

}  // namespace event
