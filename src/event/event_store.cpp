#include "event/event_store.hpp"

#include "base/metrics.hpp"
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
  tx.on_commit([count = events.size()] {
    static base::Counter& published =
        base::metrics().counter("crossdock_events_total", "Events that were stored, whoever published them");
    published.add(static_cast<double>(count));
  });
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

Result<std::vector<StoredEvent>> list_events(db::Tx& tx, const EventQuery& query) {
  db::PageQuery sql("SELECT " + std::string(kColumns) + " FROM events WHERE tenant_id = $1", {query.tenant},
                    query.page);
  add_pattern(sql, "type", query.type);
  std::vector<StoredEvent> events;
  XD_DO(sql.run_within_bytes(
      tx, events, read_event,
      [](const StoredEvent& stored) { return stored.event.data.size() + stored.event.changes.size(); },
      [](const StoredEvent& stored) { return stored.event.id.uuid; }));
  return events;
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
