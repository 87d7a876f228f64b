// One measured run: a fresh server, a load, a window of time, a drain and the ledger's verdict.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/options.hpp"
#include "hub/generator.hpp"
#include "hub/ledger.hpp"
#include "hub/receiver.hpp"

namespace bench {

/// Who else is there while the measured subscriptions are served.
enum class Beside : std::uint8_t {
  nobody,
  unheard,  ///< events that nobody has subscribed to: what others cost without their receivers
  sick,     ///< a third each refuse connections, hang and answer 500, and every fourth is paused
  dead,     ///< 40 % cannot be connected to, 20 % each reset, answer 500 and hang
  flooder,  ///< one tenant with healthy receivers and more events than its share
  hostile   ///< one tenant, and strangers, who attack the server (hostile/siege.hpp)
};

/// What distinguishes a run from the others of its scenario.
struct RunPlan {
  std::string name;
  bool postgres = false;
  std::uint64_t events_per_second = 0;  ///< 0: closed loop
  std::size_t tenants = 1;              ///< of the measured subscriptions, which are dealt to them in turn
  std::size_t subscriptions = 0;        ///< measured: their receivers answer 200 at once
  Beside beside = Beside::nobody;
  std::size_t subscriptions_beside = 0;
  std::uint64_t events_per_second_beside = 0;  ///< sent on connections of their own
};

/// Everything that a run found out. CPU figures are of the window.
struct RunResult {
  RunPlan plan;
  double seconds = 0;  ///< of the window, as it really was
  Window window;
  Verdict verdict;
  LoadCounts load;
  Verdict verdict_beside;  ///< where the receivers beside answer
  LoadCounts load_beside;
  std::vector<std::uint64_t> received_by_tenant;  ///< in the window, of the measured
  std::size_t sockets_beside_peak = 0;            ///< connected or being connected to the receivers beside
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
  std::uint64_t server_rss_before_bytes = 0;  ///< before a siege, under the same load of the measured
  std::uint64_t server_rss_after_bytes = 0;   ///< and a minute after it
  std::string siege{};                        ///< what it did
  std::string server_end;                     ///< "exit code 0"
  std::vector<std::string> problems;          ///< why the run fails; empty when it does not

  bool has_beside() const { return plan.beside > Beside::unheard; }
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

}  // namespace bench
