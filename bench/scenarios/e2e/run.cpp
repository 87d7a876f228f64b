#include "scenarios/e2e/run.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>

#include "core/clock.hpp"
#include "core/interrupt.hpp"
#include "core/machine.hpp"
#include "hub/dead_receivers.hpp"
#include "hub/process.hpp"
#include "hub/provision.hpp"
#include "hub/server_process.hpp"
#include "hub/sockets.hpp"
#include "scenarios/hostile/siege.hpp"

namespace bench {

namespace {

/// More than one generator on one thread can send; it bounds the ledger of a closed loop.
constexpr std::uint64_t kEventsPerSecondMax = 100'000;
/// How long after the last receipt duplicates are still looked out for.
constexpr std::int64_t kLingerNs = kNsPerSecond;
constexpr std::int64_t kLookUpEveryNs = 100 * kNsPerMs;
constexpr std::int64_t kCountSocketsEveryNs = kNsPerSecond;
/// Until all attackers have come, and how long after their end memory may be held.
constexpr unsigned kSiegeBeginsSeconds = 5;
constexpr unsigned kSiegeForgottenSeconds = 60;

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

    Load(Poller& poller, const RunPlan& plan, std::span<const Route> to, std::uint64_t events_per_second,
         const Options& options, std::uint16_t port);
  };

  ServerPlan server_plan();
  std::vector<SubscriptionPlan> subscriptions();
  void add_beside(std::vector<SubscriptionPlan>& plans);
  void add_sick(std::vector<SubscriptionPlan>& plans);
  void start_load();
  SiegePlan siege_plan() const { return {server_.port(), siege_key_}; }
  void look_up(std::int64_t now);
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
  std::optional<DeadReceivers> dead_;
  std::uint16_t answering_ = 0;
  std::uint16_t answering_flood_ = 0;
  std::vector<std::uint16_t> ports_beside_;
  std::size_t sockets_beside_peak_ = 0;
  std::int64_t count_sockets_ns_ = 0;
  std::optional<PostgresServer> postgres_;
  CrossdockServer server_;
  std::unique_ptr<Load> healthy_;
  std::unique_ptr<Load> beside_;
  std::string siege_key_;
};

std::size_t ledger_capacity(const RunPlan& plan, std::uint64_t events_per_second, const Options& options) {
  const std::uint64_t rate = events_per_second == 0 ? kEventsPerSecondMax : events_per_second;
  const unsigned siege =
      plan.beside == Beside::hostile ? kSiegeBeginsSeconds + kSiegeForgottenSeconds + 5 : 0;
  // One second more than is driven, since the window's end is met a little late.
  return static_cast<std::size_t>(rate * (options.warm_up_seconds + options.seconds + siege + 1));
}

std::vector<EventRequest> make_requests(std::span<const Route> routes, std::uint16_t port,
                                        std::size_t body_bytes) {
  std::vector<EventRequest> requests;
  for (const Route& route : routes) requests.emplace_back(route, port, body_bytes);
  return requests;
}

Run::Load::Load(Poller& poller, const RunPlan& plan, std::span<const Route> to,
                std::uint64_t events_per_second, const Options& options, std::uint16_t port)
    : routes(to.begin(), to.end()),
      ledger(ledger_capacity(plan, events_per_second, options), routes.size()),
      generator(poller, ledger, make_requests(routes, port, options.payload_bytes),
                {.port = port, .connections = options.connections, .events_per_second = events_per_second}) {}

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

/// On what each payload has (hub/payload.cpp).
constexpr const char* kFilter =
    R"(,"filter":{"and":[{"field":"data.total","op":"gte","value":100},)"
    R"({"not":{"field":"data.customer.email","op":"starts_with","value":"test@"}}]})";

std::string hook_url(std::uint16_t port, std::size_t number) {
  return "http://127.0.0.1:" + std::to_string(port) + "/hook/" + std::to_string(number);
}

std::vector<SubscriptionPlan> Run::subscriptions() {
  std::vector<SubscriptionPlan> plans;
  plans.reserve(plan_.subscriptions + plan_.subscriptions_beside);
  answering_ = receiver_.listen(Behaviour::answer);
  for (std::size_t i = 0; i < plan_.subscriptions; ++i) {
    plans.push_back({.url = hook_url(answering_, i),
                     .tenant = i % plan_.tenants,
                     .more = options_.filters ? kFilter : ""});
  }
  add_beside(plans);
  return plans;
}

/// Ports of their own, so that no connection pool of the server mixes them with the measured.
void Run::add_beside(std::vector<SubscriptionPlan>& plans) {
  switch (plan_.beside) {
    case Beside::nobody: return;
    case Beside::unheard:
      for (std::size_t i = 0; i < plan_.subscriptions_beside; ++i)
        plans.push_back({.tenant = i % plan_.tenants});
      return;
    case Beside::sick: return add_sick(plans);
    case Beside::dead:
      dead_.emplace(receiver_);
      ports_beside_ = dead_->ports();
      for (std::size_t i = 0; i < plan_.subscriptions_beside; ++i) {
        plans.push_back({.url = dead_->url(i), .tenant = i % plan_.tenants});
      }
      return;
    case Beside::flooder:
      answering_flood_ = receiver_.listen(Behaviour::answer);
      ports_beside_ = {answering_flood_};
      for (std::size_t i = 0; i < plan_.subscriptions_beside; ++i) {
        plans.push_back({.url = hook_url(answering_flood_, i), .tenant = plan_.tenants});
      }
      return;
    case Beside::hostile: return plans.push_back({.tenant = plan_.tenants});  // it makes its own
  }
}

void Run::add_sick(std::vector<SubscriptionPlan>& plans) {
  ports_beside_ = {refusing_.port, receiver_.listen(Behaviour::hang), receiver_.listen(Behaviour::fail)};
  for (std::size_t i = 0; i < plan_.subscriptions_beside; ++i) {
    plans.push_back({.url = hook_url(ports_beside_[i % ports_beside_.size()], i),
                     .tenant = i % plan_.tenants,
                     .paused = i % 4 == 3});
  }
}

void Run::start_load() {
  const bool one_more = plan_.beside == Beside::flooder || plan_.beside == Beside::hostile;
  const std::size_t tenants = plan_.tenants + (one_more ? 1 : 0);
  const std::vector<Route> routes =
      provision(server_.port(), server_.platform_key(), tenants, subscriptions());
  const std::span<const Route> all = routes;
  const auto make = [&](std::span<const Route> to, std::uint64_t events_per_second) {
    return std::make_unique<Load>(poller_, plan_, to, events_per_second, options_, server_.port());
  };
  healthy_ = make(all.first(plan_.subscriptions), plan_.events_per_second);
  receiver_.expect(answering_, healthy_->ledger, healthy_->routes);
  if (plan_.beside == Beside::hostile) {
    siege_key_ = all.back().api_key;
    say("preparing the siege");
    prepare_siege(siege_plan());
  } else if (plan_.subscriptions_beside > 0) {
    beside_ = make(all.subspan(plan_.subscriptions), plan_.events_per_second_beside);
    if (answering_flood_ != 0) receiver_.expect(answering_flood_, beside_->ledger, beside_->routes);
  }
  const std::int64_t now = now_ns();
  healthy_->generator.start(now);
  if (beside_) beside_->generator.start(now);
}

void Run::look_up(std::int64_t now) {
  server_.check_alive();
  if (healthy_->generator.cut_off()) throw std::runtime_error("the server takes no connections any more");
  if (ports_beside_.empty() || now < count_sockets_ns_) return;
  count_sockets_ns_ = now + kCountSocketsEveryNs;
  sockets_beside_peak_ = std::max(sockets_beside_peak_, count_sockets_to(ports_beside_));
}

void Run::drive(std::int64_t until_ns) {
  std::int64_t look_up_ns = 0;
  for (std::int64_t now = now_ns(); now < until_ns; now = now_ns()) {
    if (now >= look_up_ns) {
      look_up_ns = now + kLookUpEveryNs;
      look_up(now);
    }
    if (interrupted()) {
      work_.drop_logs();
      throw std::runtime_error("interrupted");
    }
    std::int64_t next_ns = std::min({until_ns, look_up_ns, healthy_->generator.pace(now)});
    if (beside_) next_ns = std::min(next_ns, beside_->generator.pace(now));
    poller_.wait(next_ns);
  }
}

double Run::drain() {
  const std::int64_t begin_ns = now_ns();
  const std::int64_t patience_ns = options_.drain_seconds * kNsPerSecond;
  healthy_->generator.stop();
  if (beside_) beside_->generator.stop();
  const auto waits = [&] {
    return healthy_->ledger.missing() + healthy_->generator.unanswered() +
           (beside_ ? beside_->generator.unanswered() : 0) +
           (answering_flood_ != 0 ? beside_->ledger.missing() : 0);
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
  std::optional<Siege> siege;
  if (plan_.beside == Beside::hostile) {
    result.server_rss_before_bytes = resident_bytes(server_.pid());
    siege.emplace(siege_plan(), work_.path());
    drive(now_ns() + kSiegeBeginsSeconds * kNsPerSecond);
  }
  say("measuring");
  const Sample begin = sample();
  drive(begin.at_ns + options_.seconds * kNsPerSecond);
  const Sample end = sample();
  if (siege) {
    say("the siege is over");
    result.siege = siege->stop();
    drive(now_ns() + kSiegeForgottenSeconds * kNsPerSecond);
    result.server_rss_after_bytes = resident_bytes(server_.pid());
  }
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
  if (beside_) result.load_beside = beside_->generator.counts();
  if (answering_flood_ != 0) result.verdict_beside = beside_->ledger.verdict();
  result.received_by_tenant = healthy_->ledger.received_by(plan_.tenants, begin.at_ns, end.at_ns);
  result.sockets_beside_peak = sockets_beside_peak_;
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
  for (const Verdict* verdict : {&result.verdict, &result.verdict_beside}) {
    expect_none(verdict->lost, "acknowledged events were lost: not received within " +
                                   std::to_string(options_.drain_seconds) + " s after the load");
    expect_none(verdict->wrong_id, "events arrived under another id than they were acknowledged with");
    expect_none(verdict->repeated_id, "acknowledgements repeat the id of another event");
    expect_none(verdict->misrouted, "deliveries went to a subscription that does not match");
    expect_none(verdict->foreign, "deliveries are of events that nobody sent");
  }
  expect_none(result.receipts.signatures_bad, "signatures are wrong");
  expect_none(result.receipts.malformed, "deliveries cannot be read");
  for (const LoadCounts* load : {&result.load, &result.load_beside}) {
    for (std::size_t status = 0; status < load->by_status.size(); ++status) {
      if (!LoadCounts::is_expected(status)) {
        expect_none(load->by_status[status], "events were answered " + std::to_string(status));
      }
    }
    expect_none(load->bad_answers, "answers cannot be read");
    expect_none(load->lost_connections, "connections were lost with a request unanswered");
  }
  expect_none(healthy_->generator.unanswered() + (beside_ ? beside_->generator.unanswered() : 0),
              "requests were never answered");
  if (healthy_->ledger.full() || (beside_ && beside_->ledger.full())) {
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

}  // namespace bench
