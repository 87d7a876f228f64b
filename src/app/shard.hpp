// One thread's share of the hub: its event loop, HTTP server and client, lanes, and its copies of what all
// shards know.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "api/api.hpp"
#include "app/memory.hpp"
#include "base/offload.hpp"
#include "cli/config.hpp"
#include "http/file_limit.hpp"
#include "inbound/desk.hpp"
#include "monitor/housekeeping.hpp"
#include "monitor/removal.hpp"
#include "outbound/desk.hpp"

namespace app {

/// What all shards share; owned by the hub.
struct Shared {
  const cli::Config& config;
  const base::Clock& clock;
  base::Uuid node{};
  const crypto::KeyRing& ring;
  const http::EgressGuard& guard;
  std::shared_ptr<http::TlsIdentity> tls;
  std::shared_ptr<http::AddressLimit> addresses;
  http::FileShare files{};
  db::Db& store;
  db::LogStore& logs;
  queue::Queue& queue;
  event::Bell& bell;
  base::Offload& offload;
  base::Everywhere<tenant::TenantBook>& all_tenants;
  base::Everywhere<tenant::KeyCache>& all_keys;
  base::Everywhere<outbound::Book>& all_books;
  base::Everywhere<inbound::Book>& all_endpoints;
  inbound::Meters& meters;
  const std::atomic<bool>& draining;
};

class Shard {
 public:
  explicit Shard(const Shared& shared);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  asio::any_io_executor executor() { return context_.get_executor(); }
  base::Result<void> listen(http::Port port, std::uint16_t number) { return server_.listen(port, number); }
  asio::ip::tcp::endpoint local() const { return server_.local(); }
  /// Of one shard only, where metrics have a listener of their own. It serves from start() until
  /// end_metrics().
  base::Result<asio::ip::tcp::endpoint> listen_for_metrics(const asio::ip::tcp::endpoint& endpoint);
  base::Task<void> end_metrics();
  /// After listen() of all: requests are answered, and the shard does what it does by itself. From here on
  /// drain() is needed.
  void start();
  queue::Shard& lanes() { return lanes_; }
  tenant::TenantBook& tenants() { return tenants_; }
  outbound::Book& book() { return outbound_.book(); }
  inbound::Book& endpoints() { return inbound_.book(); }

  /// Runs the event loop until drain() has ended.
  void run() { context_.run(); }
  /// On the shard's thread: no new requests, busy ones end, deliveries in flight end; at the deadline both
  /// are cut off.
  base::Task<void> drain(base::Deadline deadline);

 private:
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  base::Gate gate_;
  http::Client client_;
  tenant::TenantBook tenants_;
  tenant::KeyCache keys_;
  queue::Shard lanes_;
  outbound::Desk outbound_;
  inbound::Desk inbound_;
  monitor::RemovalHandler removals_;
  monitor::HousekeepingHandler housekeeping_;
  event::Tail tail_;
  event::Intake intake_;
  api::Services services_;
  http::Server server_;
  std::optional<http::Server> metrics_server_;
  MemoryReturn memory_;
};

}  // namespace app
