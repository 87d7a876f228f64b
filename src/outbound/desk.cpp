#include "outbound/desk.hpp"

namespace outbound {

Desk::Desk(const Parts& parts)
    : books_(parts.books),
      matcher_(book_, parts.clock),
      exchanges_(parts.gate, parts.logs),
      deliveries_({.client = parts.client,
                   .book = book_,
                   .tenants = parts.tenants,
                   .exchanges = exchanges_,
                   .clock = parts.clock,
                   .queue = parts.queue,
                   .books = parts.books,
                   .ring = parts.ring,
                   .health = parts.health,
                   .log_response_bodies = parts.log_response_bodies,
                   .bell = &parts.bell}),
      fanouts_({parts.store, book_, parts.queue, parts.offload, parts.clock}),
      replays_(parts.store, book_, parts.queue, parts.clock),
      drains_(parts.store, {parts.queue, parts.books}, parts.clock) {}

void Desk::attach(asio::any_io_executor executor, queue::Shard& lanes) {
  book_.watch([&lanes](const Subscription& subscription) {
    lanes.set_policy(subscription.lane(), subscription.lane_policy());
    lanes.set_policy(detour_lane(subscription.id), {.circuit_no = subscription.circuit_no});
  });
  lanes.add_handler(kDeliverKind, deliveries_);
  lanes.add_handler(event::kFanoutKind, fanouts_);
  lanes.add_handler(kReplayTask, replays_);
  lanes.add_handler(kDrainTask, drains_);
  books_.add(std::move(executor), book_);
}

}  // namespace outbound
