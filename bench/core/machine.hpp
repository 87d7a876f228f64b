// Where a figure was measured: without it the figure says nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace bench {

/// The machine, the disk under the data directory and the version of the code.
struct Machine {
  std::string cpu;
  unsigned cores = 0;
  std::uint64_t memory_bytes = 0;
  std::string kernel;
  std::string filesystem;
  double fdatasync_ms = 0;  ///< median of 4 KiB appends, each made durable
  double load_average = 0;  ///< of the last minute before the run
  std::string revision;     ///< $CROSSDOCK_REVISION, or the commit, "-dirty" where the tree differs from it
  std::string date;         ///< UTC, RFC 3339
};

/// Looks at everything, writing for a moment below `data`. Throws when that is on a file system without a
/// disk: fsync would cost nothing there.
Machine describe_machine(const std::filesystem::path& data);

/// Processor seconds of the whole machine since it started.
struct MachineTime {
  double busy_seconds = 0;
  double stolen_seconds = 0;  ///< taken by the hypervisor for others
};
MachineTime machine_time();

/// How fast one core is at this moment: milliseconds for SHA-256 over 64 MiB. On a shared machine it changes
/// from minute to minute, and every figure with it.
double measure_core_ms();

/// "results" beside the bench's own source.
std::filesystem::path default_results();

}  // namespace bench
