// Memory that an allocator keeps for a thread, and that only this thread can give back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace base {

/// What gives back the memory that is kept for the thread it runs on; none until the program says so.
void set_memory_return(void (*give_back)());

/// Whether the thread should give back now: it has worked since the last time, and either nothing came for a
/// few seconds or that time is long ago.
bool memory_return_is_due(bool idle);
void return_memory_of_thread();

/// How a thread waits for its work: cv.wait(lock, come), and what its allocator keeps is given back now and
/// then. One that has nothing to do for long sleeps.
template <class Come>
void wait_for_work(std::condition_variable& news, std::unique_lock<std::mutex>& lock, Come come) {
  constexpr auto kIdle = std::chrono::seconds{5};
  const bool came = news.wait_for(lock, kIdle, come);
  if (memory_return_is_due(!came)) {
    lock.unlock();
    return_memory_of_thread();
    lock.lock();
  }
  news.wait(lock, come);
}

}  // namespace base
