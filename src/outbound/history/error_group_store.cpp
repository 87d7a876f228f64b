#include <map>
#include <set>

#include "outbound/history/error_group.hpp"

namespace outbound {

using base::Result;

namespace {

constexpr std::int64_t kHourMicros = 3'600'000'000;

std::int64_t hour_of(base::Time time) { return base::to_micros(time) / kHourMicros; }

/// Groups as they are put together.
class Collected {
 public:
  struct Part {
    std::string signature;
    SubscriptionId subscription;
    std::int64_t deliveries = 0;
    std::int64_t attempts = 0;
    base::Time first;
    base::Time last;
    DeliveryId sample;
  };
  void add(const Part& part) {
    auto& [group, subscriptions] = groups_[part.signature];
    group.deliveries += part.deliveries;
    group.attempts += part.attempts;
    if (subscriptions.empty() || part.first < group.first_seen) group.first_seen = part.first;
    if (subscriptions.empty() || part.last >= group.last_seen) {
      group.last_seen = part.last;
      group.sample = part.sample;
    }
    subscriptions.insert(part.subscription);
  }
  /// Adds what is known of each signature; those it is not known of are left out.
  Result<std::vector<ErrorGroup>> finish(db::Tx& tx, const DeliveryQuery& query) {
    std::vector<db::Arg> args;
    for (const auto& [signature, group] : groups_) args.insert(args.end(), {query.tenant, signature});
    std::vector<ErrorGroup> known;
    auto next = groups_.begin();
    XD_DO(
        tx.each("SELECT error_class, response_status, host, error_message FROM error_signatures"
                " WHERE tenant_id = $1 AND signature = $2",
                2, args, [&](std::size_t, std::int64_t, const db::Row* row) {
                  auto& [signature, one] = *next++;
                  if (row == nullptr) return;
                  ErrorGroup group = one.first;
                  group.signature = signature;
                  group.subscriptions = static_cast<std::int64_t>(one.second.size());
                  group.error_class = row->string(0);
                  group.response_status = row->maybe_integer(1);
                  group.host = row->string(2);
                  group.error_message = row->string(3);
                  if (is_meant(query, group)) known.push_back(std::move(group));
                }));
    std::ranges::sort(known, std::greater{}, [](const ErrorGroup& group) {
      return std::tuple(group.deliveries, group.attempts, group.last_seen, group.signature);
    });
    return known;
  }

 private:
  static bool is_meant(const DeliveryQuery& query, const ErrorGroup& group) {
    const std::int64_t status = group.response_status.value_or(0);
    return (query.error_class.empty() || query.error_class == group.error_class) &&
           (query.error_signature.empty() || query.error_signature == group.signature) &&
           (!query.response_status || *query.response_status == status) &&
           (!query.response_class || *query.response_class == status / 100);
  }

  std::map<std::string, std::pair<ErrorGroup, std::set<SubscriptionId>>> groups_;
};

/// Whether the counted hours know all that the query asks for.
bool is_counted(const DeliveryQuery& query) {
  return query.event_type.empty() && !query.event && !query.operation && !query.response_time_ms_min &&
         !query.attempts_min && !query.is_test;
}

Result<void> collect_hours(db::Tx& tx, const DeliveryQuery& query, base::Time now, Collected& collected) {
  const std::int64_t end =
      hour_of(query.created.before.value_or(now) + std::chrono::microseconds{kHourMicros - 1});
  std::string sql =
      "SELECT signature, subscription_id, deliveries, attempts, first_seen_at, last_seen_at, "
      "sample_delivery_id"
      " FROM error_hours WHERE tenant_id = $1 AND hour >= $2 AND hour < $3";
  std::vector<db::Arg> args = {query.tenant, hour_of(query.created.from.value_or(base::Time{})), end};
  if (query.subscription) {
    sql += " AND subscription_id = $4";
    args.emplace_back(*query.subscription);
  }
  XD_DO(tx.query(sql, args, [&](const db::Row& row) {
    collected.add({row.string(0), row.id<SubscriptionId>(1), row.integer(2), row.integer(3), row.time(4),
                   row.time(5), row.id<DeliveryId>(6)});
  }));
  return {};
}

}  // namespace

Result<void> add_failures(db::Tx& tx, const FailuresBySignature& failures, base::Time now) {
  struct Cause {
    const Attempt* sample = nullptr;
    std::string host{};
  };
  // In one order for everybody, so that two transactions cannot wait for each other.
  std::map<std::pair<TenantId, std::string_view>, Cause> by_signature;
  std::vector<db::Arg> counts;
  for (const auto& [key, one] : failures) {
    const auto& [subscription, signature] = key;
    by_signature[{one.tenant, signature}] = {&one.sample, host_of(one.sample.request_url)};
    counts.insert(counts.end(), {one.tenant, hour_of(now), signature, subscription, one.deliveries,
                                 one.attempts, now, one.delivery});
  }
  std::vector<db::Arg> causes;
  for (const auto& [key, cause] : by_signature) {
    causes.insert(causes.end(),
                  {key.first, key.second, cause.sample->error_class, cause.sample->response_status,
                   cause.host, cause.sample->error_message, now});
  }
  XD_DO(tx.each(
      "INSERT INTO error_signatures (tenant_id, signature, error_class, response_status, host, error_message,"
      " first_seen_at, last_seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"
      " ON CONFLICT (tenant_id, signature) DO UPDATE SET last_seen_at = excluded.last_seen_at",
      7, causes));
  return tx.each(
      "INSERT INTO error_hours (tenant_id, hour, signature, subscription_id, deliveries, attempts, "
      "first_seen_at,"
      " last_seen_at, sample_delivery_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)"
      " ON CONFLICT (tenant_id, hour, signature, subscription_id) DO UPDATE SET"
      " deliveries = error_hours.deliveries + excluded.deliveries, attempts = error_hours.attempts + "
      "excluded.attempts,"
      " last_seen_at = excluded.last_seen_at, sample_delivery_id = excluded.sample_delivery_id",
      8, counts);
}

Result<ErrorGroups> find_error_groups(db::Tx& tx, const DeliveryQuery& query, base::Time now,
                                      std::size_t limit) {
  Collected collected;
  ErrorGroups result;
  if (is_counted(query)) {
    XD_DO(collect_hours(tx, query, now, collected));
  } else {
    const auto take = [&](const FailedDelivery& one) {
      collected.add({one.signature, one.subscription, 1, one.attempts, one.completed, one.completed, one.id});
    };
    XD_TRY(result.partial, each_failed(tx, query, interactive(), take));
  }
  XD_TRY(result.groups, collected.finish(tx, query));
  if (result.groups.size() > limit) result.groups.resize(limit);
  return result;
}

Result<std::int64_t> forget_failures(db::Tx& tx, base::Time before, std::size_t limit) {
  XD_TRY(const std::int64_t hours,
         tx.exec("DELETE FROM error_hours WHERE (tenant_id, hour, signature, subscription_id) IN"
                 " (SELECT tenant_id, hour, signature, subscription_id FROM error_hours"
                 " WHERE hour < $1 ORDER BY hour LIMIT $2)",
                 {hour_of(before), limit}));
  XD_TRY(const std::int64_t signatures,
         tx.exec("DELETE FROM error_signatures WHERE (tenant_id, signature) IN (SELECT tenant_id, signature"
                 " FROM error_signatures WHERE last_seen_at < $1 ORDER BY last_seen_at LIMIT $2)",
                 {before, limit}));
  return hours + signatures;
}

}  // namespace outbound
