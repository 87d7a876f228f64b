// A delivery: one event on its way to one subscription; and its attempts.
#pragma once

#include <string>
#include <vector>

#include "event/event.hpp"
#include "http/client.hpp"
#include "outbound/subscription.hpp"
#include "queue/task.hpp"

namespace outbound {

/// A delivery in flight is a task, and the id of one is the id of the other.
using DeliveryId = base::Id<struct DeliveryTag>;

/// The kind of a delivery's task.
inline constexpr const char* kDeliverKind = "deliver";

/// One HTTP try.
struct Attempt {
  int number = 0;
  std::string outcome{};  ///< DELIVERED, FAILED, or UNKNOWN when the process ended while it ran
  base::Time started{};
  std::string request_url{};
  std::string remote_ip{};
  std::optional<std::int64_t> response_status{};
  std::int64_t response_time_ms = 0;
  http::Timings timings{};
  std::string error_class{};
  std::string error_message{};
  int sendings = 1;            ///< how often the request went out: http::OutboundResponse
  std::string via = "worker";  ///< worker; test and replay by the API; cli: answered by a `crossdock listen`
};

/// Mission 4, webhook_deliveries. Of a finished one the row carries the last attempt.
struct Delivery {
  DeliveryId id{};
  TenantId tenant{};
  SubscriptionId subscription{};
  event::EventId event{};
  std::string event_type{};
  std::string status{};           ///< PENDING, RETRYING, HELD; DELIVERED, FAILED, CANCELLED, SKIPPED
  std::string reason{};           ///< of SKIPPED: FILTERED, DISABLED; of CANCELLED what for; empty otherwise
  std::string error_signature{};  ///< the same for failures of one cause; empty when it did not fail
  std::optional<base::Uuid> operation{};  ///< the bulk operation that caused it
  int replay_no = 0;
  std::optional<DeliveryId> replay_of{};
  bool is_test = false;
  base::Time created{};
  std::optional<base::Time> completed{};
  std::optional<base::Time> next_retry{};
  std::optional<queue::Breaker::Open> circuit{};  ///< of its subscription, where it waits for that
  Attempt last{};
};

/// What a delivery's task carries in args; empty for an ordinary one.
struct DeliveryArgs {
  int replay_no = 0;
  std::optional<DeliveryId> replay_of{};
  std::string url{};                      ///< another URL to send to
  std::optional<base::Uuid> operation{};  ///< the bulk operation that caused it
  bool with_credentials = false;          ///< who asked for that URL may change subscriptions
  bool unfiltered = false;                ///< the filter could not be asked, and is to be when it can be
};
std::string write_args(const DeliveryArgs& args);
DeliveryArgs read_args(const std::string& text);

// The tables webhook_deliveries and delivery_attempts.
/// Adds them to the feed as well.
base::Result<void> insert_deliveries(db::Tx& tx, const std::vector<Delivery>& deliveries);
struct AttemptOf {
  DeliveryId delivery{};
  SubscriptionId subscription{};
  TenantId tenant{};
  Attempt attempt{};
};
base::Result<void> insert_attempts(db::Tx& tx, const std::vector<AttemptOf>& attempts);

base::Result<std::optional<Delivery>> find_finished(db::Tx& tx, TenantId tenant, DeliveryId id);
base::Result<std::vector<Delivery>> finished_of_event(db::Tx& tx, TenantId tenant, event::EventId event);
/// Attempts before the last one of a finished delivery, all so far of one in flight; in order.
base::Result<std::vector<Attempt>> earlier_attempts(db::Tx& tx, DeliveryId id);
/// Those that wait or are in flight: read from the queue, with the type of their event and what came of their
/// last attempt.
base::Result<std::vector<Delivery>> waiting_of_event(db::Tx& tx, TenantId tenant, event::EventId event);
base::Result<std::optional<Delivery>> find_waiting(db::Tx& tx, TenantId tenant, DeliveryId id);

/// Whether the history holds this attempt.
base::Result<bool> is_recorded(db::Tx& tx, SubscriptionId subscription, DeliveryId delivery, int attempt);

/// Adds what a batch of attempts did to a subscription's counters, in the order of their ends.
struct StatsChange {
  SubscriptionId id{};
  std::int64_t delivered = 0;
  std::int64_t failed = 0;
  std::int64_t failed_at_end = 0;  ///< failures after the last success of the batch
  std::optional<base::Time> last_success{};
  std::optional<base::Time> last_failure{};
  std::optional<base::Time> first_failure_at_end{};
};
struct Failing {
  std::int64_t consecutive = 0;
  std::optional<base::Time> since{};
};
base::Result<Failing> change_stats(db::Tx& tx, const StatsChange& change);

}  // namespace outbound
