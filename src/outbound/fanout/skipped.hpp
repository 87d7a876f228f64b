// Deliveries that are not made although the event is of a subscription's types: each leaves a row that says
// why.
#pragma once

#include "event/publish.hpp"
#include "outbound/delivery/delivery.hpp"
#include "outbound/history/history.hpp"
#include "outbound/subscription/book.hpp"

namespace outbound {

/// What becomes of an event at a subscription of whose types it is. FILTERED: its filter does not want it.
/// DISABLED: it would, but somebody has disabled the subscription. undecided: the filter would take more
/// steps than there are.
enum class Fate : std::uint8_t { delivered, filtered, disabled, undecided };
/// Of what leaves a row: "FILTERED", "DISABLED".
std::string_view name(Fate fate);

/// What its filter (yes: none) makes of it.
Fate fate_of(const Prepared& subscription, Filter::Answer wanted);
/// The same, with the filter asked: takes the steps that it uses.
Fate fate_of(const Prepared& subscription, EventView& event, std::size_t& steps);

/// The row of a skipped delivery: finished when it was made, without an attempt.
Delivery make_skipped(const Subscription& subscription, const event::Event& event, Fate fate, base::Time now);

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
