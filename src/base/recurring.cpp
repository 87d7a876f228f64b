#include "base/recurring.hpp"

#include "base/log.hpp"

namespace base {

void Recurring::start(const char* name, std::chrono::steady_clock::duration interval,
                      std::move_only_function<Task<void>()> work) {
  XD_ASSERT(!work_);
  work_ = std::move(work);
  gate_.spawn(name, repeat(name, interval));
}

Task<void> Recurring::repeat(const char* name, std::chrono::steady_clock::duration interval) {
  while (!stopping_) {
    timer_.expires_after(interval);
    boost::system::error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (stopping_) break;
    try {
      if (auto done = co_await work_(); !done) {
        log(LogLevel::warn, "recurring work failed; it is tried again",
            {{"work", name}, {"code", base::name(done.error().code)}, {"error", done.error().message}});
      }
    } catch (...) {  // edge: the rounds to come must not end with this one
      report_uncaught(name, std::current_exception());
    }
  }
  co_return Result<void>{};
}

asio::awaitable<void> Recurring::stop() {
  stopping_ = true;
  timer_.cancel();
  co_await gate_.close();
}

}  // namespace base
