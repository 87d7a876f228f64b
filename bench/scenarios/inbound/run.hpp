// The inbound scenario: what the server receives, verifies and stores of webhooks that come in, with few
// endpoints and with many.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/bar.hpp"
#include "core/histogram.hpp"
#include "core/machine.hpp"
#include "core/options.hpp"
#include "hub/generator.hpp"
#include "hub/ledger.hpp"
#include "scenarios/inbound/store.hpp"

namespace bench {

enum class InboundLoad : std::uint8_t {
  peak,  ///< closed loop
  half   ///< at an even rate, half of what the peak showed
};

struct InboundPlan {
  std::string name;  ///< "peak, 5 endpoints"
  InboundLoad load = InboundLoad::peak;
  std::size_t endpoints = 0;
  std::uint64_t per_second = 0;  ///< of the even rate
};

/// One load on a fresh server. CPU figures are of the window, in processor seconds.
struct InboundRun {
  InboundPlan plan;
  double seconds = 0;          ///< of the window, as it really was
  std::uint64_t received = 0;  ///< answered 200 in the window
  Histogram latency;           ///< from when it was due to its 200, of those due in the window
  Histogram lag;               ///< from when it was due to when it was sent
  double sign_seconds = 0;     ///< what signing ahead took, before the load
  double create_seconds = 0;   ///< of all endpoints, by the API
  std::uint64_t processed_in_window = 0;
  std::uint64_t behind = 0;  ///< acknowledged and not processed when the load ended
  double drain_seconds = 0;  ///< from then until all were processed
  double server_cpu_seconds = 0;
  double bench_cpu_seconds = 0;
  double machine_cpu_seconds = 0;
  double stolen_seconds = 0;
  double core_before_ms = 0;
  double core_after_ms = 0;
  std::uint64_t server_rss_peak_bytes = 0;
  Verdict verdict;  ///< received: found in the store after the server had stopped
  Processed stored;
  LoadCounts answers;
  std::string server_end;
  std::vector<std::string> problems;  ///< why the run fails; empty when it does not

  double per_second() const { return static_cast<double>(received) / seconds; }
};

struct InboundResult {
  std::vector<InboundRun> runs;

  /// The best of those with this load and so many endpoints; 0 where there was none.
  double best_per_second(std::size_t endpoints) const;
  double best_half_p99_ms(std::size_t endpoints) const;
  /// Those for which the runs are there. Of several runs of the same the best one counts; of many endpoints
  /// against few, the median of the rounds.
  std::vector<Bar> bars() const;
};

/// The problems that the figures of a run show: what was lost, mixed up, answered otherwise, or never
/// processed.
std::vector<std::string> problems_of(const InboundRun& run);

/// Each load with few endpoints and with many, in rounds. on_result is told of what there is after each run.
/// Throws when it could not be carried out.
InboundResult run_inbound(const Options& options, const std::function<void(const InboundResult&)>& on_result);

std::string render_inbound(const Machine& machine, const Options& options, const InboundResult& result);
std::string render_inbound_json(const std::string& name, const Machine& machine, const Options& options,
                                const InboundResult& result);

}  // namespace bench
