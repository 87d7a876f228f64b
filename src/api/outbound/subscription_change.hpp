// Changing a subscription that exists: what every route that does so has in common.
#pragma once

#include <functional>

#include "api/core/once.hpp"
#include "outbound/subscription/subscription.hpp"

namespace api {

/// Error: not_found.
Result<outbound::SubscriptionPtr> find_subscription_or_fail(Call& call, db::Tx& tx,
                                                            outbound::SubscriptionId id);

/// If-Match, the new version, lane, audit and all shards' books. Errors: not_found, conflict, and those of
/// edit.
Result<Answer> change_subscription(Call& call, db::Tx& tx, outbound::SubscriptionId id, const char* action,
                                   const std::function<Result<void>(outbound::Subscription&)>& edit);

}  // namespace api
