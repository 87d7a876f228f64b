#include "outbound/subscription/statistics.hpp"

namespace outbound {

using base::Result;

namespace {

constexpr std::int64_t kMinuteMicros = 60'000'000;
constexpr std::int64_t kHourMicros = 60 * kMinuteMicros;
/// Nobody adds to a minute that has been over so long, whatever its clock says.
constexpr std::int64_t kMinutesOpen = 5;

constexpr std::string_view kNames[] = {"delivered",  "failed",     "retried",     "latency_ms",
                                       "under_5",    "under_10",   "under_25",    "under_50",
                                       "under_100",  "under_250",  "under_500",   "under_1000",
                                       "under_2500", "under_5000", "under_10000", "longer"};

/// "a, b" of "FORMAT" with each name in place of every %.
std::string each_name(std::string_view format) {
  std::string text;
  for (const std::string_view name : kNames) {
    if (!text.empty()) text += ", ";
    for (const char c : format) c == '%' ? text += name : text += c;
  }
  return text;
}

std::int64_t minute_of(base::Time time) { return base::to_micros(time) / kMinuteMicros; }
std::int64_t hour_of(base::Time time) { return base::to_micros(time) / kHourMicros; }

AttemptCounts read_counts(const db::Row& row, int first) {
  AttemptCounts counts;
  counts.delivered = row.integer(first);
  counts.failed = row.integer(first + 1);
  counts.retried = row.integer(first + 2);
  counts.latency_ms = row.integer(first + 3);
  for (std::size_t i = 0; i < kLatencyBuckets; ++i) {
    counts.by_latency[i] = row.integer(first + 4 + static_cast<int>(i));
  }
  return counts;
}

/// The first minute that is kept; nothing when none is.
Result<std::optional<std::int64_t>> first_minute(db::Tx& tx) {
  std::optional<std::int64_t> minute;
  XD_DO(tx.query("SELECT minute FROM delivery_minutes ORDER BY minute LIMIT 1", {},
                 [&](const db::Row& row) { minute = row.integer(0); }));
  return minute;
}

Result<std::int64_t> summed_up_to(db::Tx& tx) {
  std::int64_t minute = 0;
  XD_DO(tx.query("SELECT minute FROM delivery_minutes_summed", {},
                 [&](const db::Row& row) { minute = row.integer(0); }));
  return minute;
}

}  // namespace

Result<void> add_counts(db::Tx& tx, const CountsBySubscription& counts, base::Time now) {
  static const std::string sql =
      "INSERT INTO delivery_minutes (minute, owner_id, tenant_id, " + each_name("%") +
      ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
      " ON CONFLICT (minute, owner_id) DO UPDATE SET " +
      each_name("% = delivery_minutes.% + excluded.%");
  std::vector<db::Arg> args;
  args.reserve(counts.size() * 19);
  for (const auto& [subscription, one] : counts) {
    const AttemptCounts& c = one.counts;
    args.insert(args.end(),
                {minute_of(now), subscription, one.tenant, c.delivered, c.failed, c.retried, c.latency_ms});
    for (const std::int64_t count : c.by_latency) args.emplace_back(count);
  }
  return tx.each(sql, 19, args);
}

namespace {

using TakeCounts = std::function<void(std::int64_t, const AttemptCounts&)>;

/// The minutes of [from, to) one by one: the rows of other owners lie between.
Result<void> read_minutes(db::Tx& tx, const base::Uuid& owner, std::int64_t from, std::int64_t to,
                          const TakeCounts& take) {
  static const std::string sql =
      "WITH RECURSIVE m (minute) AS (SELECT CAST($2 AS BIGINT) UNION ALL"
      " SELECT minute + 1 FROM m WHERE minute + 1 < $3)"
      " SELECT m.minute, " +
      each_name("d.%") +
      " FROM m CROSS JOIN delivery_minutes d WHERE d.minute = m.minute AND d.owner_id = $1";
  if (from >= to) return {};
  XD_DO(tx.query(sql, {owner, from, to},
                 [&](const db::Row& row) { take(row.integer(0), read_counts(row, 1)); }));
  return {};
}

/// The minutes that are not summed up, of all subscriptions of a tenant and nobody else's.
Result<void> read_newest(db::Tx& tx, TenantId tenant, std::int64_t from, std::int64_t to,
                         const TakeCounts& take) {
  static const std::string sql =
      "SELECT minute, " + each_name("%") +
      " FROM delivery_minutes WHERE minute >= $1 AND minute < $2 AND tenant_id = $3";
  if (from >= to) return {};
  XD_DO(tx.query(sql, {from, to, tenant},
                 [&](const db::Row& row) { take(row.integer(0), read_counts(row, 1)); }));
  return {};
}

}  // namespace

Result<std::vector<AttemptCounts>> read_series(db::Tx& tx, const SeriesQuery& query, base::Time now) {
  const std::int64_t step = std::chrono::microseconds(query.step).count();
  const std::int64_t from = base::to_micros(query.from);
  const std::int64_t to = base::to_micros(query.to);
  std::vector<AttemptCounts> series(
      static_cast<std::size_t>(std::max<std::int64_t>(0, (to - from + step - 1) / step)));
  const auto add = [&](std::int64_t micros, const AttemptCounts& counts) {
    if (micros >= from && micros < to) series[static_cast<std::size_t>((micros - from) / step)].add(counts);
  };
  const auto take_minute = [&](std::int64_t minute, const AttemptCounts& counts) {
    add(minute * kMinuteMicros, counts);
  };
  const base::Uuid& owner = query.subscription ? query.subscription->uuid : query.tenant.uuid;
  // Whatever is asked for, minutes are only looked for where there can be some.
  XD_TRY(const auto first, first_minute(tx));
  const std::int64_t end = std::min((to + kMinuteMicros - 1) / kMinuteMicros, minute_of(now) + kMinutesOpen);
  std::int64_t begin = std::max(from / kMinuteMicros, first.value_or(end));
  XD_TRY(const std::int64_t summed, summed_up_to(tx));
  if (query.from < now - kMinutesKept) {
    static const std::string sql = "SELECT hour, " + each_name("%") +
                                   " FROM delivery_hours WHERE owner_id = $1 AND hour >= $2 AND hour < $3";
    XD_DO(tx.query(sql, {owner, from / kHourMicros, (to + kHourMicros - 1) / kHourMicros},
                   [&](const db::Row& row) { add(row.integer(0) * kHourMicros, read_counts(row, 1)); }));
    begin = std::max(begin, summed);
  }
  if (query.subscription) {
    XD_DO(read_minutes(tx, owner, begin, end, take_minute));
  } else {
    XD_DO(read_minutes(tx, owner, begin, std::min(end, summed), take_minute));
    XD_DO(read_newest(tx, query.tenant, std::max(begin, summed), end, take_minute));
  }
  return series;
}

Result<bool> sum_up_minute(db::Tx& tx, base::Time now) {
  XD_TRY(const std::int64_t summed, summed_up_to(tx));
  std::optional<std::int64_t> minute;
  XD_DO(tx.query(
      "SELECT minute FROM delivery_minutes WHERE minute >= $1 AND minute < $2 ORDER BY minute LIMIT 1",
      {summed, minute_of(now) - kMinutesOpen}, [&](const db::Row& row) { minute = row.integer(0); }));
  if (!minute) return false;
  static const std::string sum_tenants =
      "INSERT INTO delivery_minutes (minute, owner_id, tenant_id, " + each_name("%") +
      ") SELECT minute, tenant_id, tenant_id, " + each_name("CAST(SUM(%) AS BIGINT)") +
      " FROM delivery_minutes WHERE minute = $1 AND owner_id <> tenant_id GROUP BY minute, tenant_id";
  XD_DO(tx.exec(sum_tenants, {*minute}));
  static const std::string add =
      "INSERT INTO delivery_hours (owner_id, hour, " + each_name("%") +
      ") SELECT owner_id, CAST($2 AS BIGINT), " + each_name("%") +
      " FROM delivery_minutes WHERE minute = $1 ON CONFLICT (owner_id, hour) DO UPDATE SET " +
      each_name("% = delivery_hours.% + excluded.%");
  XD_DO(tx.exec(add, {*minute, *minute / 60}));
  XD_DO(
      tx.exec("INSERT INTO delivery_minutes_summed (id, minute) VALUES (1, $1)"
              " ON CONFLICT (id) DO UPDATE SET minute = excluded.minute",
              {*minute + 1}));
  return true;
}

Result<std::int64_t> forget_counts(db::Tx& tx, base::Time now, base::Time hours_before, std::size_t limit) {
  XD_TRY(const std::int64_t summed, summed_up_to(tx));
  XD_TRY(const std::int64_t minutes,
         tx.exec("DELETE FROM delivery_minutes WHERE (minute, owner_id) IN (SELECT minute, owner_id"
                 " FROM delivery_minutes WHERE minute < $1 ORDER BY minute, owner_id LIMIT $2)",
                 {std::min(summed, minute_of(now - kMinutesKept)), limit}));
  XD_TRY(const std::int64_t hours,
         tx.exec("DELETE FROM delivery_hours WHERE (owner_id, hour) IN (SELECT owner_id, hour"
                 " FROM delivery_hours WHERE hour < $1 ORDER BY hour LIMIT $2)",
                 {hour_of(hours_before), limit}));
  return minutes + hours;
}

}  // namespace outbound
