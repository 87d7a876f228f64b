// How rows of webhook_deliveries and tasks become deliveries; for the stores of this room.
#pragma once

#include "outbound/delivery.hpp"

namespace outbound {

/// The columns of webhook_deliveries that read_delivery() wants, in its order. They name the table d.
inline constexpr std::string_view kDeliveryColumns =
    "d.subscription_id, d.id, d.tenant_id, d.event_id, d.event_type, d.status, d.attempt_number, d.replay_no,"
    " d.replay_of, d.is_test, d.created_at, d.completed_at, d.outcome, d.started_at, d.request_url,"
    " d.remote_ip, d.response_status, d.response_time_ms, d.dns_us, d.connect_us, d.tls_us, d.first_byte_us,"
    " d.error_class, d.error_message, d.via, d.reason, d.error_signature, d.operation_id";
Delivery read_delivery(const db::Row& row);

/// The columns from outcome (or what follows it) on, which deliveries and attempts share.
Attempt read_attempt(const db::Row& row, int number_column, int first);

/// A task as the delivery it is; without the type of its event.
Delivery waiting_delivery(const queue::Task& task, queue::LaneState state);
/// Adds the types of their events.
base::Result<void> add_event_types(db::Tx& tx, std::span<Delivery> deliveries);

struct DeliveryLane {
  queue::LaneId id{};
  queue::LaneState state{};
};
/// The lanes of the tenant's subscriptions, or of the one.
base::Result<std::vector<DeliveryLane>> delivery_lanes(db::Tx& tx, TenantId tenant,
                                                       std::optional<SubscriptionId> subscription);

}  // namespace outbound
