// A store that fails, or keeps its callers waiting, when a test says so; a real one does its work.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "db/db.hpp"

namespace testing {

/// Thread-safe.
class FaultyDb final : public db::Db {
 public:
  explicit FaultyDb(db::Db& store) : store_(store) {}

  /// The next so many writes are refused without having been tried.
  void refuse_writes(int count) {
    const std::lock_guard lock(mutex_);
    refuse_ = count;
  }
  /// The same of reads.
  void refuse_reads(int count) {
    const std::lock_guard lock(mutex_);
    refuse_reads_ = count;
  }
  /// The next so many writes are done, but their callers are told that the connection broke during the
  /// commit.
  void lose_answers(int count) {
    const std::lock_guard lock(mutex_);
    lose_ = count;
  }
  int refusals_left() const {
    const std::lock_guard lock(mutex_);
    return refuse_;
  }

  /// Writes that were asked for.
  std::size_t writes() const {
    const std::lock_guard lock(mutex_);
    return writes_;
  }

  /// From now on reads are done, but their callers wait for the result until release_reads().
  void hold_reads() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
  }
  void release_reads() {
    std::vector<Held> held;
    {
      const std::lock_guard lock(mutex_);
      holding_ = false;
      held = std::exchange(held_, {});
    }
    for (Held& one : held) one.done(std::move(one.result));
  }
  /// Reads that were done and whose callers wait.
  std::size_t reads_held() const {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }

  db::Engine engine() const override { return store_.engine(); }
  void submit_write(Work work, Done done) override {
    switch (next_write()) {
      case Fault::none: return store_.submit_write(std::move(work), std::move(done));
      case Fault::refuse: return done(base::fail(base::Code::unavailable, "the test refuses this write"));
      case Fault::lose:
        return store_.submit_write(std::move(work), [done = std::move(done)](base::Result<void>) mutable {
          done(base::fail(base::Code::unavailable, "the test broke the connection", "OUTCOME_UNKNOWN"));
        });
    }
  }
  void submit_read(Work work, Done done, std::chrono::milliseconds time) override {
    if (refuses_read()) return done(base::fail(base::Code::unavailable, "the test refuses this read"));
    const auto finish = [this](Done waiting, base::Result<void> result) {
      {
        const std::lock_guard lock(mutex_);
        if (holding_) {
          held_.push_back({std::move(waiting), std::move(result)});
          return;
        }
      }
      waiting(std::move(result));
    };
    store_.submit_read(
        std::move(work),
        [finish, done = std::move(done)](base::Result<void> result) mutable {
          finish(std::move(done), std::move(result));
        },
        time);
  }
  /// What it says of the disk.
  void set_room(bool has_room) { has_room_ = has_room; }
  bool has_room() const override { return has_room_; }
  std::size_t writes_waiting() const override { return store_.writes_waiting(); }
  void stop() override { store_.stop(); }

 private:
  enum class Fault : std::uint8_t { none, refuse, lose };
  struct Held {
    Done done;
    base::Result<void> result;
  };

  Fault next_write() {
    const std::lock_guard lock(mutex_);
    ++writes_;
    if (refuse_ > 0) {
      --refuse_;
      return Fault::refuse;
    }
    if (lose_ > 0) {
      --lose_;
      return Fault::lose;
    }
    return Fault::none;
  }

  bool refuses_read() {
    const std::lock_guard lock(mutex_);
    if (refuse_reads_ == 0) return false;
    --refuse_reads_;
    return true;
  }

  db::Db& store_;
  std::atomic<bool> has_room_ = true;
  mutable std::mutex mutex_;  // of all below
  std::size_t writes_ = 0;
  int refuse_ = 0;
  int lose_ = 0;
  int refuse_reads_ = 0;
  bool holding_ = false;
  std::vector<Held> held_;
};

}  // namespace testing
