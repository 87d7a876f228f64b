#include "base/thread_memory.hpp"

#include <atomic>

#include "base/clock.hpp"

namespace base {

namespace {

constexpr auto kBusyInterval = std::chrono::seconds{20};

std::atomic<void (*)()> memory_return = nullptr;
thread_local Steady returned = steady_now();

}  // namespace

void set_memory_return(void (*give_back)()) { memory_return = give_back; }

bool memory_return_is_due(bool idle) { return idle || steady_now() - returned > kBusyInterval; }

void return_memory_of_thread() {
  if (void (*const give_back)() = memory_return.load(); give_back != nullptr) give_back();
  returned = steady_now();
}

}  // namespace base
