// What stands at the head of every report: the machine and the code that the figures are of.
#pragma once

#include <string>

#include "core/json_writer.hpp"
#include "core/machine.hpp"

namespace bench {

/// Two lines for people.
std::string render_machine(const Machine& machine);

/// A JSON object that is still open, with the result's name, the machine and the code.
JsonWriter open_report(const std::string& name, const Machine& machine);

}  // namespace bench
