// Keeps what the shards know up to date with changes that other nodes make.
#pragma once

#include <set>

#include "base/recurring.hpp"
#include "inbound/book.hpp"
#include "outbound/book.hpp"
#include "tenant/tenant.hpp"

namespace app {

/// On a shared store: looks every second whether tenants, subscriptions or endpoints have changed, and reads
/// them again when they have. Changes made on this node are told to its shards at once, without this.
class BookWatch {
 public:
  struct Parts {
    db::Db& store;
    const crypto::KeyRing& ring;
    const base::Everywhere<tenant::TenantBook>& tenants;
    const base::Everywhere<outbound::Book>& books;
    const base::Everywhere<inbound::Book>& endpoints;
  };
  BookWatch(asio::any_io_executor executor, Parts parts) : parts_(parts), rounds_(executor) {}

  void start();
  asio::awaitable<void> stop() { return rounds_.stop(); }

 private:
  base::Task<void> refresh();

  Parts parts_;
  std::set<base::TenantId> tenants_;  // that were there when it looked last
  std::string seen_;
  base::Recurring rounds_;
};

}  // namespace app
