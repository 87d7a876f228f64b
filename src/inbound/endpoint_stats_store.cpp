#include "inbound/endpoint.hpp"

namespace inbound {

using base::Result;

namespace {

/// On SQLite so many rows of endpoint_counts are added up at once: it takes some milliseconds, as long as a
/// commit, and each page of endpoint_stats is written for many of them, also where endpoints are thousands.
constexpr std::int64_t kCountsMax = 2500;

Result<void> add(db::Tx& tx, const std::map<EndpointId, EndpointStats>& more) {
  std::vector<db::Arg> args;
  for (const auto& [id, stats] : more) {
    args.insert(args.end(), {id, stats.received, stats.processed, stats.failed, stats.last_received});
  }
  return tx.each(
      "UPDATE endpoint_stats SET total_received = total_received + $2, total_processed = total_processed + "
      "$3,"
      " total_failed = total_failed + $4, last_received_at = CASE WHEN last_received_at IS NULL"
      " OR last_received_at < CAST($5 AS BIGINT) THEN CAST($5 AS BIGINT) ELSE last_received_at END"
      " WHERE endpoint_id = $1",
      5, args);
}

Result<void> append(db::Tx& tx, const std::map<EndpointId, EndpointStats>& more) {
  std::vector<db::Arg> args;
  for (const auto& [id, stats] : more) {
    args.insert(args.end(), {id, stats.received, stats.processed, stats.failed,
                             stats.last_received.value_or(base::Time{})});
  }
  return tx.each(
      "INSERT INTO endpoint_counts (endpoint_id, received, processed, failed, last_received_at)"
      " VALUES ($1, $2, $3, $4, $5)",
      5, args);
}

Result<void> add_up(db::Tx& tx) {
  std::map<EndpointId, EndpointStats> sums;
  XD_DO(
      tx.query("SELECT endpoint_id, sum(received), sum(processed), sum(failed), max(last_received_at)"
               " FROM endpoint_counts GROUP BY endpoint_id",
               {}, [&](const db::Row& row) {
                 sums[row.id<EndpointId>(0)] = {row.integer(1), row.integer(2), row.integer(3), row.time(4)};
               }));
  XD_DO(add(tx, sums));
  XD_DO(tx.exec("DELETE FROM endpoint_counts"));
  return {};
}

}  // namespace

Result<void> add_to_stats(db::Tx& tx, const std::map<EndpointId, EndpointStats>& more) {
  if (tx.engine() == db::Engine::postgres) return add(tx, more);
  XD_DO(append(tx, more));
  std::int64_t waiting = 0;
  // SQLite looks at all rows for two of them in one SELECT, at one row for each by itself.
  XD_DO(tx.query("SELECT (SELECT MAX(seq) FROM endpoint_counts) - (SELECT MIN(seq) FROM endpoint_counts)", {},
                 [&](const db::Row& row) { waiting = row.integer(0); }));
  return waiting < kCountsMax ? Result<void>{} : add_up(tx);
}

Result<EndpointStats> find_endpoint_stats(db::Tx& tx, EndpointId id) {
  EndpointStats stats;
  XD_DO(
      tx.query("SELECT total_received, total_processed, total_failed, last_received_at FROM endpoint_stats"
               " WHERE endpoint_id = $1",
               {id}, [&](const db::Row& row) {
                 stats = {row.integer(0), row.integer(1), row.integer(2), row.maybe_time(3)};
               }));
  if (tx.engine() == db::Engine::postgres) return stats;
  XD_DO(
      tx.query("SELECT received, processed, failed, last_received_at FROM endpoint_counts"
               " WHERE endpoint_id = $1",
               {id}, [&](const db::Row& row) {
                 stats.received += row.integer(0);
                 stats.processed += row.integer(1);
                 stats.failed += row.integer(2);
                 stats.last_received = std::max(stats.last_received.value_or(base::Time{}), row.time(3));
               }));
  return stats;
}

Result<void> delete_endpoint_stats(db::Tx& tx, EndpointId id) {
  XD_DO(tx.exec("DELETE FROM endpoint_stats WHERE endpoint_id = $1", {id}));
  if (tx.engine() == db::Engine::sqlite)
    XD_DO(tx.exec("DELETE FROM endpoint_counts WHERE endpoint_id = $1", {id}));
  return {};
}

}  // namespace inbound
