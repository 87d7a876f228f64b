// What the hub itself tells a tenant about its subscriptions: ordinary events, published with what they are
// about.
#pragma once

#include <vector>

#include "event/event.hpp"
#include "outbound/delivery/delivery.hpp"
#include "outbound/subscription/book.hpp"
#include "queue/queue.hpp"

namespace outbound {

/// An event, and whether somebody has subscribed to it. One that nobody wants is in the log all the same, but
/// for webhook.delivered, which is not made then.
struct SystemEvent {
  event::EventPtr event{};
  bool wanted = false;
};

/// What a system event tells about one delivery (mission 4, Published Events: webhook.delivered,
/// webhook.failed).
struct DeliveryNews {
  const queue::Task* task = nullptr;
  const Attempt* attempt = nullptr;
  std::string_view event_type{};
  std::string_view status{};
  int hop = 0;  ///< of the event that was delivered
};
event::EventPtr make_delivery_event(const DeliveryNews& news, base::Time now);
/// circuit.opened or circuit.closed of a subscription's lane.
event::EventPtr make_circuit_event(TenantId tenant, SubscriptionId id,
                                   const std::optional<queue::Breaker::Open>& open, base::Time now);
/// webhook.disabled: the hub has switched a subscription off.
event::EventPtr make_disabled_event(TenantId tenant, SubscriptionId id, std::string_view reason,
                                    base::Time now);

/// The subscription that a system event is about: it is not delivered to that one, so that none feeds itself.
std::optional<SubscriptionId> subject_of(const event::Event& event);

/// Writes them in the caller's transaction; those that are wanted get a fan-out task.
base::Result<void> publish_system(db::Tx& tx, queue::Queue& queue, const std::vector<SystemEvent>& events);

}  // namespace outbound
