// Closures on their way to a database thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "base/thread_memory.hpp"
#include "db/db.hpp"

namespace db {

struct Job {
  Db::Work work;
  Db::Done done;
  std::chrono::milliseconds time{};  ///< of a read: how long it may take
};

/// A queue between threads: any may push, database threads take. Unbounded by itself; what feeds it is
/// bounded (kWritesPendingMax items of each Batcher, one request of each connection).
class Inbox {
 public:
  /// Hands the job over; after close() its done is answered with unavailable, on the calling thread.
  void push(Job job) {
    {
      const std::lock_guard lock(mutex_);
      if (!closed_) {
        jobs_.push_back(std::move(job));
        arrived_.notify_one();
        return;
      }
    }
    job.done(base::fail(base::Code::unavailable, "the store is shutting down"));
  }

  /// Waits for jobs and takes at most `most`; empty only when closed and drained.
  std::deque<Job> take(std::size_t most) {
    std::unique_lock lock(mutex_);
    base::wait_for_work(arrived_, lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.size() <= most) return std::exchange(jobs_, {});
    std::deque<Job> taken;
    for (; taken.size() < most; jobs_.pop_front()) taken.push_back(std::move(jobs_.front()));
    return taken;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    arrived_.notify_all();
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Job> jobs_;
  bool closed_ = false;
};

}  // namespace db
