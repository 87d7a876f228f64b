#include "scenarios/inbound/run.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>

#include "core/clock.hpp"
#include "core/interrupt.hpp"
#include "hub/in_parallel.hpp"
#include "hub/poller.hpp"
#include "hub/process.hpp"
#include "hub/provision.hpp"
#include "hub/server_process.hpp"
#include "scenarios/inbound/request.hpp"

namespace bench {

namespace {

/// More than a server on this machine can answer; so many are signed ahead for each second of a closed loop.
constexpr std::uint64_t kPeakPerSecondMax = 40'000;
constexpr std::int64_t kLookUpEveryNs = 100 * kNsPerMs;
/// How often the store is asked what is left; the drain is not known more exactly.
constexpr std::int64_t kAskEveryNs = 20 * kNsPerMs;

struct Sample {
  std::int64_t at_ns = 0;
  double server_cpu_seconds = 0;
  double bench_cpu_seconds = 0;
  MachineTime machine;
  std::uint64_t processed = 0;
};

std::size_t webhooks_of(const InboundPlan& plan, const Options& options) {
  const std::uint64_t rate = plan.per_second == 0 ? kPeakPerSecondMax : plan.per_second;
  return static_cast<std::size_t>(rate * (options.warm_up_seconds + options.seconds + 1));
}

/// All that an endpoint of production has: a source, the types that count, places for table and record, and
/// routes of which the second fits. The first one is its own, so that no two have the same rules.
std::string endpoint_json(std::size_t number) {
  const std::string path = endpoint_path(number);
  return R"({"endpoint_path":")" + path + R"(","source":"shop","signature_scheme":"github",)" +
         R"("secret_key":")" + endpoint_secret(number) + R"(","event_types":["orders","refunds.*"],)" +
         R"("paths":{"event_type":"header:x-github-event","table":"const:orders","record":"json:data",)" +
         R"("record_id":"json:data.seq"},"routes":[{"event_type":"refunds.)" + path +
         R"(","publish":"shop.refund"},{"table":"orders","publish":"shop.order.changed"}]})";
}

class Inbound {
 public:
  Inbound(const InboundPlan& plan, const Options& options);
  InboundRun carry_out();
  void say(const std::string& what) const {
    ::fprintf(stderr, "inbound, %s: %s\n", plan_.name.c_str(), what.c_str());
  }
  void say_where_logs_are() const {
    if (work_.keeps_logs()) say("the logs are kept in " + work_.path().string());
  }

 private:
  void create_endpoints();
  void drive(std::int64_t until_ns);
  void drain();
  void look_at_store();
  Sample sample() const;

  const InboundPlan& plan_;
  const Options& options_;
  WorkDirectory work_;
  Poller poller_;
  CrossdockServer server_;
  Ledger ledger_;
  std::optional<InboundStore> store_;
  std::optional<Generator> generator_;
  InboundRun result_;
};

Inbound::Inbound(const InboundPlan& plan, const Options& options)
    : plan_(plan),
      options_(options),
      work_(options.data),
      server_({.program = options.server, .work = work_.path(), .environment = options.server_environment}),
      ledger_(webhooks_of(plan, options), plan.endpoints),
      result_{.plan = plan} {}

void Inbound::create_endpoints() {
  const std::vector<Route> routes =
      provision(server_.port(), server_.platform_key(), 1, std::vector<SubscriptionPlan>(1));
  const HttpClient::Headers headers = {{"Authorization", "Bearer " + routes.front().api_key}};
  const std::int64_t begin_ns = now_ns();
  in_parallel(server_.port(), plan_.endpoints, [&](HttpClient& client, std::size_t number) {
    const HttpAnswer answer =
        client.request("POST", "/api/v1/webhooks/endpoints", headers, endpoint_json(number));
    if (answer.status == 201) return;
    throw std::runtime_error("an endpoint was answered " + std::to_string(answer.status) + ": " +
                             answer.body.substr(0, 400));
  });
  result_.create_seconds = to_seconds(now_ns() - begin_ns);
}

void Inbound::drive(std::int64_t until_ns) {
  std::int64_t look_up_ns = 0;
  for (std::int64_t now = now_ns(); now < until_ns; now = now_ns()) {
    if (now >= look_up_ns) {
      look_up_ns = now + kLookUpEveryNs;
      server_.check_alive();
      if (generator_->cut_off()) throw std::runtime_error("the server takes no connections any more");
      if (interrupted()) {
        work_.drop_logs();
        throw std::runtime_error("interrupted");
      }
    }
    poller_.wait(std::min({until_ns, look_up_ns, generator_->pace(now)}));
  }
}

Sample Inbound::sample() const {
  return {.at_ns = now_ns(),
          .server_cpu_seconds = usage_of_tree(server_.pid()).cpu_seconds,
          .bench_cpu_seconds = own_cpu_seconds(),
          .machine = machine_time(),
          .processed = store_->processed_so_far()};
}

void Inbound::drain() {
  generator_->stop();
  const std::int64_t begin_ns = now_ns();
  const std::int64_t patience_ns = begin_ns + options_.drain_seconds * kNsPerSecond;
  const auto behind = [&] {
    // The ledger misses all that were acknowledged: it is told of the store only later.
    const std::uint64_t processed = store_->processed_so_far();
    return ledger_.missing() - std::min(processed, ledger_.missing());
  };
  result_.behind = behind();
  while ((generator_->unanswered() > 0 || behind() > 0) && now_ns() < patience_ns) {
    drive(now_ns() + kAskEveryNs);
  }
  result_.drain_seconds = to_seconds(now_ns() - begin_ns);
}

void Inbound::look_at_store() {
  const InboundStore store(work_.path() / "data");
  store.enter_received(ledger_);
  result_.stored = store.processed();
  result_.verdict = ledger_.verdict();
}

InboundRun Inbound::carry_out() {
  say("making the endpoints");
  create_endpoints();
  const std::int64_t sign_ns = now_ns();
  WebhookRequests requests({.slug = "bench-0",
                            .port = server_.port(),
                            .endpoints = plan_.endpoints,
                            .body_bytes = options_.payload_bytes,
                            .ids = options_.scattered_ids ? Ids::scattered : Ids::timed,
                            .webhooks = webhooks_of(plan_, options_)});
  result_.sign_seconds = to_seconds(now_ns() - sign_ns);
  store_.emplace(work_.path() / "data");
  result_.core_before_ms = measure_core_ms();
  generator_.emplace(
      poller_, ledger_, [&](std::uint32_t seq, std::int64_t) { return requests.stamp(seq); },
      LoadPlan{.port = server_.port(),
               .connections = options_.connections,
               .events_per_second = plan_.per_second,
               .success = 200});
  generator_->start(now_ns());
  say("warming up");
  drive(now_ns() + options_.warm_up_seconds * kNsPerSecond);
  say("measuring");
  const Sample begin = sample();
  drive(begin.at_ns + options_.seconds * kNsPerSecond);
  const Sample end = sample();
  say("draining");
  drain();
  result_.core_after_ms = measure_core_ms();
  result_.server_rss_peak_bytes = usage_of_tree(server_.pid()).rss_peak_bytes;
  store_.reset();
  result_.server_end = server_.stop();

  Window window = ledger_.window(begin.at_ns, end.at_ns);
  result_.seconds = to_seconds(end.at_ns - begin.at_ns);
  result_.received = window.accepted;
  result_.latency = window.accept;
  result_.lag = window.lag;
  result_.processed_in_window = end.processed - begin.processed;
  result_.server_cpu_seconds = end.server_cpu_seconds - begin.server_cpu_seconds;
  result_.bench_cpu_seconds = end.bench_cpu_seconds - begin.bench_cpu_seconds;
  result_.machine_cpu_seconds = end.machine.busy_seconds - begin.machine.busy_seconds;
  result_.stolen_seconds = end.machine.stolen_seconds - begin.machine.stolen_seconds;
  result_.answers = generator_->counts();
  look_at_store();
  result_.problems = problems_of(result_);
  if (generator_->unanswered() > 0) {
    result_.problems.push_back(std::to_string(generator_->unanswered()) + " requests were never answered");
  }
  if (ledger_.full()) result_.problems.emplace_back("more was answered than had been signed ahead");
  if (result_.problems.empty()) {
    work_.drop_logs();
  } else {
    say_where_logs_are();
  }
  return std::move(result_);
}

InboundRun carry_out(const InboundPlan& plan, const Options& options) {
  const auto run = std::make_unique<Inbound>(plan, options);
  try {
    return run->carry_out();
  } catch (...) {
    run->say_where_logs_are();
    throw;
  }
}

}  // namespace

InboundResult run_inbound(const Options& options,
                          const std::function<void(const InboundResult&)>& on_result) {
  InboundResult result;
  const auto run_in_turns = [&](InboundLoad load, std::uint64_t per_second) {
    for (unsigned round = 0; round < options.rounds; ++round) {
      // Those that come second in one round come first in the next: what drifts meanwhile favours neither.
      std::array order = {options.endpoints, options.many_endpoints};
      if (round % 2 == 1) std::ranges::reverse(order);
      for (const std::size_t endpoints : order) {
        const std::string name = load == InboundLoad::peak ? "peak" : "half";
        const InboundPlan plan{.name = name + " " + std::to_string(endpoints),
                               .load = load,
                               .endpoints = endpoints,
                               .per_second = per_second};
        result.runs.push_back(carry_out(plan, options));
        on_result(result);
      }
    }
  };
  run_in_turns(InboundLoad::peak, 0);
  const auto half = static_cast<std::uint64_t>(result.best_per_second(options.endpoints) / 2);
  run_in_turns(InboundLoad::half,
               options.events_per_second > 0 ? options.events_per_second : std::max<std::uint64_t>(half, 1));
  return result;
}

}  // namespace bench
