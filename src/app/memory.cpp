#include "app/memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/thread_memory.hpp"

#ifdef CROSSDOCK_MIMALLOC
#include <mimalloc.h>
#endif

namespace app {

namespace {

constexpr auto kInterval = std::chrono::seconds{5};
constexpr std::uint64_t kWorthBytes = 16 << 20;
constexpr int kLooksMax = 60;

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
  base::set_memory_return(return_memory);
#endif
}

bool MemoryRule::is_due(std::uint64_t resident_bytes) {
  peak_ = std::max(peak_, resident_bytes);
  const bool changed = resident_bytes > left_ + kWorthBytes || resident_bytes + kWorthBytes < peak_;
  if (!changed && ++looks_ < patience_) return false;
  patience_ = changed ? 1 : std::min(2 * patience_, kLooksMax);
  return true;
}

void MemoryRule::done(std::uint64_t resident_bytes) {
  left_ = resident_bytes;
  peak_ = resident_bytes;
  looks_ = 0;
}

void MemoryReturn::start() {
  // safe: the rounds keep the lambda, and end before this does.
  rounds_.start("return memory", kInterval, [this]() -> base::Task<void> {
    if (rule_.is_due(resident_bytes())) {
      return_memory();
      rule_.done(resident_bytes());
    }
    co_return base::Result<void>{};
  });
}

}  // namespace app
