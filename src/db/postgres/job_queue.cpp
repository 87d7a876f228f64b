#include "db/postgres/job_queue.hpp"

#include "base/log.hpp"
#include "base/thread_memory.hpp"

namespace db {

namespace {

using base::Code;
using Clock = std::chrono::steady_clock;

}  // namespace

void JobQueue::push(Db::Work work, Db::Done done, std::chrono::milliseconds time) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      items_.push_back({std::move(work), std::move(done), Clock::now(), time});
      arrived_.notify_one();
      return;
    }
  }
  work = nullptr;
  answer(done, base::fail(Code::unavailable, "the store is shutting down"));
}

void JobQueue::put_back(Item item) {
  const std::lock_guard lock(mutex_);
  items_.push_front(std::move(item));
  arrived_.notify_one();
}

std::optional<JobQueue::Item> JobQueue::take() {
  std::unique_lock lock(mutex_);
  base::wait_for_work(arrived_, lock, [this] { return closed_ || !items_.empty(); });
  if (items_.empty()) return std::nullopt;
  Item item = std::move(items_.front());
  items_.pop_front();
  if (closed_ && items_.empty()) drained_.notify_all();
  return item;
}

std::size_t JobQueue::size() const {
  const std::lock_guard lock(mutex_);
  return items_.size();
}

void JobQueue::connected() {
  const std::lock_guard lock(mutex_);
  ++connections_;
}

void JobQueue::disconnected() {
  const std::lock_guard lock(mutex_);
  if (--connections_ == 0) down_since_ = Clock::now();
}

bool JobQueue::wait_for_connection(base::Steady until) {
  while (true) {
    std::deque<Item> expired;
    {
      std::unique_lock lock(mutex_);
      base::Steady wake = until;
      if (connections_ == 0 && !items_.empty()) wake = std::min(wake, expires(items_.front()));
      drained_.wait_until(lock, wake, [this] { return closed_ && items_.empty(); });
      if (closed_ && items_.empty()) return false;
      expired = take_expired(Clock::now());
    }
    for (Item& item : expired) {
      item.work = nullptr;
      answer(item.done, base::fail(Code::unavailable, "the store cannot be reached; try again later"));
    }
    if (Clock::now() >= until) return true;
  }
}

std::deque<JobQueue::Item> JobQueue::take_expired(base::Steady now) {
  std::deque<Item> expired;
  while (connections_ == 0 && !items_.empty() && expires(items_.front()) <= now) {
    expired.push_back(std::move(items_.front()));
    items_.pop_front();
  }
  if (closed_ && items_.empty()) drained_.notify_all();
  return expired;
}

void JobQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  arrived_.notify_all();
  drained_.notify_all();
}

void answer(Db::Done& done, base::Result<void> result) {
  try {
    done(std::move(result));
  } catch (...) {  // edge: a database thread must survive its callers
    base::report_uncaught("database answer", std::current_exception());
  }
}

}  // namespace db
