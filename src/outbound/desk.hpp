// All that outbound has on one shard, in the order of its life: the book, what the handlers share, and the
// handlers of its tasks.
#pragma once

#include "outbound/fanout/fanout.hpp"
#include "outbound/history/deletion.hpp"
#include "outbound/replay/replay.hpp"
#include "outbound/send/deliver.hpp"

namespace outbound {

class Desk {
 public:
  struct Parts {
    base::Gate& gate;
    http::Client& client;
    const tenant::TenantBook& tenants;
    db::Db& store;
    db::LogStore& logs;
    queue::Queue& queue;
    base::Offload& offload;
    const base::Clock& clock;
    const crypto::KeyRing& ring;
    base::Everywhere<Book>& books;
    event::Bell& bell;
    HealthPolicy health{};
    bool log_response_bodies = true;
  };
  explicit Desk(const Parts& parts);

  /// The lanes run the tasks of this room from now on, and the book hears what is told to all. Once, before
  /// start.
  void attach(asio::any_io_executor executor, queue::Shard& lanes);

  Book& book() { return book_; }
  const base::Everywhere<Book>& books() const { return books_; }
  /// What events cause, as this shard's book knows.
  event::Matcher& matcher() { return matcher_; }
  DeliveryHandler& deliveries() { return deliveries_; }

 private:
  base::Everywhere<Book>& books_;
  Book book_;
  EventMatcher matcher_;
  ExchangeLog exchanges_;
  DeliveryHandler deliveries_;
  FanoutHandler fanouts_;
  ReplayHandler replays_;
  DrainHandler drains_;
};

}  // namespace outbound
