#include "outbound/fanout/skipped.hpp"

namespace outbound {

std::string_view name(Fate fate) { return fate == Fate::filtered ? "FILTERED" : "DISABLED"; }

Fate fate_of(const Prepared& subscription, Filter::Answer wanted) {
  // The filter first: what is DISABLED is what enabling it would have delivered.
  if (wanted == Filter::Answer::undecided) return Fate::undecided;
  if (wanted == Filter::Answer::no) return Fate::filtered;
  return subscription.config->takes_events() ? Fate::delivered : Fate::disabled;
}

Fate fate_of(const Prepared& subscription, EventView& event, std::size_t& steps) {
  if (steps < base::limits::kFilterStepsOfMatch) return Fate::undecided;
  steps -= base::limits::kFilterStepsOfMatch;
  return fate_of(subscription,
                 subscription.filter ? subscription.filter->ask(event, steps) : Filter::Answer::yes);
}

Delivery make_skipped(const Subscription& subscription, const event::Event& event, Fate fate,
                      base::Time now) {
  Delivery delivery;
  delivery.id = DeliveryId::make(now);
  delivery.tenant = event.tenant;
  delivery.subscription = subscription.id;
  delivery.event = event.id;
  delivery.event_type = event.type;
  delivery.status = "SKIPPED";
  delivery.reason = name(fate);
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
