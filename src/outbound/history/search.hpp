// Looking for deliveries: what lists, counts and bulk operations ask for, answered in a bounded time however
// many deliveries there are.
#pragma once

#include "base/time_range.hpp"
#include "outbound/delivery/delivery.hpp"

namespace outbound {

/// Which deliveries are meant. A member that is empty, or absent, means any; all that are set must hold.
struct DeliveryQuery {
  TenantId tenant{};
  std::optional<SubscriptionId> subscription{};
  std::vector<std::string> statuses{};
  std::string event_type{};  ///< a type, or a pattern as subscriptions have them ("order.*")
  std::optional<event::EventId> event{};
  std::optional<base::Uuid> operation{};
  std::optional<int> response_status{};  ///< 503
  std::optional<int> response_class{};   ///< 5 for 500 to 599
  std::string error_class{};
  std::string error_signature{};
  std::optional<std::int64_t> response_time_ms_min{};
  std::optional<int> attempts_min{};
  std::optional<bool> is_test{};
  base::TimeRange created{};  ///< goes by the time in the delivery's id
  /// With `after` and `before` both set: what lies between, the oldest of it. That is how a bulk operation
  /// goes from one end to the other: `before` stays, `after` follows the last id it has seen.
  db::Page page{};
};

/// How much a search may cost. What has not been found by then is not looked for.
struct SearchLimits {
  base::Deadline until = base::Deadline::max();
  std::size_t first_piece = 200;  ///< candidates looked at before the time is; later pieces follow the speed
};
/// For answers that somebody waits for.
SearchLimits interactive();

/// Newest first.
struct FoundDeliveries {
  std::vector<Delivery> deliveries;
  /// Set when the search ended before it was through: there may be more on the far side of this id. A page
  /// that begins at it goes on.
  std::optional<base::Uuid> reached;
};
/// Finished ones.
base::Result<FoundDeliveries> search_finished(db::Tx& tx, const DeliveryQuery& query,
                                              SearchLimits limits = {});
/// Those that wait or are in flight: read from the queue, with the type of their event. What only an answer
/// tells (response, error, latency) is that of their last attempt.
base::Result<FoundDeliveries> search_waiting(db::Tx& tx, const DeliveryQuery& query,
                                             SearchLimits limits = {});
/// Both together.
base::Result<FoundDeliveries> search_deliveries(db::Tx& tx, const DeliveryQuery& query,
                                                SearchLimits limits = {});

/// How many finished ones there are; `reached` as above, counted from the newest.
struct CountedDeliveries {
  std::int64_t count = 0;
  std::optional<base::Uuid> reached;
};
base::Result<CountedDeliveries> count_finished(db::Tx& tx, const DeliveryQuery& query,
                                               SearchLimits limits = {});

/// What groups of failures want to know of each FAILED one that the query means.
struct FailedDelivery {
  DeliveryId id{};
  SubscriptionId subscription{};
  std::string signature{};
  std::int64_t attempts = 0;
  base::Time completed{};
};
/// Calls take with each, in no order; true when the time was up before all were seen.
base::Result<bool> each_failed(db::Tx& tx, DeliveryQuery query, SearchLimits limits,
                               const std::function<void(const FailedDelivery&)>& take);

/// When the oldest finished one that is kept, of the subscription or of the tenant, was made.
base::Result<std::optional<base::Time>> oldest_finished(db::Tx& tx, const DeliveryQuery& query);

/// Removes finished deliveries that ended before this, with their attempts: at most `limit`, the oldest
/// first, and on SQLite never the very last row, whose seq the next one goes by. Returns how many.
base::Result<std::int64_t> forget_deliveries(db::Tx& tx, base::Time before, std::size_t limit);

/// SQLite: brings delivery_index up to date when at least so many rows are new; in the transaction that added
/// rows. Searches look through the new ones one by one, so there are never many.
base::Result<void> index_finished(db::Tx& tx, std::int64_t rows_min);
inline constexpr std::int64_t kIndexPiece = 256;

}  // namespace outbound
