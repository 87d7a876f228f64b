// How deliveries went, minute by minute: counted in the transactions that end attempts, read by dashboards.
#pragma once

#include <array>
#include <map>

#include "outbound/subscription/subscription.hpp"

namespace outbound {

/// Upper bounds of the latency buckets in milliseconds; the last bucket has none.
inline constexpr std::array<std::int64_t, 11> kLatencyBounds = {5,   10,   25,   50,   100,   250,
                                                                500, 1000, 2500, 5000, 10'000};
inline constexpr std::size_t kLatencyBuckets = kLatencyBounds.size() + 1;

/// What came of attempts that ended within some time. Every attempt is in one of the three counts.
struct AttemptCounts {
  std::int64_t delivered = 0;
  std::int64_t failed = 0;   ///< for good
  std::int64_t retried = 0;  ///< failed, but there is another attempt
  std::int64_t latency_ms = 0;
  std::array<std::int64_t, kLatencyBuckets> by_latency{};

  bool operator==(const AttemptCounts&) const = default;
  std::int64_t attempts() const { return delivered + failed + retried; }
  void add_latency(std::int64_t ms);
  void add(const AttemptCounts& other);
  /// The latency in milliseconds that this share of the attempts (0 to 1) stayed below, estimated within its
  /// bucket; of the last bucket its lower bound. Nothing without attempts.
  std::optional<double> latency_below(double share) const;
};

/// Adds counts to the minute of `now`: one row for each subscription.
struct SubscriptionCounts {
  TenantId tenant{};
  AttemptCounts counts{};
};
using CountsBySubscription = std::map<SubscriptionId, SubscriptionCounts>;
base::Result<void> add_counts(db::Tx& tx, const CountsBySubscription& counts, base::Time now);

/// Which counts are asked for: those of [from, to), step by step.
struct SeriesQuery {
  TenantId tenant{};
  std::optional<SubscriptionId> subscription{};  ///< nothing: all of the tenant's
  base::Time from{};
  base::Time to{};
  std::chrono::seconds step{};
};
/// Minutes are kept apart so long; before it counts are known by the hour only.
inline constexpr auto kMinutesKept = std::chrono::hours{48};

/// Counts from `from` on, one element for each step: from and step are multiples of the minute, and of the
/// hour where from lies more than kMinutesKept before now. Never looks at deliveries.
base::Result<std::vector<AttemptCounts>> read_series(db::Tx& tx, const SeriesQuery& query, base::Time now);

/// Sums up one minute that is long over into its hour; false when there was none left. In order, each once.
base::Result<bool> sum_up_minute(db::Tx& tx, base::Time now);
/// Removes minutes that are summed up and older than kMinutesKept, and hours older than `hours_before`; at
/// most `limit` rows, and says how many.
base::Result<std::int64_t> forget_counts(db::Tx& tx, base::Time now, base::Time hours_before,
                                         std::size_t limit);

}  // namespace outbound
