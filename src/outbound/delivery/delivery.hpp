// A delivery: one event on its way to one subscription; and its attempts.
#pragma once

#include <string>
#include <vector>

#include "event/event.hpp"
#include "http/client.hpp"
#include "outbound/subscription/subscription.hpp"
#include "queue/task.hpp"

namespace outbound {

/// A delivery in flight is a task, and the id of one is the id of the other.
using DeliveryId = base::Id<struct DeliveryTag>;

/// The kind of a delivery's task.
inline constexpr const char* kDeliverKind = "deliver";

// Outcomes of attempts, which are those of deliveries that have ended.
inline constexpr std::string_view kDelivered = "DELIVERED";
inline constexpr std::string_view kFailed = "FAILED";

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

}  // namespace outbound
