// Whether the time that the check of a signature takes tells where a wrong one differs from the right one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/bar.hpp"
#include "core/machine.hpp"
#include "core/welch.hpp"

namespace bench {

/// One thing that was timed with two sorts of input, the first byte wrong and the last one wrong.
struct TimingComparison {
  enum class Role : std::uint8_t { checked, control };  ///< a control must show a difference

  std::string name;  ///< "github"
  Role role = Role::checked;
  std::size_t samples = 0;
  WelchResult welch;
};

struct TimingResult {
  std::vector<TimingComparison> comparisons;
  std::uint64_t seed = 0;
  int cpu = -1;  ///< that it was pinned to; -1: to none

  std::vector<Bar> bars() const;
  /// Where a control shows nothing, a leak would not have been seen either.
  std::vector<std::string> problems() const;
};

/// Times inbound::verify() for the schemes github and standard_webhooks, a wrong signature in each sample,
/// and two controls. Throws when it could not be carried out.
TimingResult run_timing(std::size_t samples);

std::string render_timing(const Machine& machine, const TimingResult& result);
std::string render_timing_json(const std::string& name, const Machine& machine, const TimingResult& result);

}  // namespace bench
