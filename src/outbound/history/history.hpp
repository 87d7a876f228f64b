// What the store keeps of deliveries: the history of those that have ended, and those that still wait.
#pragma once

#include "outbound/delivery/delivery.hpp"

namespace outbound {

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

}  // namespace outbound
