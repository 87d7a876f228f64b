// Ends deliveries that wait, before their time: each keeps a row that says why.
#pragma once

#include "outbound/delivery/delivery.hpp"

namespace outbound {

/// Which of the waiting ones: all of the tenant, or those that have everything that is given.
struct Waiting {
  TenantId tenant{};
  std::optional<SubscriptionId> subscription{};
  std::optional<DeliveryId> delivery{};
  std::optional<base::Uuid> operation{};  ///< made by it, and no attempt has begun
};

/// What their rows say.
struct Cancellation {
  std::string_view reason{};   ///< "REQUESTED"
  std::string_view message{};  ///< for people
  base::Time now{};
};

/// Makes CANCELLED rows of the tasks; returns how many. An attempt that is under way at this moment is not
/// called back: what came of it is added to the row's attempts.
base::Result<std::int64_t> cancel_waiting(db::Tx& tx, const Waiting& waiting,
                                          const Cancellation& cancellation);

}  // namespace outbound
