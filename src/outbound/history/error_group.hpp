// Failures of one cause: "1,204 × 503 from api.acme.com".
#pragma once

#include <map>

#include "outbound/history/search.hpp"

namespace outbound {

/// The same short word for all failures that have one cause: of one error class and status, from one host,
/// with one message but for the numbers in it. 16 characters; "" for an attempt that did not fail.
std::string error_signature(const Attempt& attempt);
/// "api.acme.com:8443" of a URL, in lower case.
std::string host_of(std::string_view url);

/// Failed attempts of a subscription with one signature, for add_failures().
struct Failures {
  TenantId tenant{};
  SubscriptionId subscription{};
  Attempt sample{};
  DeliveryId delivery{};
  std::int64_t deliveries = 0;  ///< that failed for good
  std::int64_t attempts = 0;
};
using FailuresBySignature = std::map<std::pair<SubscriptionId, std::string>, Failures>;
/// Counts them to the hour of `now`.
base::Result<void> add_failures(db::Tx& tx, const FailuresBySignature& failures, base::Time now);

struct ErrorGroup {
  std::string signature{};
  std::string error_class{};
  std::optional<std::int64_t> response_status{};
  std::string host{};
  std::string error_message{};
  std::int64_t deliveries = 0;  ///< that failed for good
  std::int64_t attempts = 0;    ///< that failed, of deliveries that are still retried too
  std::int64_t subscriptions = 0;
  base::Time first_seen{};
  base::Time last_seen{};
  DeliveryId sample{};
};
struct ErrorGroups {
  std::vector<ErrorGroup> groups;  ///< most deliveries first
  bool partial = false;            ///< not all deliveries were looked at
};
/// The groups of what failed in the time of the query, which goes by whole hours. A query with conditions
/// that only deliveries themselves can answer is answered from them: then attempts are those of the
/// deliveries that ended.
base::Result<ErrorGroups> find_error_groups(db::Tx& tx, const DeliveryQuery& query, base::Time now,
                                            std::size_t limit);

/// Removes counts of hours, and signatures last seen, before this; at most `limit` rows of each, and says how
/// many.
base::Result<std::int64_t> forget_failures(db::Tx& tx, base::Time before, std::size_t limit);

}  // namespace outbound
