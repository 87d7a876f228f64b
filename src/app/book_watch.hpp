// Keeps what the shards know up to date with changes that other nodes make.
#pragma once

#include <set>

#include "base/recurring.hpp"
#include "event/tail.hpp"
#include "inbound/endpoint/book.hpp"
#include "outbound/subscription/book.hpp"
#include "tenant/api_key.hpp"
#include "tenant/tenant.hpp"

namespace app {

/// On a shared store: looks every second whether tenants, subscriptions or endpoints have changed, and reads
/// them again when they have; and which keys were revoked, so that nothing goes on with them. Changes made on
/// this node are told to its shards at once, without this.
class BookWatch {
 public:
  struct Parts {
    db::Db& store;
    const crypto::KeyRing& ring;
    const base::Clock& clock;
    const event::Bell& bell;
    const base::Everywhere<tenant::TenantBook>& tenants;
    const base::Everywhere<tenant::KeyCache>& keys;
    const base::Everywhere<outbound::Book>& books;
    const base::Everywhere<inbound::Book>& endpoints;
  };
  BookWatch(asio::any_io_executor executor, Parts parts) : parts_(parts), rounds_(executor) {}

  void start();
  asio::awaitable<void> stop() { return rounds_.stop(); }

 private:
  base::Task<void> refresh();
  void tell_revoked(const std::vector<tenant::ApiKeyId>& keys);

  Parts parts_;
  std::set<base::TenantId> tenants_;  // that were there when it looked last
  std::string seen_;
  std::set<tenant::ApiKeyId> revoked_;  // lately, as everybody here was told
  base::Recurring rounds_;
};

}  // namespace app
