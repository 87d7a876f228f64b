// One measured run: a fresh server, a load, a window of time, a drain and the ledger's verdict.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "generator.hpp"
#include "ledger.hpp"
#include "options.hpp"
#include "receiver.hpp"

namespace bench {

/// What distinguishes a run from the others of its scenario.
struct RunPlan {
  std::string name;
  bool postgres = false;
  std::uint64_t events_per_second = 0;  ///< 0: closed loop
  std::size_t healthy_subscriptions = 0;
  /// Subscriptions whose receivers refuse, hang or answer 500, one in four of them paused. With any, as many
  /// events again as the healthy ones get are sent to them on connections of their own.
  std::size_t sick_subscriptions = 0;
};

/// Everything that a run found out. CPU figures are of the window.
struct RunResult {
  RunPlan plan;
  double seconds = 0;  ///< of the window, as it really was
  Window window;
  Verdict verdict;
  LoadCounts load;
  LoadCounts sick_load;
  ReceiptCounts receipts;
  double start_seconds = 0;  ///< from the server's start to ready
  double drain_seconds = 0;  ///< from the last request to the last receipt
  double server_cpu_seconds = 0;
  double postgres_cpu_seconds = 0;
  double bench_cpu_seconds = 0;
  double machine_cpu_seconds = 0;  ///< of everything on the machine, the kernel's own threads included
  double stolen_seconds = 0;
  double core_before_ms = 0;  ///< measure_core_ms() before the load
  double core_after_ms = 0;   ///< and after the drain
  std::uint64_t server_rss_peak_bytes = 0;
  std::string server_end;             ///< "exit code 0"
  std::vector<std::string> problems;  ///< why the run fails; empty when it does not

  double accepted_per_second() const { return static_cast<double>(window.accepted) / seconds; }
  double delivered_per_second() const { return static_cast<double>(window.received) / seconds; }
  /// Processor seconds for each 1,000 events that were delivered in the window.
  double per_1000_events(double cpu_seconds) const {
    return window.received == 0 ? 0 : cpu_seconds * 1000 / static_cast<double>(window.received);
  }
};

/// Throws when the run could not be carried out; a run that was carried out and failed says so in its
/// problems.
RunResult carry_out(const RunPlan& plan, const Options& options);

/// From now on SIGINT and SIGTERM end a run in order (the servers are stopped, the data removed) by an
/// exception.
void catch_interrupts();

}  // namespace bench
