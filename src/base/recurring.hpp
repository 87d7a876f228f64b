// Work that comes back every so often, for as long as its owner runs.
#pragma once

#include "base/gate.hpp"

namespace base {

/// Lives on one thread. Contract: stop() is awaited before it, or anything the work refers to, is destroyed.
class Recurring {
 public:
  explicit Recurring(asio::any_io_executor executor) : timer_(executor), gate_(executor) {}

  /// Does the work an interval from now, and again an interval after it has ended. Its error is logged under
  /// name (a literal), an exception counted as `uncaught` and logged; the next round tries again. Once only.
  void start(const char* name, std::chrono::steady_clock::duration interval,
             std::move_only_function<Task<void>()> work);
  /// Begins no more rounds, and waits for the one under way, which may look at stopping().
  asio::awaitable<void> stop();
  bool stopping() const { return stopping_; }

 private:
  Task<void> repeat(const char* name, std::chrono::steady_clock::duration interval);

  std::move_only_function<Task<void>()> work_;
  bool stopping_ = false;
  asio::steady_timer timer_;
  Gate gate_;
};

}  // namespace base
