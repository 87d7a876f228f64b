#include "scenario.hpp"

#include <algorithm>

namespace bench {

namespace {

/// The rate of the isolation scenario unless one is given: well below saturation, so that what the sick take
/// away from the healthy is not hidden by the limit of the machine.
constexpr std::uint64_t kIsolationEventsPerSecond = 2'000;

std::string database_name(bool postgres) { return postgres ? "postgres" : "sqlite"; }

std::vector<RunResult> run_isolation(const Options& options, const OnResults& on_results) {
  const std::string name =
      options.name.empty() ? "isolation-" + database_name(options.postgres) : options.name;
  RunPlan plan{.name = "healthy alone",
               .postgres = options.postgres,
               .events_per_second =
                   options.events_per_second == 0 ? kIsolationEventsPerSecond : options.events_per_second,
               .healthy_subscriptions = options.healthy};
  std::vector<RunResult> results = {carry_out(plan, options)};
  plan.name = "with the sick";
  plan.sick_subscriptions = options.sick;
  results.push_back(carry_out(plan, options));
  on_results(name, results);
  return results;
}

}  // namespace

std::vector<RunResult> run_e2e(const Options& options, const OnResults& on_results) {
  if (options.isolation) return run_isolation(options, on_results);
  const std::string paced = options.events_per_second == 0 ? "" : "-paced";
  const std::string name = "e2e-" + database_name(options.postgres) + paced;
  const RunPlan plan{.name = options.name.empty() ? name : options.name,
                     .postgres = options.postgres,
                     .events_per_second = options.events_per_second,
                     .healthy_subscriptions = options.tenants * options.subscriptions_per_tenant};
  std::vector<RunResult> results = {carry_out(plan, options)};
  on_results(plan.name, results);
  return results;
}

std::vector<RunResult> run_all(const Options& options, const OnResults& on_results) {
  const std::string prefix = options.name.empty() ? "e2e" : options.name;
  std::vector<RunResult> results;
  for (const bool postgres : {false, true}) {
    RunPlan plan{.name = prefix + "-" + database_name(postgres),
                 .postgres = postgres,
                 .healthy_subscriptions = options.tenants * options.subscriptions_per_tenant};
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
