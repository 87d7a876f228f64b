#include "inbound/desk.hpp"

namespace inbound {

Desk::Desk(const Parts& parts)
    : books_(parts.books),
      book_(parts.meters),
      keys_(parts.client, parts.offload, parts.clock),
      refusals_(parts.gate, parts.executor, parts.store),
      receiver_(parts.gate, {.clock = parts.clock,
                             .store = parts.store,
                             .queue = parts.queue,
                             .tenants = parts.tenants,
                             .book = book_,
                             .keys = keys_,
                             .ring = parts.ring,
                             .books = parts.books,
                             .meters = parts.meters,
                             .refusals = refusals_,
                             .tenant_rate = parts.tenant_rate,
                             .origin = parts.origin,
                             .proxies = parts.proxies,
                             .body_bytes_max = parts.body_bytes_max}),
      processing_({.book = book_,
                   .matcher = parts.matcher,
                   .queue = parts.queue,
                   .clock = parts.clock,
                   .bell = &parts.bell}),
      replays_(parts.store, parts.queue, parts.clock) {}

void Desk::attach(asio::any_io_executor executor, queue::Shard& lanes) {
  lanes.add_handler(kProcessKind, processing_);
  lanes.add_handler(kReplayTask, replays_);
  books_.add(std::move(executor), book_);
}

}  // namespace inbound
