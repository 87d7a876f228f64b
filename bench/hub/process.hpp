// A child process that cannot outlive the bench, and what it and its children cost.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/fd.hpp"

namespace bench {

/// What to run and where.
struct Command {
  std::vector<std::string> arguments;    ///< the first is the program's path
  std::vector<std::string> environment;  ///< NAME=value, all of it
  std::filesystem::path directory;       ///< where it runs
  std::filesystem::path log;             ///< takes what it prints, appended
  std::string user{};                    ///< runs as this user; empty: as the bench does
  int stop_signal;                       ///< asks it to end; also sent when the bench itself dies
};

class ChildProcess {
 public:
  /// Starts it in a process group of its own. Throws when that is not possible.
  explicit ChildProcess(const Command& command);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  /// Stops it when it still runs.
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  /// "exit code 1" or "signal 9" once it has ended.
  std::optional<std::string> ended();
  /// Asks it to end, kills it after `patience`, and says how it ended: "exit code 0" when all is well.
  std::string stop(std::chrono::seconds patience);
  /// Ends it with SIGKILL.
  void kill();
  /// Waits for it to end by itself.
  std::string wait(std::chrono::seconds patience);

 private:
  bool wait_until_ended(std::chrono::seconds patience);

  pid_t pid_ = -1;
  Fd pidfd_;
  int stop_signal_;
  std::optional<std::string> ended_;
};

/// What a process and all its descendants have used since they started; ended children count for their
/// parent.
struct TreeUsage {
  double cpu_seconds = 0;
  std::uint64_t rss_peak_bytes = 0;  ///< the sum of each process's own peak
};
TreeUsage usage_of_tree(pid_t root);

/// What a process holds at this moment.
std::uint64_t resident_bytes(pid_t pid);

/// From now on rss_peak_bytes of the process counts anew.
void reset_rss_peak(pid_t pid);

/// The processor seconds that the bench itself has used.
double own_cpu_seconds();

/// A new directory below `parent` that disappears with this object, except for the logs (*.log) in it: these
/// stay unless drop_logs() said that nobody will need them.
class WorkDirectory {
 public:
  explicit WorkDirectory(const std::filesystem::path& parent);
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;
  ~WorkDirectory();

  const std::filesystem::path& path() const { return path_; }
  void drop_logs() { keeps_logs_ = false; }
  bool keeps_logs() const { return keeps_logs_; }

 private:
  std::filesystem::path path_;
  bool keeps_logs_ = true;
};

}  // namespace bench
