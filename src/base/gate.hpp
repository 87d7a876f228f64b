// Counts the background work of one owner so that shutdown can wait for it; nothing is ever detached.
#pragma once

#include <string>

#include "base/task.hpp"

namespace base {

/// Lives on one thread. Contract: close() is awaited before the gate, or anything its work refers to, is
/// destroyed.
class Gate {
 public:
  explicit Gate(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { XD_ASSERT(running_ == 0); }

  /// Starts work that runs beside its caller. Its error is logged under name (a literal), an exception
  /// counted as `uncaught` and logged. After close() has begun nothing is started any more; returns whether
  /// it was.
  bool spawn(const char* name, Task<void> work);

  bool closing() const { return closing_; }
  std::size_t running() const { return running_; }

  /// Refuses new work and waits until all that runs has ended. Whoever owns the work must have told it to
  /// stop.
  asio::awaitable<void> close();

 private:
  void leave();

  asio::any_io_executor executor_;
  std::size_t running_ = 0;
  bool closing_ = false;
  Waiter<bool> emptied_;
};

}  // namespace base
