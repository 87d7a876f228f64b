#include "base/offload.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.hpp"
#include "base/thread_memory.hpp"

namespace base {

namespace {

/// Of the thread: shards get nine times its part of a core that both want.
constexpr int kNice = 10;

}  // namespace

void Offload::report() { report_uncaught("offload", std::current_exception()); }

void Offload::add(const Uuid& owner, Work work) {
  const std::lock_guard lock(mutex_);
  XD_ASSERT(!stopping_);
  std::deque<Work>& own = works_[owner];
  own.push_back(std::move(work));
  if (own.size() == 1) turns_.push_back(owner);
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  news_.notify_one();
}

void Offload::loop() {
  pthread_setname_np(pthread_self(), "offload");
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
  std::unique_lock lock(mutex_);
  while (true) {
    wait_for_work(news_, lock, [this] { return stopping_ || !turns_.empty(); });
    if (turns_.empty()) return;
    const Uuid owner = turns_.front();
    turns_.pop_front();
    const auto own = works_.find(owner);
    Work work = std::move(own->second.front());
    own->second.pop_front();
    if (own->second.empty()) {
      works_.erase(own);
    } else {
      turns_.push_back(owner);
    }
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

void Offload::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    news_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace base
