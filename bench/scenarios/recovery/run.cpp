#include "scenarios/recovery/run.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>

#include "core/clock.hpp"
#include "core/interrupt.hpp"
#include "hub/dead_receivers.hpp"
#include "hub/generator.hpp"
#include "hub/poller.hpp"
#include "hub/process.hpp"
#include "hub/provision.hpp"
#include "hub/server_process.hpp"
#include "scenarios/recovery/backlog.hpp"

namespace bench {

namespace {

constexpr std::int64_t kLookUpEveryNs = 100 * kNsPerMs;
constexpr std::int64_t kSayEveryNs = 10 * kNsPerSecond;
constexpr std::int64_t kLingerNs = kNsPerSecond;
constexpr std::uint64_t kEventsPerSecondMax = 100'000;

/// Retries that outlast the outage and are not what the end of the recovery waits for.
constexpr const char* kRetries = R"(,"max_retries":20,"retry_intervals":[30])";

class Recovery {
 public:
  explicit Recovery(const Options& options);
  RecoveryResult carry_out();

 private:
  ServerPlan server_plan();
  double measure_capacity();
  void fill();
  void come_back();
  void drain();
  void drive(std::int64_t until_ns, Generator* generator);
  void look_at_arrivals();
  double take_rss_peak();
  void say(const std::string& what) const { ::fprintf(stderr, "recovery: %s\n", what.c_str()); }
  void judge();

  const Options& options_;
  WorkDirectory work_;
  Poller poller_;
  RampMeter meter_;
  Receiver receiver_;
  std::uint16_t hooks_;
  std::optional<PostgresServer> postgres_;
  CrossdockServer server_;
  std::vector<Route> routes_;
  std::unique_ptr<Ledger> steady_;
  Ledger ledger_;
  std::int64_t back_ns_ = 0;
  RecoveryResult result_;
};

Recovery::Recovery(const Options& options)
    : options_(options),
      work_(options.data),
      meter_(options.destinations),
      receiver_(poller_, options.verify_every),
      hooks_(receiver_.listen(Behaviour::answer, Reach::all_loopback)),
      server_(server_plan()),
      ledger_(options.tasks, options.destinations) {
  result_.tasks = options.tasks;
  if (options_.answer_delay_ms > 0) receiver_.delay_answers(options_.answer_delay_ms * kNsPerMs, meter_);
}

ServerPlan Recovery::server_plan() {
  ServerPlan plan{.program = options_.server,
                  .work = work_.path(),
                  .environment = {"CROSSDOCK_AUTO_DISABLE_FAILURES=1000000", "WEBHOOK_QUEUE_SIZE=20000"}};
  plan.environment.insert(plan.environment.end(), options_.server_environment.begin(),
                          options_.server_environment.end());
  if (options_.postgres) {
    plan.database_url = postgres_.emplace(options_.postgres_programs, work_.path()).url();
  }
  return plan;
}

void Recovery::drive(std::int64_t until_ns, Generator* generator) {
  std::int64_t look_up_ns = 0;
  for (std::int64_t now = now_ns(); now < until_ns; now = now_ns()) {
    if (now >= look_up_ns) {
      look_up_ns = now + kLookUpEveryNs;
      server_.check_alive();
      if (interrupted()) throw std::runtime_error("interrupted");
    }
    std::int64_t next_ns = std::min({until_ns, look_up_ns, receiver_.pace(now)});
    if (generator != nullptr) next_ns = std::min(next_ns, generator->pace(now));
    poller_.wait(next_ns);
  }
}

double Recovery::measure_capacity() {
  const std::size_t seconds = options_.warm_up_seconds + options_.seconds + 1;
  steady_ = std::make_unique<Ledger>(kEventsPerSecondMax * seconds, routes_.size());
  receiver_.expect(hooks_, *steady_, routes_);
  std::vector<EventRequest> requests;
  requests.reserve(routes_.size());
  for (const Route& route : routes_) requests.emplace_back(route, server_.port(), options_.payload_bytes);
  Generator generator(poller_, *steady_, std::move(requests),
                      {.port = server_.port(), .connections = options_.connections});
  generator.start(now_ns());
  drive(now_ns() + options_.warm_up_seconds * kNsPerSecond, &generator);
  const std::int64_t begin_ns = now_ns();
  drive(begin_ns + options_.seconds * kNsPerSecond, &generator);
  const std::int64_t end_ns = now_ns();
  generator.stop();
  const std::int64_t patience_ns = end_ns + options_.drain_seconds * kNsPerSecond;
  while (steady_->missing() + generator.unanswered() > 0 && now_ns() < patience_ns) {
    drive(now_ns() + kLookUpEveryNs, &generator);
  }
  if (steady_->missing() > 0) throw std::runtime_error("the server lost events of a steady load");
  return static_cast<double>(steady_->window(begin_ns, end_ns).received) / to_seconds(end_ns - begin_ns);
}

double Recovery::take_rss_peak() {
  const auto bytes = static_cast<double>(usage_of_tree(server_.pid()).rss_peak_bytes);
  reset_rss_peak(server_.pid());
  return bytes;
}

void Recovery::fill() {
  receiver_.go_down(hooks_);
  receiver_.expect(hooks_, ledger_, routes_);
  say("all receivers are down; filling");
  reset_rss_peak(server_.pid());
  const std::int64_t begin_ns = now_ns();
  publish_backlog({.port = server_.port(),
                   .events = options_.tasks,
                   .tenants = options_.tenants,
                   .payload_bytes = options_.payload_bytes},
                  routes_, ledger_);
  result_.fill_seconds = to_seconds(now_ns() - begin_ns);
  result_.fill_rss_peak_bytes = take_rss_peak();
  say("holding");
  drive(now_ns() + options_.hold_seconds * kNsPerSecond, nullptr);
  result_.hold_rss_peak_bytes = take_rss_peak();
}

void Recovery::come_back() {
  meter_.start_over();
  if (options_.restart) server_.kill();
  receiver_.come_up(hooks_);
  back_ns_ = now_ns();
  if (!options_.restart) return;
  server_.start_again();
  result_.start_seconds = server_.start_seconds();
}

void Recovery::drain() {
  say("all receivers are back");
  const std::int64_t until_ns = back_ns_ + options_.drain_seconds * kNsPerSecond;
  std::int64_t say_ns = back_ns_ + kSayEveryNs;
  while (ledger_.missing() > 0 && now_ns() < until_ns) {
    drive(now_ns() + kLookUpEveryNs, nullptr);
    if (now_ns() < say_ns) continue;
    say_ns += kSayEveryNs;
    say(std::to_string(ledger_.missing()) + " left");
  }
  drive(now_ns() + kLingerNs, nullptr);
  result_.drain_rss_peak_bytes = take_rss_peak();
}

void Recovery::look_at_arrivals() {
  const std::vector<std::int64_t> arrivals = ledger_.arrivals();
  if (arrivals.empty()) return;
  const auto after = [&](double part) {
    const auto at = static_cast<std::size_t>(part * static_cast<double>(arrivals.size() - 1));
    return to_seconds(arrivals[at] - back_ns_);
  };
  result_.first_delivery_seconds = after(0);
  result_.tenth_seconds = after(0.1);
  result_.half_seconds = after(0.5);
  result_.nine_tenths_seconds = after(0.9);
  result_.drained_seconds = after(1);
  std::size_t begin = 0;
  for (std::size_t end = 0; end < arrivals.size(); ++end) {
    while (arrivals[end] - arrivals[begin] > kNsPerSecond) ++begin;
    result_.best_per_second = std::max(result_.best_per_second, static_cast<double>(end - begin + 1));
  }
}

void Recovery::judge() {
  const auto expect_none = [&](std::uint64_t count, const std::string& what) {
    if (count > 0) result_.problems.push_back(std::to_string(count) + " " + what);
  };
  const Verdict& verdict = result_.verdict;
  expect_none(verdict.lost, "acknowledged events were not received within " +
                                std::to_string(options_.drain_seconds) + " s of the receivers' return");
  expect_none(verdict.wrong_id + verdict.repeated_id, "ids are not those that were acknowledged");
  expect_none(verdict.misrouted + verdict.foreign, "deliveries are nobody's, or another's");
  expect_none(result_.receipts.signatures_bad, "signatures are wrong");
  expect_none(result_.receipts.malformed, "deliveries cannot be read");
  if (result_.server_end != "exit code 0") {
    result_.problems.push_back("the server ended with " + result_.server_end);
  }
}

RecoveryResult Recovery::carry_out() {
  std::vector<SubscriptionPlan> plans;
  for (std::size_t i = 0; i < options_.destinations; ++i) {
    plans.push_back(
        {.url = "http://" + loopback_address(i) + ":" + std::to_string(hooks_) + "/hook/" + std::to_string(i),
         .tenant = i % options_.tenants,
         .more = kRetries});
  }
  routes_ = provision(server_.port(), server_.platform_key(), options_.tenants, plans);
  result_.core_before_ms = measure_core_ms();
  say("measuring what the server does with healthy receivers");
  result_.capacity_per_second = measure_capacity();
  fill();
  come_back();
  drain();
  result_.ramp = meter_.verdict();
  result_.verdict = ledger_.verdict();
  if (ledger_.missing() == 0) {
    say("the backlog is gone; measuring again");
    result_.after_per_second = measure_capacity();
  }
  result_.core_after_ms = measure_core_ms();
  result_.server_end = server_.stop();
  if (postgres_) postgres_->stop();
  look_at_arrivals();
  result_.receipts = receiver_.counts();
  judge();
  if (result_.problems.empty()) {
    work_.drop_logs();
  } else {
    say("the logs are kept in " + work_.path().string());
  }
  return std::move(result_);
}

}  // namespace

RecoveryResult run_recovery(const Options& options) {
  if (options.destinations % options.tenants != 0) {
    throw std::runtime_error("--destinations must be a multiple of --tenants");
  }
  return Recovery(options).carry_out();
}

}  // namespace bench
