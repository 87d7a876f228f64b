// All that inbound has on one shard, in the order of its life: the book of endpoints, the receiver with what
// it needs, and the handlers of its tasks.
#pragma once

#include "inbound/process/processing.hpp"
#include "inbound/process/replay.hpp"
#include "inbound/receive/receiver.hpp"

namespace inbound {

class Desk {
 public:
  struct Parts {
    base::Gate& gate;
    asio::any_io_executor executor;
    http::Client& client;
    const tenant::TenantBook& tenants;
    db::Db& store;
    queue::Queue& queue;
    base::Offload& offload;
    const base::Clock& clock;
    const crypto::KeyRing& ring;
    base::Everywhere<Book>& books;
    event::Matcher& matcher;
    event::Bell& bell;
    Meters& meters;
    std::optional<base::Rate> tenant_rate{};
    Origin origin{};
    std::vector<http::AllowedRange> proxies{};
    std::size_t body_bytes_max = base::limits::kBodyBytesDefault;
  };
  explicit Desk(const Parts& parts);

  /// The lanes run the tasks of this room from now on, and the book hears what is told to all. Once, before
  /// start.
  void attach(asio::any_io_executor executor, queue::Shard& lanes);
  /// Before the gate is closed.
  void stop() { refusals_.stop(); }

  Book& book() { return book_; }
  const base::Everywhere<Book>& books() const { return books_; }
  KeyFinder& keys() { return keys_; }
  Receiver& receiver() { return receiver_; }

 private:
  base::Everywhere<Book>& books_;
  Book book_;
  KeyFinder keys_;
  RefusalLog refusals_;
  Receiver receiver_;
  ProcessHandler processing_;
  ReplayHandler replays_;
};

}  // namespace inbound
