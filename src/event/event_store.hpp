// The table events.
#pragma once

#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/metrics.hpp"
#include "db/db.hpp"
#include "db/page.hpp"
#include "event/event.hpp"

namespace event {

struct StoredEvent {
  Event event;
  std::int64_t deliveries = 0;
};

/// What insert_events() counts.
base::Counter& stored_events();

/// deliveries[i] belongs to events[i]. Adds them to the feed.
base::Result<void> insert_events(db::Tx& tx, std::span<const EventPtr> events,
                                 std::span<const std::int64_t> deliveries);

base::Result<std::optional<StoredEvent>> find_event(db::Tx& tx, base::TenantId tenant, EventId id);

/// Its type alone; "" when there is no such event.
base::Result<std::string> type_of_event(db::Tx& tx, base::TenantId tenant, EventId id);

/// Several at once, of any tenants; what is not there is not in the answer.
base::Result<std::unordered_map<EventId, EventPtr>> find_events(
    db::Tx& tx, std::span<const std::pair<base::TenantId, EventId>> wanted);

struct EventQuery {
  base::TenantId tenant{};
  std::string type{};  ///< a type or a pattern; empty: any
  db::Page page{};
};
struct FoundEvents {
  std::vector<StoredEvent> events{};
  std::optional<base::Uuid> reached{};  ///< where the search ended for want of time; nothing: it is through
};
/// Types have no index: for them the tenant's events are looked through piece by piece, and no longer than
/// until then.
base::Result<FoundEvents> list_events(db::Tx& tx, const EventQuery& query,
                                      base::Deadline until = base::Deadline::max());

/// Tenants that have events, found by skipping from one to the next.
base::Result<std::vector<base::TenantId>> tenants_with_events(db::Tx& tx);
/// How far removing old events has come in a tenant.
struct EventSweep {
  base::TenantId tenant{};
  base::Uuid done{};  ///< all up to this id were looked at
  bool more = true;
  std::int64_t removed = 0;
};
/// Looks at the next `limit` events with ids before this one, and removes those that nobody needs: not what a
/// task is about (`kept`, and whatever is being replayed at this moment).
base::Result<void> forget_events(db::Tx& tx, EventSweep& sweep, const base::Uuid& before,
                                 const std::set<base::Uuid>& kept, std::size_t limit);

}  // namespace event
