// A handler of tasks that does what a test says, and remembers what it was asked to do.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "queue/task.hpp"

namespace testing {

/// Thread-safe. record() leaves a row for each finished run, so that a test sees what the transaction held:
/// make_table() first.
class ScriptedHandler final : public queue::Handler {
 public:
  struct Run {
    queue::TaskId task;
    int attempt;
    int unknown_attempts;
    base::Time at;
    bool hydrated;  ///< the task came from the table
  };
  using Script = std::function<queue::Outcome(const queue::Task&)>;

  /// Without a script every task is done at once.
  explicit ScriptedHandler(const base::Clock& clock, Script script = nullptr)
      : clock_(clock), script_(std::move(script)) {}

  static base::Result<void> make_table(db::Tx& tx) {
    return tx.script(
        "CREATE TABLE IF NOT EXISTS recorded"
        " (task_id UUID NOT NULL, verdict BIGINT NOT NULL, stale BIGINT NOT NULL)");
  }

  /// From now on runs begin, but do not end before release().
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
  }
  /// From now on record() blocks its database thread until release_records().
  void hold_records() {
    const std::lock_guard lock(mutex_);
    records_held_ = true;
  }
  void release_records() {
    const std::lock_guard lock(mutex_);
    records_held_ = false;
    records_released_.notify_all();
  }
  /// record() fails, as the store does with what it cannot keep, where one of the runs has a report and is of
  /// this task.
  void refuse_report_of(queue::TaskId task) { refused_ = task; }
  /// shorten() leaves no report, and the verdict as it is.
  void let_reports_be_shortened() { shortens_ = true; }
  /// The next so many calls of record() fail, as the store does that cannot work.
  void fail_records(int count) { failures_ = count; }
  /// Bytes that hydrate() says a task's payload has.
  void set_payload_bytes(std::size_t bytes) { payload_bytes_ = bytes; }

  std::vector<Run> runs() const {
    const std::lock_guard lock(mutex_);
    return runs_;
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return runs_.size();
  }
  std::size_t running() const {
    const std::lock_guard lock(mutex_);
    return running_;
  }
  /// How often tasks were read from the table.
  std::size_t hydrations() const { return hydrations_; }
  /// The most that ran at the same time.
  std::size_t running_most() const {
    const std::lock_guard lock(mutex_);
    return running_most_;
  }

  base::Result<void> hydrate(db::Tx&, std::span<queue::Task> tasks) const override {
    ++hydrations_;
    for (queue::Task& task : tasks) {
      task.payload = std::make_shared<int>(0);
      task.payload_bytes = payload_bytes_;
    }
    return {};
  }

  asio::awaitable<queue::Outcome> run(const queue::Task& task) override {
    begin(task);
    while (held()) co_await base::sleep_for(std::chrono::milliseconds{1});
    end();
    co_return script_ ? script_(task) : queue::Outcome{queue::Verdict::done(), queue::Signal::success};
  }

  bool shorten(queue::Outcome& outcome) const override {
    if (shortens_) outcome.report.reset();
    return shortens_;
  }

  base::Result<void> record(db::Tx& tx, std::span<const queue::Finished> finished) const override {
    wait_for_release();
    if (failures_ > 0 && failures_-- > 0) return base::fail(base::Code::internal, "the test fails the store");
    std::vector<db::Arg> args;
    for (const queue::Finished& one : finished) {
      if (one.task->id == refused_ && one.outcome->report) {
        return base::fail(base::Code::invalid, "the test refuses this report");
      }
      args.insert(args.end(),
                  {one.task->id, static_cast<std::int64_t>(one.outcome->verdict.kind), one.stale});
    }
    return tx.each("INSERT INTO recorded (task_id, verdict, stale) VALUES ($1, $2, $3)", 3, args);
  }

 private:
  void begin(const queue::Task& task) {
    const std::lock_guard lock(mutex_);
    runs_.push_back({task.id, task.attempt, task.unknown_attempts, clock_.now(), task.payload != nullptr});
    running_most_ = std::max(running_most_, ++running_);
  }
  void end() {
    const std::lock_guard lock(mutex_);
    --running_;
  }
  void wait_for_release() const {
    std::unique_lock lock(mutex_);
    records_released_.wait(lock, [this] { return !records_held_; });
  }
  bool held() const {
    const std::lock_guard lock(mutex_);
    return held_;
  }

  const base::Clock& clock_;
  const Script script_;
  queue::TaskId refused_{};
  std::atomic<bool> shortens_ = false;
  mutable std::atomic<int> failures_ = 0;
  std::atomic<std::size_t> payload_bytes_ = 0;
  mutable std::atomic<std::size_t> hydrations_ = 0;
  mutable std::mutex mutex_;  // of all below
  std::vector<Run> runs_;
  std::size_t running_ = 0;
  std::size_t running_most_ = 0;
  bool held_ = false;
  bool records_held_ = false;
  mutable std::condition_variable records_released_;
};

}  // namespace testing
