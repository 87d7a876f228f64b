// Memory that a burst has left behind goes back to the system.
#pragma once

#include <cstdint>

#include "base/recurring.hpp"

namespace app {

/// Before the first thread starts: what is freed goes back when it is, and not when its thread happens to
/// need something in its neighbourhood, which after a burst may be never.
void configure_memory();

/// What one thread has freed is kept by its allocator, and only that thread can give it back; one for each
/// shard, on whose thread it lives. It looks every few seconds, and does something where the process holds
/// clearly more than it ever got along with.
class MemoryReturn {
 public:
  explicit MemoryReturn(asio::any_io_executor executor) : rounds_(executor) {}

  void start();
  asio::awaitable<void> stop() { return rounds_.stop(); }

 private:
  std::uint64_t least_bytes_ = UINT64_MAX;
  base::Recurring rounds_;
};

}  // namespace app
