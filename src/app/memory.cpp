#include "app/memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#ifdef CROSSDOCK_MIMALLOC
#include <mimalloc.h>
#endif

namespace app {

namespace {

constexpr auto kInterval = std::chrono::seconds{5};
constexpr std::uint64_t kWorthBytes = 16 << 20;

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// Of this thread. Sanitizers bring an allocator of their own, which keeps what it keeps.
void return_memory() {
#ifdef CROSSDOCK_MIMALLOC
  mi_collect(/*force=*/true);
#endif
}

}  // namespace

void configure_memory() {
#ifdef CROSSDOCK_MIMALLOC
  mi_option_set(mi_option_decommit_delay, 0);
  mi_option_set(mi_option_segment_decommit_delay, 0);
#endif
}

void MemoryReturn::start() {
  // safe: the rounds keep the lambda, and end before this does.
  rounds_.start("return memory", kInterval, [this]() -> base::Task<void> {
    const std::uint64_t bytes = resident_bytes();
    least_bytes_ = std::min(least_bytes_, bytes);
    if (bytes > least_bytes_ + kWorthBytes) return_memory();
    co_return base::Result<void>{};
  });
}

}  // namespace app
