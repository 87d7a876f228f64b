#include "event/event_store.hpp"
#include "outbound/delivery/verdict.hpp"
#include "outbound/history/history.hpp"
#include "outbound/listener/listener.hpp"

namespace outbound {

namespace {

using base::Result;

constexpr std::size_t kNameBytesMax = 64;

/// What it follows is not told where that cannot be read.
Listener read_listener(const db::Row& row) {
  Listener listener;
  if (auto loaded = listeners().load(row, nullptr, listener); !loaded) {
    listener.broken = loaded.error().message;
    listener.event_types.clear();
  }
  return listener;
}

/// Of one tenant, whose id is $1.
std::string of_tenant() { return listeners().select() + " WHERE tenant_id = $1"; }

Delivery delivery_of(const Listener& listener, const ListenerAnswer& answer, std::string event_type,
                     base::Time now) {
  const base::Time began = now - std::chrono::milliseconds{answer.time_ms};
  Delivery delivery;
  delivery.id = DeliveryId::make(now);
  delivery.tenant = listener.tenant;
  delivery.subscription = SubscriptionId{listener.id.uuid};
  delivery.event = answer.event;
  delivery.event_type = std::move(event_type);
  delivery.created = began;
  delivery.completed = now;
  Attempt& attempt = delivery.last;
  attempt.number = 1;
  attempt.started = began;
  attempt.request_url = answer.url;
  attempt.response_status = answer.status;
  attempt.response_time_ms = answer.time_ms;
  attempt.via = "cli";
  const bool delivered = answer.status && *answer.status >= 200 && *answer.status < 300;
  attempt.outcome = delivered ? "DELIVERED" : "FAILED";
  delivery.status = attempt.outcome;
  if (!delivered) {
    attempt.error_class = answer.status ? error_class_of(static_cast<int>(*answer.status)) : "READ";
    attempt.error_message = !answer.error.empty() || !answer.status
                                ? answer.error
                                : "the listener's receiver answered " + std::to_string(*answer.status);
  }
  return delivery;
}

}  // namespace

Result<void> check_listener_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (!name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, fits)) return {};
  return base::fail(base::Code::invalid, "a listener's name has 1 to 64 letters, digits, '.', '_' or '-'");
}

Result<void> insert_listener(db::Tx& tx, const Listener& listener) {
  return listeners().insert(tx, nullptr, listener);
}

Result<std::optional<Listener>> find_listener(db::Tx& tx, TenantId tenant, std::string_view name) {
  std::optional<Listener> found;
  XD_DO(tx.query(of_tenant() + " AND name = $2", {tenant, name},
                 [&](const db::Row& row) { found = read_listener(row); }));
  return found;
}

Result<std::vector<Listener>> list_listeners(db::Tx& tx, TenantId tenant, const db::Page& page) {
  std::vector<Listener> found;
  XD_DO(db::PageQuery(of_tenant(), {tenant}, page).run(tx, found, read_listener));
  return found;
}

Result<std::int64_t> count_listeners(db::Tx& tx, TenantId tenant) {
  std::int64_t count = 0;
  XD_DO(tx.query("SELECT COUNT(*) FROM listeners WHERE tenant_id = $1", {tenant},
                 [&](const db::Row& row) { count = row.integer(0); }));
  return count;
}

Result<void> set_listener_types(db::Tx& tx, const Listener& listener, base::Time now) {
  resource::Values values(nullptr);
  for (const db::Arg& arg : {db::Arg(listener.tenant), db::Arg(listener.id), db::Arg(now)}) values.add(arg);
  listeners().bind(values, listener, {"event_types"});
  XD_DO(
      tx.exec("UPDATE listeners SET event_types = $4, last_seen_at = $3, updated_at = $3"
              " WHERE tenant_id = $1 AND id = $2",
              values.args()));
  return {};
}

Result<void> delete_listener(db::Tx& tx, const Listener& listener) {
  XD_DO(tx.exec("DELETE FROM listeners WHERE tenant_id = $1 AND id = $2", {listener.tenant, listener.id}));
  return {};
}

Result<void> take_listener(db::Tx& tx, const Listener& listener, const base::Uuid& session, base::Time now) {
  XD_DO(tx.exec("UPDATE listeners SET session = $3, last_seen_at = $4 WHERE tenant_id = $1 AND id = $2",
                {listener.tenant, listener.id, session, now}));
  return {};
}

Result<Standing> touch_listener(db::Tx& tx, const Listener& listener, const base::Uuid& session,
                                base::Time now) {
  XD_TRY(const auto mine,
         tx.exec("UPDATE listeners SET last_seen_at = $4 WHERE tenant_id = $1 AND id = $2 AND session = $3",
                 {listener.tenant, listener.id, session, now}));
  if (mine == 1) return Standing::follows;
  XD_TRY(const auto there, tx.query("SELECT 1 FROM listeners WHERE tenant_id = $1 AND id = $2",
                                    {listener.tenant, listener.id}, [](const db::Row&) {}));
  return there == 1 ? Standing::superseded : Standing::deleted;
}

Result<bool> acknowledge(db::Tx& tx, const Listener& listener, event::FeedPosition position,
                         const std::optional<ListenerAnswer>& answer, base::Time now) {
  XD_TRY(const auto moved,
         tx.exec("UPDATE listeners SET commit_no = $3, seq = $4, entry = $5, acked = acked + $6,"
                 " last_ack_at = $7, last_seen_at = $7"
                 " WHERE tenant_id = $1 AND id = $2 AND (commit_no, seq, entry) < ($3, $4, $5)",
                 {listener.tenant, listener.id, position.commit, position.seq, position.index,
                  answer.has_value(), now}));
  if (moved == 0) return false;
  if (!answer) return true;
  XD_TRY(std::string type, event::type_of_event(tx, listener.tenant, answer->event));
  if (type.empty()) return base::fail(base::Code::not_found, "there is no event with this event_id");
  XD_DO(insert_deliveries(tx, {delivery_of(listener, *answer, std::move(type), now)}));
  return true;
}

Result<std::int64_t> forget_listeners(db::Tx& tx, base::Time now, std::size_t most) {
  std::vector<base::Uuid> old;
  XD_DO(tx.query("SELECT id FROM listeners WHERE last_seen_at < $1 ORDER BY last_seen_at LIMIT $2",
                 {now - kListenerPeriod, most}, [&](const db::Row& row) { old.push_back(row.uuid(0)); }));
  std::vector<db::Arg> args;
  for (const base::Uuid& id : old) args.emplace_back(id);
  XD_DO(tx.each("DELETE FROM listeners WHERE id = $1", 1, args));
  return static_cast<std::int64_t>(old.size());
}

}  // namespace outbound
