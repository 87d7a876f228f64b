// What the runs found, as a table for people and as JSON for comparing.
#pragma once

#include <string>
#include <vector>

#include "core/machine.hpp"
#include "core/options.hpp"
#include "scenarios/e2e/run.hpp"

namespace bench {

/// One column per run, one row per figure, with the machine above and the verdicts below.
std::string render_table(const Machine& machine, const Options& options, const std::vector<RunResult>& runs);

/// One JSON object; every duration and rate names its unit.
std::string render_json(const std::string& name, const Machine& machine, const Options& options,
                        const std::vector<RunResult>& runs);

}  // namespace bench
