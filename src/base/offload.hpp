// Computation that would hold a shard up, on a thread beside the shards.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "base/id.hpp"
#include "base/task.hpp"

namespace base {

/// One thread, which lets the shards go first and is started when it is needed. Works of one owner (a tenant)
/// run in their order; owners take turns, work for work, so that whoever asks for much delays only himself. A
/// work takes a few milliseconds at most: whoever has more to do asks again.
class Offload {
 public:
  Offload() = default;
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;
  ~Offload() { stop(); }

  /// Runs work() -> Result<T> on the thread and resumes where it was called. What work refers to outlives the
  /// wait. Error: what work returns; internal, where it throws.
  template <class F>
  auto run(const Uuid& owner, F work) -> asio::awaitable<std::invoke_result_t<F&>> {
    using R = std::invoke_result_t<F&>;
    co_return co_await from_callback<R>([this, owner, work = std::move(work)](auto done) mutable {
      add(owner, [work = std::optional<F>(std::move(work)), done = std::move(done)]() mutable {
        R result = guarded<R>(*work);
        work.reset();  // what it refers to may end with the caller
        done(std::move(result));
      });
    });
  }

  /// Runs what was asked for and ends the thread. Nothing may be asked for afterwards.
  void stop();

 private:
  using Work = std::move_only_function<void()>;

  template <class R, class F>
  static R guarded(F& work) {
    try {
      return work();
    } catch (...) {  // edge: the thread must survive a work, and its caller must hear of it
      report();
      return fail(Code::internal, "a computation threw; see the log");
    }
  }
  static void report();

  void add(const Uuid& owner, Work work);
  void loop();

  std::mutex mutex_;  // of all below
  std::condition_variable news_;
  std::map<Uuid, std::deque<Work>> works_;
  std::deque<Uuid> turns_;  // owners that have works, in the order of their turns
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace base
