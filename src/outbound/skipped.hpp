// Deliveries that are not made although the event is of a subscription's types: each leaves a row that says
// why.
#pragma once

#include "event/publish.hpp"
#include "outbound/book.hpp"
#include "outbound/delivery.hpp"

namespace outbound {

/// FILTERED: its filter does not want the event. DISABLED: it would, but somebody has disabled it.
enum class Skipping : std::uint8_t { filtered, disabled };
std::string_view name(Skipping reason);

/// Why the subscription gets no delivery of the event; nothing when it gets one.
std::optional<Skipping> why_skipped(const Prepared& subscription, EventView& event);

/// The row of a skipped delivery: finished when it was made, without an attempt.
Delivery make_skipped(const Subscription& subscription, const event::Event& event, Skipping reason,
                      base::Time now);

/// Skipped deliveries as what an event causes: written in the transaction that publishes it.
class SkippedDeliveries final : public event::Companion {
 public:
  void add(Delivery delivery) { deliveries_.push_back(std::move(delivery)); }
  bool absorb(const event::Companion& other) override;
  base::Result<void> write(db::Tx& tx) override { return insert_deliveries(tx, deliveries_); }
  std::unique_ptr<event::Companion> clone() const override {
    return std::make_unique<SkippedDeliveries>(*this);
  }

 private:
  std::vector<Delivery> deliveries_;
};

}  // namespace outbound
