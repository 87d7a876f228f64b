#include "outbound/skipped.hpp"

namespace outbound {

std::string_view name(Skipping reason) { return reason == Skipping::filtered ? "FILTERED" : "DISABLED"; }

std::optional<Skipping> why_skipped(const Prepared& subscription, EventView& event) {
  // The filter first: what is DISABLED is what enabling it would have delivered.
  if (subscription.filter && !subscription.filter->matches(event)) return Skipping::filtered;
  if (!subscription.config->takes_events()) return Skipping::disabled;
  return std::nullopt;
}

Delivery make_skipped(const Subscription& subscription, const event::Event& event, Skipping reason,
                      base::Time now) {
  Delivery delivery;
  delivery.id = DeliveryId::make(now);
  delivery.tenant = event.tenant;
  delivery.subscription = subscription.id;
  delivery.event = event.id;
  delivery.event_type = event.type;
  delivery.status = "SKIPPED";
  delivery.reason = name(reason);
  delivery.created = now;
  delivery.completed = now;
  delivery.last.started = now;
  return delivery;
}

bool SkippedDeliveries::absorb(const event::Companion& other) {
  const auto* const same = dynamic_cast<const SkippedDeliveries*>(&other);
  if (same == nullptr) return false;
  deliveries_.insert(deliveries_.end(), same->deliveries_.begin(), same->deliveries_.end());
  return true;
}

}  // namespace outbound
