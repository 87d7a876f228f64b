#include "outbound/replay.hpp"

namespace outbound {

namespace {

using base::Result;

/// An id is made after the moment that the row calls created_at: by a shard that saw the clock step back
/// maybe long after, but never before, give or take what the clocks of two nodes differ.
constexpr auto kIdSlack = std::chrono::minutes{1};

/// WHERE with everything that the scope asks for; what its arguments point to is the scope's, or kept here.
class Conditions {
 public:
  explicit Conditions(const ReplayScope& scope) : filter_(scope.filter) {
    add("tenant_id = $", scope.tenant);
    add(" AND completed_at <= $", scope.begun);
    text_ += " AND is_test = 0";
    add_list(" AND id IN (", filter_.ids);
    if (filter_.subscription) add(" AND subscription_id = $", *filter_.subscription);
    add_list(" AND status IN (", filter_.statuses);
    if (const auto codes = parse_status_codes(filter_.status_code)) {
      add(" AND response_status >= $", codes->first);
      add(" AND response_status <= $", codes->second);
    }
    if (!filter_.error_class.empty()) add(" AND error_class = $", filter_.error_class);
    if (!filter_.error_signature.empty()) add(" AND error_signature = $", filter_.error_signature);
    if (!filter_.event_type.empty()) add(" AND event_type = $", filter_.event_type);
    add_period();
  }

  void add(std::string_view text, const db::Arg& arg) {
    args_.push_back(arg);
    text_.append(text).append(std::to_string(args_.size()));
  }
  const std::string& text() const { return text_; }
  const std::vector<db::Arg>& args() const { return args_; }

 private:
  template <class T>
  void add_list(std::string_view text, const std::vector<T>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      text_ += i == 0 ? text : ", ";
      add("$", values[i]);
    }
    if (!values.empty()) text_ += ")";
  }
  /// The bound of ids says nothing new; it is what an index can use.
  void add_period() {
    if (filter_.since) {
      first_ = first_id(*filter_.since - kIdSlack);
      add(" AND created_at >= $", *filter_.since);
      add(" AND id >= $", first_);
    }
    if (filter_.until) add(" AND created_at < $", *filter_.until);
  }

  const ReplayFilter& filter_;
  std::string text_;
  std::vector<db::Arg> args_;
  base::Uuid first_;
};

}  // namespace

base::Uuid first_id(base::Time at) {
  const auto millis = static_cast<std::uint64_t>(std::max<std::int64_t>(0, base::to_micros(at) / 1000));
  base::Uuid id;
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
  return id;
}

Result<std::vector<Replayable>> find_replayable(db::Tx& tx, const ReplayScope& scope, const base::Uuid& after,
                                                std::size_t limit) {
  Conditions where(scope);
  where.add(" AND id > $", after);
  where.add(" ORDER BY id LIMIT $", limit);
  std::vector<Replayable> found;
  XD_DO(tx.query(
      "SELECT id, subscription_id, event_id, replay_no FROM webhook_deliveries WHERE " + where.text(),
      where.args(), [&](const db::Row& row) {
        found.push_back({row.id<DeliveryId>(0), row.id<SubscriptionId>(1), row.id<event::EventId>(2),
                         static_cast<int>(row.integer(3))});
      }));
  return found;
}

Result<ReplayCount> count_replayable(db::Tx& tx, const ReplayScope& scope, std::int64_t most) {
  Conditions where(scope);
  where.add(" LIMIT $", most + 1);
  ReplayCount counted;
  XD_DO(
      tx.query("SELECT subscription_id, count(*) AS n FROM (SELECT subscription_id FROM webhook_deliveries"
               " WHERE " +
                   where.text() + ") AS matching GROUP BY subscription_id ORDER BY n DESC, subscription_id",
               where.args(), [&](const db::Row& row) {
                 counted.by_subscription.emplace_back(row.id<SubscriptionId>(0), row.integer(1));
                 counted.count += row.integer(1);
               }));
  counted.exact = counted.count <= most;
  return counted;
}

Result<std::set<SubscriptionId>> hold_subscriptions(db::Tx& tx, TenantId tenant,
                                                    const std::set<SubscriptionId>& wanted) {
  std::vector<db::Arg> args;
  for (const SubscriptionId& id : wanted) args.insert(args.end(), {id, tenant});
  std::string sql = "SELECT id FROM webhook_subscriptions WHERE id = $1 AND tenant_id = $2";
  if (tx.engine() == db::Engine::postgres) sql += " FOR KEY SHARE";
  std::set<SubscriptionId> held;
  XD_DO(tx.each(sql, 2, args, [&](std::size_t, std::int64_t, const db::Row* row) {
    if (row != nullptr) held.insert(row->id<SubscriptionId>(0));
  }));
  return held;
}

Result<ReplayOutcomes> outcomes_of(db::Tx& tx, TenantId tenant, operation::OperationId id) {
  ReplayOutcomes outcomes;
  XD_DO(
      tx.query("SELECT status, count(*) FROM webhook_deliveries WHERE operation_id = $1 AND tenant_id = $2"
               " GROUP BY status",
               {id, tenant}, [&](const db::Row& row) {
                 std::int64_t& count = row.text(0) == "DELIVERED" ? outcomes.delivered
                                       : row.text(0) == "FAILED"  ? outcomes.failed
                                                                  : outcomes.cancelled;
                 count += row.integer(1);
               }));
  return outcomes;
}

}  // namespace outbound
