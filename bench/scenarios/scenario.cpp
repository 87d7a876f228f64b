#include "scenarios/scenario.hpp"

#include <algorithm>

namespace bench {

namespace {

/// The rate of the isolation scenario unless one is given: well below saturation, so that what the sick take
/// away from the healthy is not hidden by the limit of the machine.
constexpr std::uint64_t kIsolationEventsPerSecond = 2'000;

std::string database_name(bool postgres) { return postgres ? "postgres" : "sqlite"; }

/// Of the capacity, what all tenants take while each keeps to its share. With a fifth tenant at ten times its
/// share the load is 1.4 times what the server can do.
constexpr double kLoadAtShares = 0.5;
constexpr std::uint64_t kFloodTimes = 10;

std::vector<RunResult> run_beside(RunPlan plan, const RunPlan& with, const Options& options,
                                  std::vector<RunResult> results, const std::string& name,
                                  const OnResults& on_results) {
  results.push_back(carry_out(plan, options));
  plan.name = with.name;
  plan.beside = with.beside;
  plan.subscriptions_beside = with.subscriptions_beside;
  plan.events_per_second_beside = with.events_per_second_beside;
  results.push_back(carry_out(plan, options));
  on_results(name, results);
  return results;
}

std::vector<RunResult> run_sick(const Options& options, Beside beside, const std::string& name,
                                const OnResults& on_results) {
  const std::uint64_t rate =
      options.events_per_second == 0 ? kIsolationEventsPerSecond : options.events_per_second;
  const std::uint64_t sick_rate = options.sick_events_per_second == 0 ? rate : options.sick_events_per_second;
  const std::size_t sick = beside == Beside::dead ? options.dead : options.sick;
  // With the same events in both runs, what differs is what the receivers of the second half do.
  const RunPlan alone{.name = "healthy alone",
                      .postgres = options.postgres,
                      .events_per_second = rate,
                      .tenants = options.tenants,
                      .subscriptions = options.healthy,
                      .beside = Beside::unheard,
                      .subscriptions_beside = sick,
                      .events_per_second_beside = sick_rate};
  const RunPlan with{.name = beside == Beside::dead ? "with the dead" : "with the sick",
                     .beside = beside,
                     .subscriptions_beside = sick,
                     .events_per_second_beside = sick_rate};
  return run_beside(alone, with, options, {}, options.name.empty() ? name : options.name, on_results);
}

}  // namespace

std::vector<RunResult> run_e2e(const Options& options, const OnResults& on_results) {
  if (options.isolation) {
    return run_sick(options, Beside::sick, "isolation-small-" + database_name(options.postgres), on_results);
  }
  const std::string paced = options.events_per_second == 0 ? "" : "-paced";
  const std::string filters = options.filters ? "-filters" : "";
  const std::string name = "e2e-" + database_name(options.postgres) + filters + paced;
  const RunPlan plan{.name = options.name.empty() ? name : options.name,
                     .postgres = options.postgres,
                     .events_per_second = options.events_per_second,
                     .tenants = options.tenants,
                     .subscriptions = options.tenants * options.subscriptions_per_tenant};
  std::vector<RunResult> results = {carry_out(plan, options)};
  on_results(plan.name, results);
  return results;
}

std::vector<RunResult> run_isolation(const Options& options, const OnResults& on_results) {
  return run_sick(options, Beside::dead, "isolation-" + database_name(options.postgres), on_results);
}

std::vector<RunResult> run_fairness(const Options& options, const OnResults& on_results) {
  std::vector<RunResult> results;
  const std::size_t per_tenant = options.subscriptions_per_tenant;
  std::uint64_t share = options.share;
  if (share == 0) {
    const std::size_t all = options.tenants + 1;
    results.push_back(carry_out(
        {.name = "capacity", .postgres = options.postgres, .tenants = all, .subscriptions = all * per_tenant},
        options));
    share = static_cast<std::uint64_t>(results.back().delivered_per_second() * kLoadAtShares /
                                       static_cast<double>(all));
    share = std::max<std::uint64_t>(1, share);
  }
  const RunPlan alone{.name = "each at its share",
                      .postgres = options.postgres,
                      .events_per_second = share * options.tenants,
                      .tenants = options.tenants,
                      .subscriptions = options.tenants * per_tenant};
  const RunPlan with{.name = "with the flooder",
                     .beside = Beside::flooder,
                     .subscriptions_beside = per_tenant,
                     .events_per_second_beside = share * kFloodTimes};
  const std::string name = "fairness-" + database_name(options.postgres);
  return run_beside(alone, with, options, std::move(results), options.name.empty() ? name : options.name,
                    on_results);
}

std::vector<RunResult> run_hostile(const Options& options, const OnResults& on_results) {
  std::vector<RunResult> results;
  RunPlan alone{.name = "healthy alone",
                .postgres = options.postgres,
                .events_per_second = options.events_per_second,
                .subscriptions = options.subscriptions_per_tenant};
  if (alone.events_per_second == 0) {
    RunPlan capacity = alone;
    capacity.name = "capacity";
    results.push_back(carry_out(capacity, options));
    alone.events_per_second =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(results.back().delivered_per_second() / 2));
  }
  const RunPlan with{.name = "beside a hostile one", .beside = Beside::hostile};
  const std::string name = "hostile-" + database_name(options.postgres);
  return run_beside(alone, with, options, std::move(results), options.name.empty() ? name : options.name,
                    on_results);
}

std::vector<RunResult> run_all(const Options& options, const OnResults& on_results) {
  const std::string prefix = options.name.empty() ? "e2e" : options.name;
  std::vector<RunResult> results;
  for (const bool postgres : {false, true}) {
    RunPlan plan{.name = prefix + "-" + database_name(postgres),
                 .postgres = postgres,
                 .tenants = options.tenants,
                 .subscriptions = options.tenants * options.subscriptions_per_tenant};
    results.push_back(carry_out(plan, options));
    on_results(plan.name, {results.back()});
    plan.events_per_second =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(results.back().accepted_per_second() / 2));
    plan.name += "-half";
    results.push_back(carry_out(plan, options));
    on_results(plan.name, {results.back()});
  }
  return results;
}

}  // namespace bench
