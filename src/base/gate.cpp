#include "base/gate.hpp"

#include <boost/asio/co_spawn.hpp>

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace base {

bool Gate::spawn(const char* name, Task<void> work) {
  if (closing_) return false;
  ++running_;
  asio::co_spawn(executor_, std::move(work), [this, name](std::exception_ptr uncaught, Result<void> result) {
    if (uncaught) {
      report_uncaught(name, uncaught);
    } else if (!result && result.error().code != Code::cancelled) {
      log(LogLevel::warn, "background work failed",
          {{"work", name}, {"code", base::name(result.error().code)}, {"error", result.error().message}});
    }
    leave();
  });
  return true;
}

asio::awaitable<void> Gate::close() {
  closing_ = true;
  if (running_ > 0) co_await emptied_.wait();
}

void Gate::leave() {
  XD_ASSERT(running_ > 0);
  if (--running_ == 0 && emptied_.waiting()) emptied_.give(true);
}

}  // namespace base
