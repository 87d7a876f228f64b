#include "event/feed.hpp"
#include "format/json.hpp"
#include "outbound/history/error_group.hpp"
#include "outbound/history/history.hpp"
#include "outbound/history/rows.hpp"
#include "outbound/history/search.hpp"
#include "queue/queue_store.hpp"

namespace outbound {

using base::Result;

namespace {

constexpr auto kFanoutPeriod = std::chrono::minutes{1};

}  // namespace

Attempt read_attempt(const db::Row& row, int number_column, int first) {
  Attempt attempt;
  attempt.number = static_cast<int>(row.integer(number_column));
  attempt.outcome = row.string(first);
  attempt.started = row.time(first + 1);
  attempt.request_url = row.string(first + 2);
  attempt.remote_ip = row.string(first + 3);
  attempt.response_status = row.maybe_integer(first + 4);
  attempt.response_time_ms = row.integer(first + 5);
  attempt.timings.dns_us = row.integer(first + 6);
  attempt.timings.connect_us = row.integer(first + 7);
  attempt.timings.tls_us = row.integer(first + 8);
  attempt.timings.first_byte_us = row.integer(first + 9);
  attempt.error_class = row.string(first + 10);
  attempt.error_message = row.string(first + 11);
  attempt.via = row.string(first + 12);
  attempt.sendings = static_cast<int>(row.integer(first + 13));
  return attempt;
}

Delivery read_delivery(const db::Row& row) {
  Delivery delivery;
  delivery.subscription = row.id<SubscriptionId>(0);
  delivery.id = row.id<DeliveryId>(1);
  delivery.tenant = row.id<TenantId>(2);
  delivery.event = row.id<event::EventId>(3);
  delivery.event_type = row.string(4);
  delivery.status = row.string(5);
  delivery.replay_no = static_cast<int>(row.integer(7));
  if (!row.is_null(8)) delivery.replay_of = row.id<DeliveryId>(8);
  delivery.is_test = row.flag(9);
  delivery.created = row.time(10);
  delivery.completed = row.time(11);
  delivery.last = read_attempt(row, 6, 12);
  delivery.reason = row.string(26);
  delivery.error_signature = row.string(27);
  if (!row.is_null(28)) delivery.operation = row.uuid(28);
  return delivery;
}

Delivery waiting_delivery(const queue::Task& task, const DeliveryLane& lane) {
  const DeliveryArgs args = read_args(task.args);
  Delivery delivery;
  delivery.id = DeliveryId{task.id.uuid};
  delivery.tenant = task.tenant;
  delivery.subscription = subscription_of(task.lane);
  delivery.event = event::EventId{task.ref};
  delivery.status = lane.state == queue::LaneState::paused ? "HELD"
                    : task.attempts_opened() > 0           ? "RETRYING"
                                                           : "PENDING";
  delivery.circuit = lane.circuit;
  delivery.replay_no = args.replay_no;
  delivery.replay_of = args.replay_of;
  delivery.operation = args.operation;
  delivery.created = task.created;
  if (task.timed) delivery.next_retry = task.due;
  delivery.last.number = task.attempts_opened();
  return delivery;
}

Result<std::vector<DeliveryLane>> delivery_lanes(db::Tx& tx, TenantId tenant,
                                                 std::optional<SubscriptionId> subscription) {
  std::vector<DeliveryLane> lanes;
  const auto read = [&](const db::Row& row) {
    lanes.push_back({row.id<queue::LaneId>(0),
                     row.text(1) == "PAUSED" ? queue::LaneState::paused : queue::LaneState::active,
                     read_circuit(row, 2)});
  };
  std::string sql = "SELECT l.id, l.state, " + std::string(kCircuitColumns) +
                    " FROM lanes l LEFT JOIN webhook_subscriptions s ON s.id = l.id"
                    " WHERE l.tenant_id = $1 AND l.kind = 'deliver'";
  std::vector<db::Arg> args = {tenant};
  const queue::LaneId detour = detour_lane(subscription.value_or(SubscriptionId{}));
  if (subscription) {
    sql += " AND l.id IN ($2, $3)";
    args.insert(args.end(), {*subscription, detour});
  }
  XD_DO(tx.query(sql, args, read));
  return lanes;
}

namespace {

/// The queue knows of a delivery that is tried again only how many attempts there were.
Result<void> add_last_attempts(db::Tx& tx, std::span<Delivery> deliveries) {
  std::vector<db::Arg> args;
  std::vector<Delivery*> tried;
  for (Delivery& delivery : deliveries) {
    if (delivery.last.number == 0) continue;
    args.emplace_back(delivery.id);
    tried.push_back(&delivery);
  }
  return tx.each(
      "SELECT attempt_number, outcome, started_at, request_url, remote_ip, response_status, response_time_ms,"
      " dns_us, connect_us, tls_us, first_byte_us, error_class, error_message, via, sendings"
      " FROM delivery_attempts WHERE delivery_id = $1 ORDER BY attempt_number DESC LIMIT 1",
      1, args, [&](std::size_t i, std::int64_t, const db::Row* row) {
        if (row == nullptr) return;
        const int number = tried[i]->last.number;
        tried[i]->last = read_attempt(*row, 0, 1);
        tried[i]->last.number = number;
        tried[i]->error_signature = error_signature(tried[i]->last);
      });
}

Result<void> add_event_types(db::Tx& tx, std::span<Delivery> deliveries) {
  std::vector<db::Arg> args;
  for (const Delivery& delivery : deliveries) args.insert(args.end(), {delivery.tenant, delivery.event});
  return tx.each("SELECT type FROM events WHERE tenant_id = $1 AND id = $2", 2, args,
                 [&](std::size_t i, std::int64_t, const db::Row* row) {
                   if (row != nullptr) deliveries[i].event_type = row->string(0);
                 });
}

}  // namespace

Result<void> add_details(db::Tx& tx, std::span<Delivery> deliveries) {
  XD_DO(add_event_types(tx, deliveries));
  return add_last_attempts(tx, deliveries);
}

std::string write_args(const DeliveryArgs& args) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object().key("replay_no").value(args.replay_no);
  if (args.replay_of) json.key("replay_of").value(*args.replay_of);
  if (!args.url.empty()) json.key("url").value(args.url);
  if (args.with_credentials) json.key("with_credentials").value(true);
  if (args.operation) json.key("operation").value(*args.operation);
  if (args.unfiltered) json.key("unfiltered").value(true);
  json.end_object();
  return text;
}

DeliveryArgs read_args(const std::string& text) {
  DeliveryArgs args;
  if (text.empty()) return args;
  const auto document = format::parse_json(text);
  if (!document) return args;
  if (const auto* number = document->root().find("replay_no"))
    args.replay_no = static_cast<int>(number->integer().value_or(0));
  if (const auto* of = document->root().find("replay_of")) args.replay_of = DeliveryId::parse(of->text());
  if (const auto* url = document->root().find("url")) args.url = std::string(url->text());
  if (const auto* allowed = document->root().find("with_credentials"))
    args.with_credentials = allowed->boolean();
  if (const auto* operation = document->root().find("operation")) {
    args.operation = base::Uuid::parse(operation->text());
  }
  if (const auto* unfiltered = document->root().find("unfiltered")) args.unfiltered = unfiltered->boolean();
  return args;
}

Result<void> insert_deliveries(db::Tx& tx, const std::vector<Delivery>& deliveries) {
  std::vector<db::Arg> args;
  args.reserve(deliveries.size() * 29);
  for (const Delivery& d : deliveries) {
    const Attempt& last = d.last;
    args.insert(args.end(), {d.subscription,
                             d.id,
                             d.tenant,
                             d.event,
                             d.event_type,
                             d.status,
                             last.number,
                             d.replay_no,
                             d.replay_of,
                             d.is_test,
                             d.created,
                             d.completed,
                             last.outcome,
                             last.started,
                             last.request_url,
                             last.remote_ip,
                             last.response_status,
                             last.response_time_ms,
                             last.timings.dns_us,
                             last.timings.connect_us,
                             last.timings.tls_us,
                             last.timings.first_byte_us,
                             last.error_class,
                             last.error_message,
                             last.via,
                             last.sendings,
                             d.reason,
                             d.error_signature,
                             d.operation});
  }
  XD_DO(tx.each(
      "INSERT INTO webhook_deliveries (subscription_id, id, tenant_id, event_id, event_type, status,"
      " attempt_number, replay_no, replay_of, is_test, created_at, completed_at, outcome, started_at,"
      " request_url, remote_ip, response_status, response_time_ms, dns_us, connect_us, tls_us,"
      " first_byte_us, error_class, error_message, via, sendings, reason, error_signature, operation_id)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,"
      " $21, $22, $23, $24, $25, $26, $27, $28, $29)",
      29, args));
  XD_DO(index_finished(tx, kIndexPiece));
  std::vector<event::FeedItem> items;
  items.reserve(deliveries.size());
  for (const Delivery& d : deliveries) items.push_back({d.tenant, d.id.uuid});
  const base::Time at =
      deliveries.empty() ? base::Time{} : deliveries.back().completed.value_or(base::Time{});
  return event::add_to_feed(tx, event::FeedKind::delivery, items, at);
}

Result<void> insert_attempts(db::Tx& tx, const std::vector<AttemptOf>& attempts) {
  std::vector<db::Arg> args;
  args.reserve(attempts.size() * 18);
  for (const AttemptOf& of : attempts) {
    const Attempt& a = of.attempt;
    args.insert(args.end(), {of.delivery, a.number, of.subscription, of.tenant, a.outcome, a.started,
                             a.request_url, a.remote_ip, a.response_status, a.response_time_ms,
                             a.timings.dns_us, a.timings.connect_us, a.timings.tls_us,
                             a.timings.first_byte_us, a.error_class, a.error_message, a.via, a.sendings});
  }
  return tx.each(
      "INSERT INTO delivery_attempts (delivery_id, attempt_number, subscription_id, tenant_id, outcome,"
      " started_at, request_url, remote_ip, response_status, response_time_ms, dns_us, connect_us, tls_us,"
      " first_byte_us, error_class, error_message, via, sendings)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
      " ON CONFLICT (delivery_id, attempt_number) DO NOTHING",
      18, args);
}

Result<std::vector<Attempt>> earlier_attempts(db::Tx& tx, DeliveryId id) {
  std::vector<Attempt> attempts;
  XD_DO(tx.query(
      "SELECT attempt_number, outcome, started_at, request_url, remote_ip, response_status, response_time_ms,"
      " dns_us, connect_us, tls_us, first_byte_us, error_class, error_message, via, sendings"
      " FROM delivery_attempts"
      " WHERE delivery_id = $1 ORDER BY attempt_number",
      {id}, [&](const db::Row& row) { attempts.push_back(read_attempt(row, 0, 1)); }));
  return attempts;
}

Result<std::vector<Delivery>> waiting_of_event(db::Tx& tx, TenantId tenant, event::EventId event) {
  // A delivery is made with its event or, by a fan-out, soon after: ids of that time are enough to look at.
  base::Uuid from = event.uuid;
  base::Uuid to = base::make_uuid(base::time_of(event.uuid) + kFanoutPeriod);
  std::fill(from.bytes.begin() + 6, from.bytes.end(), 0);
  XD_TRY(const auto lanes, delivery_lanes(tx, tenant, std::nullopt));
  std::vector<Delivery> deliveries;
  for (const DeliveryLane& lane : lanes) {
    XD_TRY(const auto tasks, queue::about(tx, lane.id, event.uuid, from, to));
    for (const queue::Task& task : tasks) deliveries.push_back(waiting_delivery(task, lane));
  }
  XD_DO(add_details(tx, deliveries));
  return deliveries;
}

Result<std::optional<Delivery>> find_waiting(db::Tx& tx, TenantId tenant, DeliveryId id) {
  XD_TRY(const auto task, queue::find_task(tx, tenant, queue::TaskId{id.uuid}));
  if (!task || task->kind != kDeliverKind) return std::optional<Delivery>{};
  XD_TRY(const auto lanes, delivery_lanes(tx, tenant, subscription_of(task->lane)));
  const auto lane = std::ranges::find(lanes, task->lane, &DeliveryLane::id);
  std::vector<Delivery> one = {waiting_delivery(*task, lane == lanes.end() ? DeliveryLane{} : *lane)};
  XD_DO(add_details(tx, one));
  return std::optional(std::move(one.front()));
}

}  // namespace outbound
