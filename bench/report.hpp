// What the runs found, as a table for people and as JSON for comparing.
#pragma once

#include <string>
#include <vector>

#include "json_writer.hpp"
#include "machine.hpp"
#include "options.hpp"
#include "run.hpp"

namespace bench {

/// One column per run, one row per figure, with the machine above and the verdicts below.
std::string render_table(const Machine& machine, const Options& options, const std::vector<RunResult>& runs);

/// One JSON object; every duration and rate names its unit.
std::string render_json(const std::string& name, const Machine& machine, const Options& options,
                        const std::vector<RunResult>& runs);

/// What belongs at the head of every result: the machine and the code, as lines and as members of an open
/// object.
std::string render_machine(const Machine& machine);
void write_machine(JsonWriter& json, const Machine& machine);

}  // namespace bench
