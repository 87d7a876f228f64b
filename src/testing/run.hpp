// Runs one coroutine to its end on an io_context of its own.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/task.hpp"

namespace testing {

/// Returns what the task returned; an exception in it is thrown here. Work that the task left behind is run
/// until nothing is left to do, so it must have ended its own.
template <class T>
base::Result<T> run(base::Task<T> task) {
  // Kept for the thread: a database thread may still be inside post() when the task has ended.
  thread_local asio::io_context context(1);
  context.restart();
  std::optional<base::Result<T>> outcome;
  std::exception_ptr thrown;
  asio::co_spawn(context, std::move(task), [&](std::exception_ptr exception, base::Result<T> result) {
    thrown = exception;
    outcome = std::move(result);
  });
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*outcome);
}

}  // namespace testing
