// How rows of webhook_deliveries and tasks become deliveries; for the stores of this room.
#pragma once

#include "outbound/delivery/delivery.hpp"

namespace outbound {

/// The columns of webhook_deliveries that read_delivery() wants, in its order. They name the table d.
inline constexpr std::string_view kDeliveryColumns =
    "d.subscription_id, d.id, d.tenant_id, d.event_id, d.event_type, d.status, d.attempt_number, d.replay_no,"
    " d.replay_of, d.is_test, d.created_at, d.completed_at, d.outcome, d.started_at, d.request_url,"
    " d.remote_ip, d.response_status, d.response_time_ms, d.dns_us, d.connect_us, d.tls_us, d.first_byte_us,"
    " d.error_class, d.error_message, d.via, d.sendings, d.reason, d.error_signature, d.operation_id";
Delivery read_delivery(const db::Row& row);

/// The columns from outcome (or what follows it) on, which deliveries and attempts share.
Attempt read_attempt(const db::Row& row, int number_column, int first);

struct DeliveryLane {
  queue::LaneId id{};
  queue::LaneState state{};
  std::optional<queue::Breaker::Open> circuit{};  ///< nothing while it is closed
};
/// A task as the delivery it is; without what add_details() adds.
Delivery waiting_delivery(const queue::Task& task, const DeliveryLane& lane);
/// Adds the types of their events and what came of their last attempts.
base::Result<void> add_details(db::Tx& tx, std::span<Delivery> deliveries);

/// The lanes of the tenant's subscriptions, or of the one.
base::Result<std::vector<DeliveryLane>> delivery_lanes(db::Tx& tx, TenantId tenant,
                                                       std::optional<SubscriptionId> subscription);

}  // namespace outbound
