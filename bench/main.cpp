// crossdock_bench: what Crossdock accepts and delivers on this machine, and what it costs.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

#include "core/fd.hpp"
#include "core/interrupt.hpp"
#include "core/machine.hpp"
#include "core/options.hpp"
#include "scenarios/e2e/comparison.hpp"
#include "scenarios/e2e/report.hpp"
#include "scenarios/e2e/run.hpp"
#include "scenarios/hostile/siege.hpp"
#include "scenarios/inbound/run.hpp"
#include "scenarios/recovery/run.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/timing.hpp"

namespace {

namespace fs = std::filesystem;

constexpr int kRunFailed = 1;
constexpr int kCouldNotRun = 2;
constexpr int kBarMissed = 3;
/// For --drain of the recovery scenario: what waited for a retry comes late.
constexpr unsigned kRecoverySecondsMax = 1'800;
/// For --drain of the inbound scenario: at the peak, receiving comes before processing.
constexpr unsigned kInboundSecondsMax = 300;

/// The program that was built beside this one.
fs::path default_server() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return self.parent_path().parent_path() / "crossdock";
}

/// An option that has limits, and a default to be shown.
template <class Number>
CLI::Option* add_number(CLI::App& app, const char* name, Number& value, const char* what,
                        const CLI::Range& limits) {
  return app.add_option(name, value, what)->check(limits)->capture_default_str();
}

void add_options(CLI::App& app, bench::Options& options) {
  app.add_option("--server", options.server, "the crossdock program")->capture_default_str();
  app.add_option("--data", options.data,
                 "data directories are made and removed below this; must be on a disk")
      ->capture_default_str();
  app.add_option("--results", options.results, "where <name>.json is written")->capture_default_str();
  app.add_option("--name", options.name, "name of the result file");
  app.add_option("--pg-bin", options.postgres_programs, "directory of initdb and postgres")
      ->capture_default_str();
  add_number(app, "--seconds", options.seconds, "length of the measured window", {1, 86'400});
  add_number(app, "--warm-up", options.warm_up_seconds, "seconds of load before it", {0, 3'600});
  add_number(app, "--drain", options.drain_seconds, "seconds to wait for the last deliveries", {1, 86'400});
  add_number(app, "--connections", options.connections, "connections of the generator", {1, 20'000});
  add_number(app, "--tenants", options.tenants, "tenants, each with its own key", {1, 10'000});
  add_number(app, "--subscriptions", options.subscriptions_per_tenant, "subscriptions of each tenant",
             {1, 10'000});
  add_number(app, "--payload", options.payload_bytes, "bytes of each event's body", {1, 1'048'576});
  app.add_option("--verify-every", options.verify_every, "check one signature in so many; 0: none")
      ->capture_default_str();
  app.add_option("--env", options.server_environment, "NAME=VALUE for the server; may be repeated");
}

void add_postgres(CLI::App& app, bench::Options& options) {
  app.add_flag("--postgres", options.postgres, "on a private PostgreSQL instead of SQLite");
}

void add_isolation_options(CLI::App& app, bench::Options& options) {
  add_postgres(app, options);
  app.add_option("--rate", options.events_per_second, "events/s to the healthy (2,000)")
      ->check(CLI::Range(1, 1'000'000));
  add_number(app, "--healthy", options.healthy, "healthy subscriptions", {1, 100'000});
  add_number(app, "--sick", options.dead, "dead subscriptions", {1, 100'000});
  app.add_option("--sick-rate", options.sick_events_per_second,
                 "events/s to the dead (as many as to the healthy)")
      ->check(CLI::Range(1, 1'000'000));
}

void add_hostile_options(CLI::App& app, bench::Options& options) {
  add_postgres(app, options);
  app.add_option("--rate", options.events_per_second,
                 "events/s of the healthy tenant (by a closed loop before: half of what the server can do)")
      ->check(CLI::Range(1, 1'000'000));
}

/// The attackers of the hostile scenario, which starts them.
void add_siege_options(CLI::App& app, bench::SiegePlan& plan) {
  app.group("");
  app.add_option("--port", plan.port)->required();
  app.add_option("--key", plan.api_key)->required();
}

void add_fairness_options(CLI::App& app, bench::Options& options) {
  add_postgres(app, options);
  app.add_option(
         "--share", options.share,
         "events/s of a tenant (by a closed loop before: all shares are half of what the server can do)")
      ->check(CLI::Range(1, 1'000'000));
}

void add_recovery_options(CLI::App& app, bench::Options& options) {
  add_postgres(app, options);
  add_number(app, "--tasks", options.tasks, "events accepted while all receivers are down", {1, 50'000'000});
  add_number(app, "--destinations", options.destinations, "receivers, each with an address of its own",
             {1, 100'000});
  app.add_option("--hold", options.hold_seconds, "seconds from the last event to the receivers' return")
      ->capture_default_str();
  add_number(app, "--answer-delay", options.answer_delay_ms,
             "milliseconds that a receiver takes for an answer; 0: at once, and no ramp is measured",
             {0, 1'000});
  app.add_flag("--restart", options.restart,
               "the server is killed, and started again after the receivers' return");
}

void add_e2e_options(CLI::App& app, bench::Options& options) {
  add_postgres(app, options);
  app.add_option("--rate", options.events_per_second, "events/s, due at even times; without: closed loop")
      ->check(CLI::Range(1, 1'000'000));
  app.add_flag("--filters", options.filters,
               "each subscription has a filter on the payload, which its events pass");
  CLI::Option* isolation = app.add_flag("--isolation", options.isolation,
                                        "healthy subscriptions alone, then with as much for sick ones");
  add_number(app, "--healthy", options.healthy, "healthy subscriptions", {1, 100'000})->needs(isolation);
  add_number(app, "--sick", options.sick, "sick subscriptions", {1, 100'000})->needs(isolation);
}

void add_inbound_options(CLI::App& app, bench::Options& options) {
  add_number(app, "--endpoints", options.endpoints, "endpoints that the webhooks are sent to", {1, 10'000});
  add_number(app, "--many-endpoints", options.many_endpoints, "endpoints of the other runs", {1, 10'000});
  app.add_flag("--scattered-ids", options.scattered_ids,
               "ids as random UUIDs, instead of beginning with the time as GitHub's do");
  add_number(app, "--rounds", options.rounds,
             "how often each run is made; the best one counts, and of ratios the median", {1, 100});
  app.add_option("--rate", options.events_per_second, "webhooks/s of the even load (half of the peak)")
      ->check(CLI::Range(1, 1'000'000));
}

void add_timing_options(CLI::App& app, bench::Options& options) {
  add_number(app, "--samples", options.samples, "signatures that are checked, of each scheme",
             {1'000, 100'000'000});
  app.add_option("--data", options.data, "a directory on a disk, which the report is to tell of")
      ->capture_default_str();
  app.add_option("--results", options.results, "where <name>.json is written")->capture_default_str();
  app.add_option("--name", options.name, "name of the result file");
}

void write_file(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::trunc);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

using Runs = std::vector<bench::RunResult>;

bool any_missed(const std::vector<bench::Bar>& bars) {
  return std::ranges::any_of(bars, [](const bench::Bar& bar) { return !bar.met(); });
}

int compare_runs(const bench::Options& options,
                 Runs (*scenario)(const bench::Options&, const bench::OnResults&)) {
  const bench::Machine machine = bench::describe_machine(options.data);
  const auto save = [&](const std::string& name, const Runs& runs) {
    write_file(options.results / (name + ".json"), bench::render_json(name, machine, options, runs));
  };
  const Runs results = scenario(options, save);
  ::fputs(bench::render_table(machine, options, results).c_str(), stdout);
  for (const bench::RunResult& result : results) {
    if (!result.problems.empty()) return kRunFailed;
  }
  return any_missed(bench::bars_of(results)) ? kBarMissed : 0;
}

int recover(const bench::Options& options) {
  const bench::Machine machine = bench::describe_machine(options.data);
  const std::string name =
      options.name.empty() ? options.postgres ? "recovery-postgres" : "recovery-sqlite" : options.name;
  const bench::RecoveryResult result = bench::run_recovery(options);
  write_file(options.results / (name + ".json"), bench::render_recovery_json(name, machine, options, result));
  ::fputs(bench::render_recovery(machine, options, result).c_str(), stdout);
  if (!result.problems.empty()) return kRunFailed;
  return any_missed(result.bars()) ? kBarMissed : 0;
}

int receive(const bench::Options& options) {
  const bench::Machine machine = bench::describe_machine(options.data);
  const std::string name = options.name.empty() ? "inbound-sqlite" : options.name;
  const auto save = [&](const bench::InboundResult& result) {
    write_file(options.results / (name + ".json"),
               bench::render_inbound_json(name, machine, options, result));
  };
  const bench::InboundResult result = bench::run_inbound(options, save);
  ::fputs(bench::render_inbound(machine, options, result).c_str(), stdout);
  for (const bench::InboundRun& run : result.runs) {
    if (!run.problems.empty()) return kRunFailed;
  }
  return any_missed(result.bars()) ? kBarMissed : 0;
}

int time_signatures(const bench::Options& options) {
  const bench::Machine machine = bench::describe_machine(options.data);
  const std::string name = options.name.empty() ? "timing" : options.name;
  const bench::TimingResult result = bench::run_timing(options.samples);
  write_file(options.results / (name + ".json"), bench::render_timing_json(name, machine, result));
  ::fputs(bench::render_timing(machine, result).c_str(), stdout);
  if (!result.problems().empty()) return kRunFailed;
  return any_missed(result.bars()) ? kBarMissed : 0;
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options options{.server = default_server(),
                         .data = fs::temp_directory_path(),
                         .results = bench::default_results(),
                         .postgres_programs = "/usr/lib/postgresql/15/bin"};
  CLI::App app(
      "Measures Crossdock end to end: accepted and delivered events per second, latencies, cost, losses.");
  app.require_subcommand(1);
  CLI::App* e2e = app.add_subcommand("e2e", "one run on SQLite, or on PostgreSQL with --postgres");
  CLI::App* all = app.add_subcommand("all", "SQLite and PostgreSQL, each saturated and at half load");
  CLI::App* isolation =
      app.add_subcommand("isolation", "healthy subscriptions alone, then with 10,000 dead ones");
  CLI::App* fairness =
      app.add_subcommand("fairness", "tenants at their shares, then with one more at ten times its share");
  CLI::App* recovery =
      app.add_subcommand("recovery", "a backlog piles up while all receivers are down; then they come back");
  CLI::App* inbound =
      app.add_subcommand("inbound", "webhooks that come in: the peak, half of it, and many endpoints");
  CLI::App* timing =
      app.add_subcommand("timing", "whether the time that a wrong signature takes tells where it is wrong");
  CLI::App* hostile =
      app.add_subcommand("hostile", "a tenant at half load alone, then beside one that attacks the server");
  bench::SiegePlan siege_plan;
  CLI::App* siege = app.add_subcommand("siege", "the attackers of hostile");
  for (CLI::App* scenario : {e2e, all, isolation, fairness, recovery, inbound, hostile})
    add_options(*scenario, options);
  add_hostile_options(*hostile, options);
  add_siege_options(*siege, siege_plan);
  add_e2e_options(*e2e, options);
  add_isolation_options(*isolation, options);
  add_fairness_options(*fairness, options);
  add_recovery_options(*recovery, options);
  add_inbound_options(*inbound, options);
  add_timing_options(*timing, options);
  CLI11_PARSE(app, argc, argv);
  try {
    bench::raise_descriptor_limit();
    bench::catch_interrupts();
    if (all->parsed()) return compare_runs(options, bench::run_all);
    if (isolation->parsed()) return compare_runs(options, bench::run_isolation);
    if (hostile->parsed()) return compare_runs(options, bench::run_hostile);
    if (siege->parsed()) return bench::besiege(siege_plan);
    if (timing->parsed()) return time_signatures(options);
    if (fairness->parsed()) return compare_runs(options, bench::run_fairness);
    if (recovery->parsed()) {
      if (recovery->count("--drain") == 0) options.drain_seconds = kRecoverySecondsMax;
      return recover(options);
    }
    if (inbound->parsed()) {
      if (inbound->count("--drain") == 0) options.drain_seconds = kInboundSecondsMax;
      return receive(options);
    }
    return compare_runs(options, bench::run_e2e);
  } catch (const std::exception& error) {
    ::fprintf(stderr, "crossdock_bench: %s\n", error.what());
    return kCouldNotRun;
  }
}
