// What the runs found, as a table for people and as JSON for comparing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "machine.hpp"
#include "options.hpp"
#include "run.hpp"

namespace bench {

/// What the sick neighbours cost the healthy: figures of the second run divided by those of the first.
struct Isolation {
  double delivered_ratio = 0;
  double receipt_p99_ratio = 0;
};
/// Nothing unless the runs are one without and one with sick subscriptions.
std::optional<Isolation> isolation_of(const std::vector<RunResult>& runs);

/// One column per run, one row per figure, with the machine above and the verdicts below.
std::string render_table(const Machine& machine, const Options& options, const std::vector<RunResult>& runs);

/// One JSON object; every duration and rate names its unit.
std::string render_json(const std::string& name, const Machine& machine, const Options& options,
                        const std::vector<RunResult>& runs);

}  // namespace bench
