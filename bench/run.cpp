#include "run.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>

#include "clock.hpp"
#include "machine.hpp"
#include "process.hpp"
#include "provision.hpp"
#include "server_process.hpp"

namespace bench {

namespace {

/// More than one generator on one thread can send; it bounds the ledger of a closed loop.
constexpr std::uint64_t kEventsPerSecondMax = 100'000;
/// How long after the last receipt duplicates are still looked out for.
constexpr std::int64_t kLingerNs = kNsPerSecond;
constexpr std::int64_t kLookUpEveryNs = 100 * kNsPerMs;

volatile sig_atomic_t g_interrupted = 0;

struct Sample {
  std::int64_t at_ns = 0;
  double server_cpu_seconds = 0;
  double postgres_cpu_seconds = 0;
  double bench_cpu_seconds = 0;
  MachineTime machine;
};

/// The servers, the receivers and the load of one run, in the order in which they depend on each other.
class Run {
 public:
  Run(const RunPlan& plan, const Options& options);
  RunResult carry_out();
  void say_where_logs_are() const;

 private:
  struct Load {
    std::vector<Route> routes;
    Ledger ledger;
    Generator generator;

    Load(Poller& poller, std::span<const Route> to, const RunPlan& plan, const Options& options,
         std::uint16_t port);
  };

  ServerPlan server_plan();
  std::vector<SubscriptionPlan> subscriptions();
  void start_load();
  void drive(std::int64_t until_ns);
  double drain();
  Sample sample() const;
  void say(const char* what) const { ::fprintf(stderr, "%s: %s\n", plan_.name.c_str(), what); }
  std::vector<std::string> problems(const RunResult& result) const;

  RunPlan plan_;
  const Options& options_;
  WorkDirectory work_;
  Poller poller_;
  Receiver receiver_;
  BoundPort refusing_;
  std::optional<PostgresServer> postgres_;
  CrossdockServer server_;
  std::unique_ptr<Load> healthy_;
  std::unique_ptr<Load> sick_;
};

std::size_t ledger_capacity(const RunPlan& plan, const Options& options) {
  const std::uint64_t rate = plan.events_per_second == 0 ? kEventsPerSecondMax : plan.events_per_second;
  // One second more than is driven, since the window's end is met a little late.
  return static_cast<std::size_t>(rate * (options.warm_up_seconds + options.seconds + 1));
}

std::vector<EventRequest> make_requests(std::span<const Route> routes, std::uint16_t port,
                                        std::size_t body_bytes) {
  std::vector<EventRequest> requests;
  for (const Route& route : routes) requests.emplace_back(route, port, body_bytes);
  return requests;
}

Run::Load::Load(Poller& poller, std::span<const Route> to, const RunPlan& plan, const Options& options,
                std::uint16_t port)
    : routes(to.begin(), to.end()),
      ledger(ledger_capacity(plan, options), routes.size()),
      generator(
          poller, ledger, make_requests(routes, port, options.payload_bytes),
          {.port = port, .connections = options.connections, .events_per_second = plan.events_per_second}) {}

Run::Run(const RunPlan& plan, const Options& options)
    : plan_(plan),
      options_(options),
      work_(options.data),
      receiver_(poller_, options.verify_every),
      refusing_(bind_loopback()),
      server_(server_plan()) {}

ServerPlan Run::server_plan() {
  ServerPlan server{
      .program = options_.server, .work = work_.path(), .environment = options_.server_environment};
  if (plan_.postgres) server.database_url = postgres_.emplace(options_.postgres_programs, work_.path()).url();
  return server;
}

std::vector<SubscriptionPlan> Run::subscriptions() {
  const auto url = [](std::uint16_t port, std::size_t number) {
    return "http://127.0.0.1:" + std::to_string(port) + "/hook/" + std::to_string(number);
  };
  std::vector<SubscriptionPlan> plans;
  plans.reserve(plan_.healthy_subscriptions + plan_.sick_subscriptions);
  const std::uint16_t answering = receiver_.listen(Behaviour::answer);
  for (std::size_t i = 0; i < plan_.healthy_subscriptions; ++i) plans.push_back({.url = url(answering, i)});
  if (plan_.sick_subscriptions == 0) return plans;
  // Ports of their own, so that no connection pool of the server mixes them with the healthy.
  const std::uint16_t ports[] = {refusing_.port, receiver_.listen(Behaviour::hang),
                                 receiver_.listen(Behaviour::fail)};
  for (std::size_t i = 0; i < plan_.sick_subscriptions; ++i) {
    plans.push_back({.url = url(ports[i % std::size(ports)], i), .paused = i % 4 == 3});
  }
  return plans;
}

void Run::start_load() {
  HttpClient client(server_.port());
  const std::vector<Route> routes =
      provision(client, server_.platform_key(), options_.tenants, subscriptions());
  const std::span<const Route> all = routes;
  const auto make = [&](std::span<const Route> to) {
    return std::make_unique<Load>(poller_, to, plan_, options_, server_.port());
  };
  healthy_ = make(all.first(plan_.healthy_subscriptions));
  if (plan_.sick_subscriptions > 0) sick_ = make(all.subspan(plan_.healthy_subscriptions));
  receiver_.expect(healthy_->ledger, healthy_->routes);
  const std::int64_t now = now_ns();
  healthy_->generator.start(now);
  if (sick_) sick_->generator.start(now);
}

void Run::drive(std::int64_t until_ns) {
  std::int64_t look_up_ns = 0;
  for (std::int64_t now = now_ns(); now < until_ns; now = now_ns()) {
    if (now >= look_up_ns) {
      look_up_ns = now + kLookUpEveryNs;
      server_.check_alive();
      if (healthy_->generator.cut_off()) throw std::runtime_error("the server takes no connections any more");
    }
    if (g_interrupted) {
      work_.drop_logs();
      throw std::runtime_error("interrupted");
    }
    std::int64_t next_ns = std::min({until_ns, look_up_ns, healthy_->generator.pace(now)});
    if (sick_) next_ns = std::min(next_ns, sick_->generator.pace(now));
    poller_.wait(next_ns);
  }
}

double Run::drain() {
  const std::int64_t begin_ns = now_ns();
  const std::int64_t patience_ns = options_.drain_seconds * kNsPerSecond;
  healthy_->generator.stop();
  if (sick_) sick_->generator.stop();
  const auto waits = [&] {
    return healthy_->ledger.missing() + healthy_->generator.unanswered() +
           (sick_ ? sick_->generator.unanswered() : 0);
  };
  while (waits() > 0 && now_ns() - begin_ns < patience_ns) drive(now_ns() + kLookUpEveryNs / 10);
  drive(now_ns() + kLingerNs);
  return std::max(0.0, to_seconds(healthy_->ledger.last_received_ns() - begin_ns));
}

Sample Run::sample() const {
  return {.at_ns = now_ns(),
          .server_cpu_seconds = usage_of_tree(server_.pid()).cpu_seconds,
          .postgres_cpu_seconds = postgres_ ? usage_of_tree(postgres_->pid()).cpu_seconds : 0,
          .bench_cpu_seconds = own_cpu_seconds(),
          .machine = machine_time()};
}

RunResult Run::carry_out() {
  RunResult result{.plan = plan_, .start_seconds = server_.start_seconds()};
  result.core_before_ms = measure_core_ms();
  start_load();
  say("warming up");
  drive(now_ns() + options_.warm_up_seconds * kNsPerSecond);
  say("measuring");
  const Sample begin = sample();
  drive(begin.at_ns + options_.seconds * kNsPerSecond);
  const Sample end = sample();
  say("draining");
  result.drain_seconds = drain();
  result.core_after_ms = measure_core_ms();
  result.server_rss_peak_bytes = usage_of_tree(server_.pid()).rss_peak_bytes;
  result.server_end = server_.stop();
  if (postgres_) postgres_->stop();

  result.seconds = to_seconds(end.at_ns - begin.at_ns);
  result.window = healthy_->ledger.window(begin.at_ns, end.at_ns);
  result.verdict = healthy_->ledger.verdict();
  result.load = healthy_->generator.counts();
  if (sick_) result.sick_load = sick_->generator.counts();
  result.receipts = receiver_.counts();
  result.server_cpu_seconds = end.server_cpu_seconds - begin.server_cpu_seconds;
  result.postgres_cpu_seconds = end.postgres_cpu_seconds - begin.postgres_cpu_seconds;
  result.bench_cpu_seconds = end.bench_cpu_seconds - begin.bench_cpu_seconds;
  result.machine_cpu_seconds = end.machine.busy_seconds - begin.machine.busy_seconds;
  result.stolen_seconds = end.machine.stolen_seconds - begin.machine.stolen_seconds;
  result.problems = problems(result);
  if (result.problems.empty()) {
    work_.drop_logs();
  } else {
    say_where_logs_are();
  }
  return result;
}

void Run::say_where_logs_are() const {
  if (work_.keeps_logs()) say(("the logs are kept in " + work_.path().string()).c_str());
}

std::vector<std::string> Run::problems(const RunResult& result) const {
  std::vector<std::string> found;
  const auto expect_none = [&](std::uint64_t count, const std::string& what) {
    if (count > 0) found.push_back(std::to_string(count) + " " + what);
  };
  expect_none(result.verdict.lost, "acknowledged events were lost: not received within " +
                                       std::to_string(options_.drain_seconds) + " s after the load");
  expect_none(result.verdict.wrong_id, "events arrived under another id than they were acknowledged with");
  expect_none(result.verdict.repeated_id, "acknowledgements repeat the id of another event");
  expect_none(result.verdict.misrouted, "deliveries went to a subscription that does not match");
  expect_none(result.verdict.foreign, "deliveries are of events that nobody sent");
  expect_none(result.receipts.signatures_bad, "signatures are wrong");
  expect_none(result.receipts.malformed, "deliveries cannot be read");
  for (const LoadCounts* load : {&result.load, &result.sick_load}) {
    for (std::size_t status = 0; status < load->by_status.size(); ++status) {
      if (status != 202 && status != 503) {
        expect_none(load->by_status[status], "events were answered " + std::to_string(status));
      }
    }
    expect_none(load->bad_answers, "answers cannot be read");
    expect_none(load->lost_connections, "connections were lost with a request unanswered");
  }
  expect_none(healthy_->generator.unanswered() + (sick_ ? sick_->generator.unanswered() : 0),
              "requests were never answered");
  if (healthy_->ledger.full() || (sick_ && sick_->ledger.full())) {
    found.emplace_back("the ledger was full before the end: the load stopped early");
  }
  if (result.window.accepted == 0) found.emplace_back("nothing was accepted");
  if (result.server_end != "exit code 0") found.push_back("the server ended with " + result.server_end);
  return found;
}

}  // namespace

RunResult carry_out(const RunPlan& plan, const Options& options) {
  Run run(plan, options);
  try {
    return run.carry_out();
  } catch (...) {
    run.say_where_logs_are();
    throw;
  }
}

void catch_interrupts() {
  struct sigaction action{};
  action.sa_handler = [](int) { g_interrupted = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace bench
