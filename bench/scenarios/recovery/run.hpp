// The recovery scenario: all receivers are down while a backlog piles up, then they come back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/bar.hpp"
#include "core/machine.hpp"
#include "core/options.hpp"
#include "core/ramp.hpp"
#include "hub/ledger.hpp"
#include "hub/receiver.hpp"

namespace bench {

struct RecoveryResult {
  double capacity_per_second = 0;  ///< delivered in steady state, before
  double after_per_second = 0;     ///< the same after the backlog was drained, with the same load
  double fill_seconds = 0;
  double start_seconds = 0;           ///< with the backlog, to ready; 0 when it was not started again
  double first_delivery_seconds = 0;  ///< from the receivers' return, or from the start after it
  double half_seconds = 0;            ///< from the same moment, until so many were delivered
  double tenth_seconds = 0;
  double nine_tenths_seconds = 0;
  double drained_seconds = 0;
  double best_per_second = 0;  ///< in the best second
  double fill_rss_peak_bytes = 0;
  double hold_rss_peak_bytes = 0;
  double drain_rss_peak_bytes = 0;
  Verdict verdict;
  RampMeter::Verdict ramp;
  ReceiptCounts receipts;
  double core_before_ms = 0;
  double core_after_ms = 0;
  std::string server_end;
  std::vector<std::string> problems;  ///< why the run fails; empty when it does not

  /// In the middle eight tenths, so that how the server finds out that the receivers are back does not count.
  double drain_per_second() const;
  std::vector<Bar> bars() const;

  std::size_t tasks = 0;
};

/// Throws when it could not be carried out.
RecoveryResult run_recovery(const Options& options);

std::string render_recovery(const Machine& machine, const Options& options, const RecoveryResult& result);
std::string render_recovery_json(const std::string& name, const Machine& machine, const Options& options,
                                 const RecoveryResult& result);

}  // namespace bench
