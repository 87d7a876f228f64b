// The scenarios: which runs make one comparison.
#pragma once

#include <functional>
#include <vector>

#include "core/options.hpp"
#include "scenarios/e2e/run.hpp"

namespace bench {

/// Called after each run with the name of its result file and what belongs into it.
using OnResults = std::function<void(const std::string& name, const std::vector<RunResult>& runs)>;

/// One run, or with --isolation two: the healthy alone, and with the sick beside them.
std::vector<RunResult> run_e2e(const Options& options, const OnResults& on_results);

/// The healthy alone, and with the dead beside them.
std::vector<RunResult> run_isolation(const Options& options, const OnResults& on_results);

/// Tenants at their shares alone, and with one more at ten times its share. Unless the share is given, a
/// closed loop finds out before what the server can do.
std::vector<RunResult> run_fairness(const Options& options, const OnResults& on_results);

/// One tenant at half of what the server can do, alone and beside a hostile neighbour. Unless the rate is
/// given, a closed loop finds it out before.
std::vector<RunResult> run_hostile(const Options& options, const OnResults& on_results);

/// SQLite and PostgreSQL, each at saturation and then at half the rate that this showed.
std::vector<RunResult> run_all(const Options& options, const OnResults& on_results);

}  // namespace bench
