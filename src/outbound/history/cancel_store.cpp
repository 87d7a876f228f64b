#include "outbound/history/cancel.hpp"
#include "outbound/history/history.hpp"
#include "outbound/history/search.hpp"
#include "queue/queue_store.hpp"

namespace outbound {

namespace {

using base::Result;

/// WHERE over tasks t. $1 to $3 are what the rows say: the time, the reason, the message.
struct Selection {
  Selection(const Waiting& waiting, const Cancellation& cancellation)
      : args{cancellation.now, cancellation.reason, cancellation.message} {
    add("t.tenant_id = $", waiting.tenant);
    text += " AND t.kind = 'deliver'";
    if (waiting.subscription) {
      detour = detour_lane(*waiting.subscription);
      add(" AND t.lane_id IN ($", *waiting.subscription);
      add(", $", detour);
      text += ")";
    }
    if (waiting.delivery) add(" AND t.id = $", *waiting.delivery);
    if (waiting.operation) {
      mark = "%\"operation\":\"" + waiting.operation->str() + "\"%";
      // The first condition on ref says nothing but lets the index of tasks with args be used.
      add(" AND t.args <> '' AND t.ref >= $", none);
      add(" AND t.attempt = 0 AND t.unknown_attempts = 0 AND t.opened_at IS NULL AND t.args LIKE $", mark);
    }
  }
  void add(std::string_view condition, const db::Arg& arg) {
    args.push_back(arg);
    text.append(condition).append(std::to_string(args.size()));
  }

  std::string text;
  std::vector<db::Arg> args;
  queue::LaneId detour;
  std::string mark;
  base::Uuid none;
};

/// Replays that are taken at once.
constexpr std::int64_t kPiece = 1000;

/// For a statement that makes no rows: what the rows would say is named, because every argument must be.
std::string where_alone(const Selection& selection) {
  return " WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND $3 IS NOT NULL AND " + selection.text;
}

constexpr const char* kInsert =
    "INSERT INTO webhook_deliveries (subscription_id, id, tenant_id, event_id, event_type, status,"
    " attempt_number, replay_no, replay_of, operation_id, is_test, created_at, completed_at, outcome,"
    " started_at, request_url, remote_ip, response_status, response_time_ms, dns_us, connect_us, tls_us,"
    " first_byte_us, error_class, error_message, reason, via)";

/// The row of a task t of `source`; replay is what fills replay_no, replay_of and operation_id.
std::string select_from(std::string_view source, std::string_view subscription, std::string_view replay) {
  return " SELECT " + std::string(subscription) +
         ", t.id, t.tenant_id, t.ref, COALESCE(e.type, ''), 'CANCELLED',"
         " t.attempt + t.unknown_attempts, " +
         std::string(replay) +
         ", 0, t.created_at, CAST($1 AS BIGINT), 'CANCELLED', CAST($1 AS BIGINT), '', '', NULL, 0, 0, 0, 0, "
         "0,"
         " 'CANCELLED', $3, $2, 'worker' FROM " +
         std::string(source) + " t LEFT JOIN events e ON e.tenant_id = t.tenant_id AND e.id = t.ref";
}

/// One statement, however many there are: a backlog of a million is copied by the store, not through this
/// program. Others close and add tasks meanwhile: what is removed is exactly what gets a row.
Result<std::int64_t> cancel_on_postgres(db::Tx& tx, const Waiting& waiting, const Selection& selection) {
  // Whoever opens and closes attempts locks the lane first; without that, two of us could wait for each
  // other's tasks.
  if (waiting.subscription) {
    XD_DO(queue::lock_lane(tx, waiting.tenant, queue::LaneId{waiting.subscription->uuid}));
    XD_DO(queue::lock_lane(tx, waiting.tenant, selection.detour));
  } else {
    XD_DO(tx.query("SELECT 1 FROM lanes WHERE tenant_id = $1 AND kind = 'deliver' ORDER BY id FOR UPDATE",
                   {waiting.tenant}, [](const db::Row&) {}));
  }
  // What subscription_of() does.
  constexpr const char* kSubscription =
      "CASE WHEN substr(t.lane_id::TEXT, 15, 1) = '8'"
      " THEN overlay(t.lane_id::TEXT PLACING '7' FROM 15 FOR 1)::UUID ELSE t.lane_id END";
  constexpr const char* kReplay =
      "COALESCE((NULLIF(t.args, '')::JSONB ->> 'replay_no')::BIGINT, 0),"
      " (NULLIF(t.args, '')::JSONB ->> 'replay_of')::UUID, (NULLIF(t.args, '')::JSONB ->> 'operation')::UUID";
  return tx.exec("WITH gone AS (DELETE FROM tasks t WHERE " + selection.text + " RETURNING t.*) " +
                     std::string(kInsert) + select_from("gone", kSubscription, kReplay),
                 selection.args);
}

/// A piece of the replays among them, whose rows say what they replayed.
Result<std::int64_t> cancel_replays(db::Tx& tx, Selection selection, const Cancellation& why) {
  std::vector<Delivery> rows;
  std::vector<base::Uuid> lanes;
  selection.add(" AND t.args <> '' LIMIT $", kPiece);
  XD_DO(tx.query(
      "SELECT t.lane_id, t.id, t.tenant_id, t.ref, COALESCE(e.type, ''), t.attempt + t.unknown_attempts,"
      " t.created_at, t.args FROM tasks t LEFT JOIN events e ON e.tenant_id = t.tenant_id AND e.id = t.ref" +
          where_alone(selection),
      selection.args, [&](const db::Row& row) {
        const DeliveryArgs args = read_args(row.string(7));
        Delivery made{.id = row.id<DeliveryId>(1), .tenant = row.id<TenantId>(2)};
        lanes.push_back(row.uuid(0));
        made.subscription = subscription_of(queue::LaneId{lanes.back()});
        made.event = row.id<event::EventId>(3);
        made.event_type = row.string(4);
        made.status = "CANCELLED";
        made.reason = why.reason;
        made.operation = args.operation;
        made.replay_no = args.replay_no;
        made.replay_of = args.replay_of;
        made.created = row.time(6);
        made.completed = why.now;
        made.last.number = static_cast<int>(row.integer(5));
        made.last.outcome = "CANCELLED";
        made.last.started = why.now;
        made.last.error_class = "CANCELLED";
        made.last.error_message = why.message;
        rows.push_back(std::move(made));
      }));
  XD_DO(insert_deliveries(tx, rows));
  std::vector<db::Arg> keys;
  for (std::size_t i = 0; i < rows.size(); ++i) keys.insert(keys.end(), {lanes[i], rows[i].id});
  XD_DO(tx.each("DELETE FROM tasks WHERE lane_id = $1 AND id = $2", 2, keys));
  return static_cast<std::int64_t>(rows.size());
}

/// Nobody else writes between these statements.
Result<std::int64_t> cancel_on_sqlite(db::Tx& tx, const Selection& selection, const Cancellation& why) {
  std::int64_t replays = 0;
  for (std::int64_t piece = kPiece; piece == kPiece; replays += piece) {
    XD_TRY(piece, cancel_replays(tx, selection, why));
  }
  XD_TRY(const auto others,
         tx.exec(std::string(kInsert) + select_from("tasks", "t.lane_id", "0, NULL, NULL") + " WHERE " +
                     selection.text,
                 selection.args));
  XD_DO(tx.exec("DELETE FROM tasks AS t" + where_alone(selection), selection.args));
  XD_DO(index_finished(tx, kIndexPiece));
  return replays + others;
}

}  // namespace

Result<std::int64_t> cancel_waiting(db::Tx& tx, const Waiting& waiting, const Cancellation& cancellation) {
  const Selection selection(waiting, cancellation);
  if (tx.engine() == db::Engine::postgres) return cancel_on_postgres(tx, waiting, selection);
  return cancel_on_sqlite(tx, selection, cancellation);
}

}  // namespace outbound
