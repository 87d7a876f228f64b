// Coroutines that may fail: Task<T> is what every asynchronous function of the program returns.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <optional>
#include <utility>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace asio = boost::asio;

namespace base {

template <class T>
using Task = asio::awaitable<Result<T>>;

/// One coroutine waits, somebody on the same thread later gives it a T. A waiter is resumed inside give(), on
/// the giver's stack: no timer, no post. A second wait() before give() is a bug.
template <class T>
class Waiter {
 public:
  asio::awaitable<T> wait() {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(
        [this](auto handler) {
          XD_ASSERT(!resume_);
          resume_ = [h = std::move(handler)](T value) mutable { std::move(h)(std::move(value)); };
        },
        asio::use_awaitable);
  }
  bool waiting() const { return static_cast<bool>(resume_); }
  void give(T value) {
    auto resume = std::exchange(resume_, nullptr);
    if (resume) resume(std::move(value));
  }

 private:
  std::move_only_function<void(T)> resume_;
};

/// Runs start(done) and waits until done(value) was called, from any thread; resumes on the executor of the
/// coroutine that waits, by one post. done may be called once.
template <class T, class Start>
asio::awaitable<T> from_callback(Start start) {
  auto executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(
      [executor, start = std::move(start)](auto handler) mutable {
        start([executor, h = std::move(handler)](T value) mutable {
          asio::post(executor, [h = std::move(h), value = std::move(value)]() mutable {
            std::move(h)(std::move(value));
          });
        });
      },
      asio::use_awaitable);
}

/// Lets everything run that is ready on this thread, then goes on.
inline asio::awaitable<void> yield() {
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

/// Waits for a span of monotonic time.
inline asio::awaitable<void> sleep_for(std::chrono::steady_clock::duration span) {
  asio::steady_timer timer(co_await asio::this_coro::executor, span);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace base
