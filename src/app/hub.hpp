// The hub: every service, constructed once, in the order in which they need each other; the order of
// destruction is the order of shutdown.
#pragma once

#include <boost/asio/signal_set.hpp>

#include "app/book_watch.hpp"
#include "app/shard.hpp"
#include "cli/store.hpp"
#include "inbound/receive/index.hpp"
#include "monitor/backlog.hpp"
#include "queue/lease.hpp"

namespace app {

class Hub {
 public:
  explicit Hub(cli::Config config);
  ~Hub();

  /// Opens the stores, migrates, listens, makes first keys, starts the threads. Errors: what cannot be had.
  base::Result<void> start();
  /// Runs until SIGTERM or SIGINT, then drains. A second signal ends the process at once.
  void run();

  /// Where it listens, with the real port.
  std::string url() const;
  /// What was made on this first start and is shown once; empty otherwise.
  const std::string& first_key() const { return first_key_; }

 private:
  http::FileShare share_files() const;
  base::Result<void> make_first_keys();
  base::Result<void> fill_books();
  base::Result<void> listen();
  void say_started() const;
  void wait_for_signals();
  void reload();
  base::Task<void> drain();

  cli::Config config_;
  std::unique_ptr<base::Clock> clock_;
  base::Uuid node_;
  std::optional<cli::DataDirectory> directory_;
  std::optional<crypto::KeyRing> ring_;
  http::EgressGuard guard_;
  std::shared_ptr<http::TlsIdentity> tls_;
  std::unique_ptr<db::Db> store_;
  std::unique_ptr<db::LogStore> logs_;
  std::optional<queue::Queue> queue_;
  event::Bell bell_;
  base::Offload offload_;
  base::Everywhere<tenant::TenantBook> all_tenants_;
  base::Everywhere<tenant::KeyCache> all_keys_;
  base::Everywhere<outbound::Book> all_books_;
  base::Everywhere<inbound::Book> all_endpoints_;
  inbound::Meters meters_;
  std::atomic<bool> draining_ = false;
  std::string first_key_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::optional<queue::LeaseKeeper> leases_;
  std::optional<BookWatch> watch_;
  std::optional<inbound::IndexKeeper> received_index_;
  std::optional<monitor::BacklogWatch> backlog_;
  std::optional<asio::signal_set> signals_;
  std::vector<std::thread> threads_;
};

}  // namespace app
