#include "outbound/cancel.hpp"
#include "outbound/delivery_search.hpp"

namespace outbound {

namespace {

using base::Result;

/// WHERE over tasks t. $1 to $3 are what the rows say: the time, the reason, the message.
struct Selection {
  Selection(const Waiting& waiting, const Cancellation& cancellation)
      : args{cancellation.now, cancellation.reason, cancellation.message} {
    add("t.tenant_id = $", waiting.tenant);
    text += " AND t.kind = 'deliver'";
    if (waiting.subscription) add(" AND t.lane_id = $", *waiting.subscription);
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
  std::string mark;
  base::Uuid none;
};

constexpr const char* kInsert =
    "INSERT INTO webhook_deliveries (subscription_id, id, tenant_id, event_id, event_type, status,"
    " attempt_number, replay_no, replay_of, operation_id, is_test, created_at, completed_at, outcome,"
    " started_at, request_url, remote_ip, response_status, response_time_ms, dns_us, connect_us, tls_us,"
    " first_byte_us, error_class, error_message, reason, via)";

/// The row of a task t of `source`; replay is what fills replay_no, replay_of and operation_id.
std::string select_from(std::string_view source, std::string_view replay) {
  return " SELECT t.lane_id, t.id, t.tenant_id, t.ref, COALESCE(e.type, ''), 'CANCELLED',"
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
  const std::string lanes = "SELECT id FROM lanes WHERE tenant_id = $1 AND kind = 'deliver'";
  const auto ignore = [](const db::Row&) {};
  if (waiting.subscription) {
    XD_DO(tx.query(lanes + " AND id = $2 FOR UPDATE", {waiting.tenant, *waiting.subscription}, ignore));
  } else {
    XD_DO(tx.query(lanes + " ORDER BY id FOR UPDATE", {waiting.tenant}, ignore));
  }
  constexpr const char* kReplay =
      "COALESCE((NULLIF(t.args, '')::JSONB ->> 'replay_no')::BIGINT, 0),"
      " (NULLIF(t.args, '')::JSONB ->> 'replay_of')::UUID, (NULLIF(t.args, '')::JSONB ->> 'operation')::UUID";
  return tx.exec("WITH gone AS (DELETE FROM tasks t WHERE " + selection.text + " RETURNING t.*) " +
                     std::string(kInsert) + select_from("gone", kReplay),
                 selection.args);
}

/// Nobody else writes between these statements.
Result<std::int64_t> cancel_on_sqlite(db::Tx& tx, const Selection& selection) {
  std::vector<std::tuple<SubscriptionId, DeliveryId, DeliveryArgs>> replays;
  // The time and the words are of no use to these two; they are named so that every argument is.
  const std::string where =
      " WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND $3 IS NOT NULL AND " + selection.text;
  XD_DO(tx.query("SELECT t.lane_id, t.id, t.args FROM tasks t" + where + " AND t.args <> ''", selection.args,
                 [&](const db::Row& row) {
                   replays.emplace_back(row.id<SubscriptionId>(0), row.id<DeliveryId>(1),
                                        read_args(row.string(2)));
                 }));
  XD_TRY(const auto made,
         tx.exec(std::string(kInsert) + select_from("tasks", "0, NULL, NULL") + " WHERE " + selection.text,
                 selection.args));
  std::vector<db::Arg> args;
  for (const auto& [subscription, id, replay] : replays) {
    args.insert(args.end(), {subscription, id, replay.replay_no, replay.replay_of, replay.operation});
  }
  XD_DO(
      tx.each("UPDATE webhook_deliveries SET replay_no = $3, replay_of = $4, operation_id = $5"
              " WHERE subscription_id = $1 AND id = $2",
              5, args));
  XD_DO(tx.exec("DELETE FROM tasks AS t" + where, selection.args));
  return made;
}

}  // namespace

Result<std::int64_t> cancel_waiting(db::Tx& tx, const Waiting& waiting, const Cancellation& cancellation) {
  const Selection selection(waiting, cancellation);
  if (tx.engine() == db::Engine::postgres) return cancel_on_postgres(tx, waiting, selection);
  return cancel_on_sqlite(tx, selection);
}

}  // namespace outbound
