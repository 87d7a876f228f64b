#include "app/shard.hpp"

namespace app {

namespace {

constexpr std::size_t kMetricsConnections = 64;
constexpr auto kMetricsDrain = std::chrono::seconds{1};

http::ServerOptions server_options(const Shared& shared) {
  const cli::Config& config = shared.config;
  // A shard's part of what all may hold at once, with room for some of the largest.
  const auto part = [&](std::size_t of_all, std::size_t largest) {
    return std::max(of_all / config.shards, 4 * largest);
  };
  const std::size_t largest_answer = config.body_bytes_max + base::limits::kPageBytesMax;
  return {.endpoint = {asio::ip::make_address(config.host), config.port},
          .body_bytes_max = config.body_bytes_max,
          .connections_max = shared.files.connections_in,
          .bodies_bytes_max = part(base::limits::kBodiesUnderWayBytes, config.body_bytes_max),
          .answers_bytes_max = part(base::limits::kAnswersUnderWayBytes, largest_answer),
          .addresses = shared.addresses,
          .tls = shared.tls};
}

}  // namespace

Shard::Shard(const Shared& shared)
    : context_(1),
      work_(asio::make_work_guard(context_)),
      gate_(context_.get_executor()),
      client_(context_.get_executor(), shared.guard,
              {.connections_max = shared.files.connections_out, .ca_file = shared.config.ca_file}),
      lanes_(context_.get_executor(), shared.store, shared.clock,
             {.bytes_max = base::limits::kQueueBytesInMemory / shared.config.shards,
              .node = shared.node,
              .circuit = shared.config.circuit}),
      outbound_({.gate = gate_,
                 .client = client_,
                 .tenants = tenants_,
                 .store = shared.store,
                 .logs = shared.logs,
                 .queue = shared.queue,
                 .offload = shared.offload,
                 .clock = shared.clock,
                 .ring = shared.ring,
                 .books = shared.all_books,
                 .bell = shared.bell,
                 .health = shared.config.health,
                 .log_response_bodies = shared.config.log_response_bodies}),
      inbound_({.gate = gate_,
                .executor = context_.get_executor(),
                .client = client_,
                .tenants = tenants_,
                .store = shared.store,
                .queue = shared.queue,
                .offload = shared.offload,
                .clock = shared.clock,
                .ring = shared.ring,
                .books = shared.all_endpoints,
                .matcher = outbound_.matcher(),
                .bell = shared.bell,
                .meters = shared.meters,
                .tenant_rate = shared.config.receive_rate,
                .origin = {shared.config.public_url, shared.tls != nullptr},
                .proxies = shared.config.trusted_proxies,
                .body_bytes_max = shared.config.body_bytes_max}),
      removals_({shared.store,
                 {shared.queue, shared.all_books},
                 shared.all_tenants,
                 shared.all_endpoints,
                 shared.clock}),
      housekeeping_({shared.store, shared.logs, shared.clock, shared.config.retention}),
      tail_(gate_, shared.store),
      intake_(gate_, shared.store, shared.queue, &shared.bell),
      services_{.gate = gate_,
                .clock = shared.clock,
                .store = shared.store,
                .logs = shared.logs,
                .queue = shared.queue,
                .intake = intake_,
                .tail = tail_,
                .bell = shared.bell,
                .offload = shared.offload,
                .ring = shared.ring,
                .guard = shared.guard,
                .tenants = tenants_,
                .keys = keys_,
                .inbound = inbound_,
                .outbound = outbound_,
                .all_tenants = shared.all_tenants,
                .all_keys = shared.all_keys,
                .draining = shared.draining,
                .intake_waiting_max = shared.config.intake_waiting_max,
                .webhook_timeout = shared.config.webhook_timeout,
                .webhook_max_retries = shared.config.webhook_max_retries,
                .origin = {shared.config.public_url, shared.tls != nullptr}},
      server_(
          context_.get_executor(), server_options(shared),
          api::make_application(
              services_, shared.config.metrics_host.empty() ? api::Surface::all : api::Surface::no_metrics)),
      memory_(context_.get_executor()) {
  outbound_.attach(context_.get_executor(), lanes_);
  inbound_.attach(context_.get_executor(), lanes_);
  lanes_.add_handler(monitor::kRemovalTask, removals_);
  lanes_.add_handler(monitor::kHousekeepingKind, housekeeping_);
  shared.queue.attach(context_.get_executor(), lanes_);
  shared.bell.add(context_.get_executor(), tail_);
  shared.all_tenants.add(context_.get_executor(), tenants_);
  shared.all_keys.add(context_.get_executor(), keys_);
}

base::Result<asio::ip::tcp::endpoint> Shard::listen_for_metrics(const asio::ip::tcp::endpoint& endpoint) {
  metrics_server_.emplace(context_.get_executor(),
                          http::ServerOptions{.endpoint = endpoint,
                                              .address_setting = "CROSSDOCK_METRICS_LISTEN",
                                              .connections_max = kMetricsConnections},
                          api::make_application(services_, api::Surface::monitoring));
  XD_DO(metrics_server_->listen());
  return metrics_server_->local();
}

void Shard::start() {
  server_.start();
  if (metrics_server_) metrics_server_->start();
  memory_.start();
}

base::Task<void> Shard::end_metrics() {
  if (metrics_server_) co_await metrics_server_->drain(base::steady_now() + kMetricsDrain);
  co_return base::Result<void>{};
}

base::Task<void> Shard::drain(base::Deadline deadline) {
  asio::steady_timer cutter(context_.get_executor(), deadline);
  cutter.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) client_.cancel_all();
  });
  co_await memory_.stop();
  co_await server_.drain(deadline);
  co_await lanes_.stop();
  cutter.cancel();
  client_.cancel_all();
  inbound_.stop();
  co_await gate_.close();
  work_.reset();
  co_return base::Result<void>{};
}

}  // namespace app
