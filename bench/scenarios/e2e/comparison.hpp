// What those beside cost the measured: figures of a run with them held against those of a run without.
#pragma once

#include <optional>
#include <vector>

#include "core/bar.hpp"
#include "scenarios/e2e/run.hpp"

namespace bench {

/// Each figure of the run with somebody beside, divided by that of the run without.
struct Comparison {
  double delivered_ratio = 0;
  double worst_tenant_ratio = 0;  ///< the same for the tenant that lost most
  double accept_p99_ratio = 0;
  double receipt_p99_ratio = 0;
};

/// Nothing unless the last two runs are one alone and one with somebody beside.
std::optional<Comparison> compare(const std::vector<RunResult>& runs);

/// What issue and reference ask of the comparison (reliability §4.1: isolation, fairness); none where there
/// is nothing to compare.
std::vector<Bar> bars_of(const std::vector<RunResult>& runs);

}  // namespace bench
