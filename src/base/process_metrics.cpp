#include "base/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>

#include "base/metrics.hpp"
#include "base/version.hpp"

namespace base {

namespace {

constexpr auto kPause = std::chrono::seconds{1};

/// 0 for what is none.
double number_of(std::string_view text) {
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// What /proc/self/stat has behind the command's name, which may hold blanks and brackets.
struct Stat {
  double cpu_seconds = 0;
  double threads = 0;
  double start_seconds = 0;  ///< since the machine was started
};

Stat read_stat() {
  std::ifstream in("/proc/self/stat");
  std::string text;
  std::getline(in, text);
  text.erase(0, std::min(text.rfind(')'), text.size() - 1) + 1);
  // proc(5): the third field is the first one here.
  std::vector<double> fields;
  for (std::size_t at = text.find_first_not_of(' '); at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    fields.push_back(number_of(std::string_view(text).substr(at, end - at)));
    at = text.find_first_not_of(' ', end);
  }
  if (fields.size() < 20) return {};
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  return {(fields[11] + fields[12]) / ticks, fields[17], fields[19] / ticks};
}

/// Unix time at which the machine was started.
double boot_time() {
  std::ifstream in("/proc/stat");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("btime ")) return number_of(std::string_view(line).substr(6));
  }
  return 0;
}

double open_files() {
  std::error_code failed;
  const auto entries = std::filesystem::directory_iterator("/proc/self/fd", failed);
  return static_cast<double>(std::distance(begin(entries), end(entries)));
}

}  // namespace

void observe_process(Steady now) {
  static std::mutex one_at_a_time;
  static Steady next = Steady::min();
  const std::unique_lock lock(one_at_a_time, std::try_to_lock);
  if (!lock || now < next) return;
  next = now + kPause;
  static Gauge& build = metrics().gauge("crossdock_build_info", "The running program; always 1",
                                        {{"version", CROSSDOCK_VERSION}});
  static Counter& cpu =
      metrics().counter("process_cpu_seconds_total", "CPU time used, in user and system mode");
  static Gauge& threads = metrics().gauge("process_threads", "Threads of the process");
  static Gauge& resident = metrics().gauge("process_resident_memory_bytes", "Memory that lies in RAM");
  static Gauge& virtual_memory = metrics().gauge("process_virtual_memory_bytes", "Address space in use");
  static Gauge& started =
      metrics().gauge("process_start_time_seconds", "When the process was started, in Unix time");
  static Gauge& files = metrics().gauge("process_open_fds", "Open file descriptors");
  static Gauge& files_max = metrics().gauge("process_max_fds", "Most file descriptors that may be open");
  static double cpu_told = 0;

  build.set(1);
  const Stat stat = read_stat();
  cpu.add(std::max(0.0, stat.cpu_seconds - cpu_told));
  cpu_told = std::max(cpu_told, stat.cpu_seconds);
  threads.set(stat.threads);
  started.set(boot_time() + stat.start_seconds);
  double pages = 0;
  double pages_resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages_resident;
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  virtual_memory.set(pages * page_bytes);
  resident.set(pages_resident * page_bytes);
  files.set(open_files());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) files_max.set(static_cast<double>(limit.rlim_cur));
}

}  // namespace base
