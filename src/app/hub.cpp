#include "app/hub.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <charconv>

#include "base/log.hpp"
#include "base/version.hpp"
#include "db/migration.hpp"
#include "outbound/subscription/secret_header.hpp"

namespace app {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr const char* kDemoSlug = "demo";

/// The machine's clock. A build for tests lets the environment speed the time of day up, so that a schedule
/// of hours can be watched in a minute.
std::unique_ptr<base::Clock> make_clock() {
#ifdef CROSSDOCK_TEST_CLOCK
  if (const char* text = std::getenv("CROSSDOCK_TEST_CLOCK_RATE"); text != nullptr) {
    std::int64_t rate = 1;
    std::from_chars(text, text + std::strlen(text), rate);
    base::log(base::LogLevel::warn, "the time of day runs faster than it does: for tests only",
              {{"rate", rate}});
    return std::make_unique<base::ScaledClock>(rate);
  }
#endif
  return std::make_unique<base::SystemClock>();
}

std::string host_and_port(const std::string& host, std::uint16_t port) {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

/// A key of the platform with a known text.
tenant::ApiKey platform_key(std::string name, std::string_view text, base::Time now) {
  tenant::ApiKey key{.id = tenant::ApiKeyId::make(now), .name = std::move(name), .role = tenant::Role::owner};
  tenant::set_secret(key, text);
  key.created = now;
  key.updated = now;
  return key;
}

}  // namespace

Hub::Hub(cli::Config config)
    : config_(std::move(config)),
      clock_(make_clock()),
      node_(base::make_uuid(clock_->now())),
      guard_(config_.egress_allow) {}

Hub::~Hub() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  // Threads beside the shards may still hold completions for them: they end before the shards do.
  offload_.stop();
  if (store_) store_->stop();
  if (logs_) logs_->stop();
}

Result<void> Hub::start() {
  XD_TRY(auto directory, cli::DataDirectory::open(config_.data_directory));
  directory_.emplace(std::move(directory));
  XD_TRY(ring_, cli::find_key_ring(config_));
  XD_TRY(tls_, cli::open_identity(config_));
  XD_DO(cli::check_authorities(config_.ca_file, "CROSSDOCK_CA_FILE"));
  XD_TRY(store_, cli::open_store(config_));
  XD_DO(db::migrate(*store_, db::core_migrations()));
  if (!ring_) {
    XD_TRY(ring_, cli::make_key_ring(config_, *store_));
  }
  XD_DO(outbound::seal_plain_headers(*store_, *ring_));
  XD_TRY(logs_, cli::open_logs(config_));
  queue_.emplace(*store_);

  const http::FileShare files = share_files();
  const auto addresses =
      std::make_shared<http::AddressLimit>(config_.connections_per_address, config_.trusted_proxies);
  const Shared shared{.config = config_,
                      .clock = *clock_,
                      .node = node_,
                      .ring = *ring_,
                      .guard = guard_,
                      .tls = tls_,
                      .addresses = addresses,
                      .files = files,
                      .store = *store_,
                      .logs = *logs_,
                      .queue = *queue_,
                      .bell = bell_,
                      .offload = offload_,
                      .all_tenants = all_tenants_,
                      .all_keys = all_keys_,
                      .all_books = all_books_,
                      .all_endpoints = all_endpoints_,
                      .meters = meters_,
                      .draining = draining_};
  for (std::size_t i = 0; i < config_.shards; ++i) shards_.push_back(std::make_unique<Shard>(shared));
  // What else may fail comes before the first keys: they are shown once, by a start that succeeds.
  XD_DO(listen());
  XD_TRY(std::string name, cli::node_name(config_));
  XD_DO(make_first_keys());
  XD_DO(fill_books());
  XD_DO(store_->write_now(
      [this](db::Tx& tx) { return monitor::ensure_housekeeping(tx, *queue_, clock_->now()); }));
  leases_.emplace(shards_.front()->executor(), *store_, *queue_, queue::Node{node_, std::move(name)});
  XD_DO(leases_->take());
  watch_.emplace(shards_.front()->executor(), BookWatch::Parts{.store = *store_,
                                                               .ring = *ring_,
                                                               .clock = *clock_,
                                                               .bell = bell_,
                                                               .tenants = all_tenants_,
                                                               .keys = all_keys_,
                                                               .books = all_books_,
                                                               .endpoints = all_endpoints_});
  received_index_.emplace(shards_.front()->executor(), *store_, *clock_);
  // Nothing fails any more: from here on drain() ends what runs.
  for (const auto& shard : shards_) shard->start();
  leases_->start();
  watch_->start();
  received_index_->start();
  backlog_.emplace(shards_.front()->executor(), *store_, *clock_);
  backlog_->start();
  // Before anybody is told that it is ready: a signal without a handler would end the process.
  wait_for_signals();
  return {};
}

http::FileShare Hub::share_files() const {
  const http::FileLimit limit = http::raise_file_limit();
  const http::FileShare files = http::share_of_files(limit.now, config_.shards);
  base::log(base::LogLevel::info, "open files",
            {{"soft_limit_before", limit.before},
             {"limit", limit.now},
             {"connections_in", files.connections_in * config_.shards},
             {"connections_out", files.connections_out * config_.shards}});
  if (files.connections_in < base::limits::kConnectionsPerShard) {
    base::log(base::LogLevel::warn, http::kFewFiles,
              {{"limit", limit.now}, {"connections_in", files.connections_in * config_.shards}});
  }
  return files;
}

Result<void> Hub::make_first_keys() {
  const base::Time now = clock_->now();
  XD_TRY(const std::string advice,
         store_->read_now([&](db::Tx& tx) { return cli::judge_bootstrap_key(tx, config_, now); }));
  if (!advice.empty()) base::log(base::LogLevel::warn, advice);
  return store_->write_now([&](db::Tx& tx) -> Result<void> {
    XD_TRY(const bool any, tenant::any_key(tx));
    if (any) return {};
    if (!config_.bootstrap_key.empty()) {
      XD_DO(tenant::insert_key(tx, platform_key("bootstrap", config_.bootstrap_key.reveal(), now)));
    }
    if (!config_.dev) return {};
    const tenant::Tenant demo{
        .id = base::TenantId::make(now), .slug = kDemoSlug, .name = "Demo", .created = now, .updated = now};
    XD_DO(tenant::insert_tenant(tx, demo));
    XD_DO(queue_->create_lane(tx, event::fanout_lane(demo.id), demo.id, event::kFanoutKind));
    const base::Secret secret = tenant::generate_key();
    tenant::ApiKey key = platform_key("demo admin", secret.reveal(), now);
    key.tenant = demo.id;
    XD_DO(tenant::insert_key(tx, key));
    first_key_ = secret.reveal();
    return {};
  });
}

Result<void> Hub::fill_books() {
  return store_->read_now([&](db::Tx& tx) -> Result<void> {
    XD_TRY(const auto tenants, tenant::all_tenants(tx));
    XD_TRY(const auto subscriptions, outbound::all_subscriptions(tx, *ring_));
    XD_TRY(const auto endpoints, inbound::all_endpoints(tx, *ring_));
    XD_DO(cli::check_ring(subscriptions, endpoints));
    std::int64_t deletions = 0;
    if (tx.engine() == db::Engine::sqlite) {
      XD_TRY(deletions, inbound::count_deletions(tx));
    }
    for (const auto& shard : shards_) {
      for (const tenant::Tenant& tenant : tenants) {
        shard->tenants().put(std::make_shared<const tenant::Tenant>(tenant));
      }
      for (const auto& subscription : subscriptions) shard->book().put(subscription);
      for (const auto& endpoint : endpoints) shard->endpoints().put(endpoint);
      shard->endpoints().set_deletions(deletions);
    }
    return {};
  });
}

Result<void> Hub::listen() {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    // The first takes the port from everybody else, and shares it with the others.
    XD_DO(shards_[i]->listen(i == 0 ? http::Port::exclusive : http::Port::with_siblings, config_.port));
    // Where any free port was asked for, the first shard has found it for all.
    config_.port = shards_[i]->local().port();
  }
  if (config_.metrics_host.empty()) return {};
  XD_TRY(const auto metrics, shards_.front()->listen_for_metrics(
                                 {asio::ip::make_address(config_.metrics_host), config_.metrics_port}));
  config_.metrics_port = metrics.port();
  return {};
}

std::string Hub::url() const {
  return (tls_ ? "https://" : "http://") + host_and_port(config_.host, config_.port);
}

void Hub::say_started() const {
  const std::string metrics = config_.metrics_host.empty()
                                  ? url()
                                  : "http://" + host_and_port(config_.metrics_host, config_.metrics_port);
  base::log(base::LogLevel::info, "started",
            {{"version", CROSSDOCK_VERSION},
             {"url", url()},
             {"metrics", metrics + "/metrics"},
             {"store", store_->engine() == db::Engine::sqlite ? "sqlite" : "postgresql"},
             {"node", node_},
             {"threads", shards_.size()}});
}

void Hub::run() {
  say_started();
  asio::co_spawn(
      shards_.front()->executor(), queue_->recover(), [](std::exception_ptr thrown, Result<void> result) {
        if (thrown) base::report_uncaught("recovery", thrown);
        if (!result)
          base::log(base::LogLevel::error, "cannot find the backlog", {{"error", result.error().message}});
      });
  for (std::size_t i = 1; i < shards_.size(); ++i) {
    threads_.emplace_back([shard = shards_[i].get()] { shard->run(); });
  }
  shards_.front()->run();
  base::log(base::LogLevel::info, "stopped");
}

void Hub::wait_for_signals() {
  if (!signals_) signals_.emplace(shards_.front()->executor(), SIGTERM, SIGINT, SIGHUP);
  signals_->async_wait([this](boost::system::error_code cancelled, int signal) {
    if (cancelled) return;
    if (signal == SIGHUP) {
      reload();
      return wait_for_signals();
    }
    if (draining_.exchange(true)) std::_Exit(128 + signal);
    wait_for_signals();
    asio::co_spawn(shards_.front()->executor(), drain(), [](std::exception_ptr thrown, Result<void>) {
      if (thrown) base::report_uncaught("drain", thrown);
    });
  });
}

void Hub::reload() {
  if (!tls_) return base::log(base::LogLevel::info, "nothing to read again: no certificate is configured");
  if (auto reloaded = tls_->reload(); !reloaded) {
    return base::log(base::LogLevel::error, "the old certificate stays in use",
                     {{"error", reloaded.error().message}});
  }
  base::log(base::LogLevel::info, "the certificate was read again; new connections get it",
            {{"file", config_.tls_certificate}});
}

base::Task<void> Hub::drain() {
  base::log(base::LogLevel::info, "draining; a second signal ends at once",
            {{"delay_seconds", config_.drain_delay.count()}});
  // /readyz says no from now on, and what is in front of us has time to hear it while everything is still
  // served.
  if (config_.drain_delay.count() > 0) co_await base::sleep_for(config_.drain_delay);
  const base::Deadline deadline = clock_->steady() + base::limits::kDrainDeadline;
  std::size_t left = shards_.size();
  base::Waiter<bool> all;
  const auto here = co_await asio::this_coro::executor;
  for (const auto& shard : shards_) {
    asio::co_spawn(shard->executor(), shard->drain(deadline),
                   [&, here](std::exception_ptr thrown, Result<void>) {
                     if (thrown) base::report_uncaught("drain", thrown);
                     asio::post(here, [&] {
                       if (--left == 0) all.give(true);
                     });
                   });
  }
  co_await all.wait();
  co_await watch_->stop();
  co_await received_index_->stop();
  co_await backlog_->stop();
  co_await leases_->stop();
  co_await shards_.front()->end_metrics();
  signals_->cancel();
  co_return Result<void>{};
}

}  // namespace app
