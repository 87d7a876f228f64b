#include "base/process_metrics.hpp"

#include <gtest/gtest.h>

#include <ctime>

#include "base/metrics.hpp"
#include "base/version.hpp"

namespace base {

namespace {

/// The value of a series as it is written out; nothing where it is not there.
std::optional<double> value_of(const std::string& series) {
  const std::string text = "\n" + metrics().text();
  const std::size_t at = text.find("\n" + series + " ");
  if (at == std::string::npos) return std::nullopt;
  return std::stod(text.substr(at + series.size() + 2));
}

TEST(ProcessMetrics, tell_of_this_process_under_the_names_that_dashboards_know) {
  const Steady begun = steady_now();
  observe_process(begun);
  const double cpu = value_of("process_cpu_seconds_total").value_or(-1);
  const std::clock_t until = std::clock() + CLOCKS_PER_SEC / 10;
  while (std::clock() < until) {
  }
  observe_process(begun + std::chrono::milliseconds{999});
  EXPECT_EQ(value_of("process_cpu_seconds_total"), cpu) << "whoever asks, it is looked at once a second";
  observe_process(begun + std::chrono::seconds{1});

  EXPECT_GE(value_of("process_cpu_seconds_total").value_or(0), cpu + 0.05);
  EXPECT_LE(value_of("process_cpu_seconds_total").value_or(1e9),
            static_cast<double>(std::clock()) / CLOCKS_PER_SEC + 1);
  EXPECT_GE(value_of("process_resident_memory_bytes").value_or(0), 1e6);
  EXPECT_GE(value_of("process_virtual_memory_bytes").value_or(0),
            value_of("process_resident_memory_bytes").value_or(1e18));
  EXPECT_GE(value_of("process_open_fds").value_or(0), 3);
  EXPECT_GE(value_of("process_max_fds").value_or(0), value_of("process_open_fds").value_or(1e18));
  EXPECT_GE(value_of("process_threads").value_or(0), 1);
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(value_of("process_start_time_seconds").value_or(1e18), now + 2);
  EXPECT_GE(value_of("process_start_time_seconds").value_or(0), now - 3600);
  EXPECT_EQ(value_of("crossdock_build_info{version=\"" CROSSDOCK_VERSION "\"}"), 1);
}

}  // namespace

}  // namespace base
