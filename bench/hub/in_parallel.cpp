#include "hub/in_parallel.hpp"

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace bench {

namespace {

constexpr std::size_t kThreads = 8;

}  // namespace

void in_parallel(std::uint16_t port, std::size_t count,
                 const std::function<void(HttpClient& client, std::size_t number)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr thrown;
  const auto run = [&] {
    HttpClient client(port);
    try {
      for (std::size_t number = next++; number < count; number = next++) work(client, number);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back(run);
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace bench
