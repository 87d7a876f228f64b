// Jobs on their way to the connections of one kind, all of which may be down for a while.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "db/db.hpp"

namespace db {

/// Thread-safe. Any thread pushes; one thread for each connection takes. While no connection is up, jobs
/// wait, but none longer than the outage wait: then it is answered with unavailable, and the sender knows.
class JobQueue {
 public:
  explicit JobQueue(std::chrono::milliseconds outage_wait = std::chrono::seconds{5})
      : outage_wait_(outage_wait) {}

  struct Item {
    Db::Work work;
    Db::Done done;
    base::Steady submitted;
    std::chrono::milliseconds time{};  ///< of a read: how long it may take
  };

  /// Hands the job over; after close() its done is called with unavailable, on the calling thread.
  void push(Db::Work work, Db::Done done, std::chrono::milliseconds time = {});
  /// Gives back what was taken and not begun; it is the next to be taken.
  void put_back(Item item);
  /// Waits for a job; nothing when closed and drained.
  std::optional<Item> take();
  std::size_t size() const;

  /// A connection came up, or went down.
  void connected();
  void disconnected();
  /// Waits, for a thread whose connection is down, until the time; meanwhile gives up jobs that no connection
  /// came for. Returns false, at once, when closed and drained.
  bool wait_for_connection(base::Steady until);

  /// Takes no more jobs; those inside are still run or answered.
  void close();

 private:
  /// Takes out the jobs that have waited for long enough.
  std::deque<Item> take_expired(base::Steady now);
  base::Steady expires(const Item& item) const {
    return std::max(item.submitted, down_since_) + outage_wait_;
  }

  const std::chrono::milliseconds outage_wait_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable drained_;
  std::deque<Item> items_;
  bool closed_ = false;
  int connections_ = 0;
  base::Steady down_since_ = base::steady_now();  // while connections_ is 0
};

/// Calls done, whose exceptions are reported and end here.
void answer(Db::Done& done, base::Result<void> result);

}  // namespace db
