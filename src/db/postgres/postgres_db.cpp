// The shared store: a few connections to PostgreSQL, each with a thread of its own.
#include <pthread.h>

#include <random>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "db/postgres/connection.hpp"
#include "db/postgres/job_queue.hpp"
#include "db/postgres/transaction.hpp"

namespace db {

namespace {

using base::LogLevel;
using base::Result;

/// Time between attempts to connect: 50 ms, doubling to 2 s, each shortened by chance to between half and all
/// of it so that the nodes of an installation do not return at one moment.
class Backoff {
 public:
  std::chrono::milliseconds next() {
    const std::chrono::milliseconds full = std::exchange(next_, std::min(next_ * 2, kLongest));
    return std::chrono::milliseconds(std::uniform_int_distribution(full.count() / 2, full.count())(random_));
  }

 private:
  static constexpr std::chrono::milliseconds kShortest{50};
  static constexpr std::chrono::milliseconds kLongest{2000};

  std::chrono::milliseconds next_ = kShortest;
  std::minstd_rand random_{std::random_device{}()};
};

class PostgresDb final : public Db {
 public:
  PostgresDb(PostgresOptions options, std::unique_ptr<PostgresConnection> first)
      : options_(std::move(options)),
        commit_seconds_(base::metrics().histogram("crossdock_storage_commit_seconds",
                                                  "From BEGIN to the end of COMMIT, fsync included",
                                                  {{"store", "postgres"}})) {
    for (int i = 0; i < options_.writers; ++i) start(PostgresTx::Kind::write, std::move(first));
    for (int i = 0; i < options_.readers; ++i) start(PostgresTx::Kind::read, nullptr);
  }
  ~PostgresDb() override { stop(); }

  Engine engine() const override { return Engine::postgres; }
  void submit_write(Work work, Done done) override { writes_.push(std::move(work), std::move(done)); }
  void submit_read(Work work, Done done, std::chrono::milliseconds time) override {
    reads_.push(std::move(work), std::move(done), time);
  }
  std::size_t writes_waiting() const override { return writes_.size(); }

  void stop() override {
    writes_.close();
    reads_.close();
    const std::lock_guard lock(stopping_);
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

 private:
  using Kind = PostgresTx::Kind;

  void start(Kind kind, std::unique_ptr<PostgresConnection> connection) {
    threads_.emplace_back(
        [this, kind, connection = std::move(connection)]() mutable { serve(kind, std::move(connection)); });
    pthread_setname_np(threads_.back().native_handle(), kind == Kind::write ? "db-writer" : "db-reader");
  }

  /// One thread: takes jobs while it has a connection, looks for a connection while it has none.
  void serve(Kind kind, std::unique_ptr<PostgresConnection> connection) {
    JobQueue& jobs = kind == Kind::write ? writes_ : reads_;
    while (connection || (connection = connect(jobs))) {
      jobs.connected();
      const bool more = serve_until_lost(kind, jobs, *connection);
      jobs.disconnected();
      if (!more) return;
      base::log(LogLevel::warn, "lost the connection to PostgreSQL",
                {{"error", connection->why_lost().message}});
      connection.reset();
    }
  }

  /// Returns whether there is more to do, on another connection.
  bool serve_until_lost(Kind kind, JobQueue& jobs, PostgresConnection& connection) {
    while (!connection.lost()) {
      std::optional<JobQueue::Item> job = jobs.take();
      if (!job) return false;
      // A connection that broke while nothing was asked of it costs nobody an error.
      if (connection.usable()) {
        perform(kind, *job, connection);
      } else {
        jobs.put_back(std::move(*job));
      }
    }
    return true;
  }

  void perform(Kind kind, JobQueue::Item& job, PostgresConnection& connection) {
    const auto begun = base::steady_now();
    Result<void> result = PostgresTx(connection, kind, job.time).perform(job.work);
    if (kind == Kind::write) {
      commit_seconds_.observe(std::chrono::duration<double>(base::steady_now() - begun).count());
    }
    // What the closure holds goes first: it may refer to what ends when the caller hears of the result.
    job.work = nullptr;
    answer(job.done, std::move(result));
  }

  /// Tries until there is a connection; nothing when the store was stopped and all jobs were answered.
  std::unique_ptr<PostgresConnection> connect(JobQueue& jobs) {
    Backoff backoff;
    for (bool failed = false;; failed = true) {
      auto opened = PostgresConnection::open(options_);
      if (opened) {
        if (failed) base::log(LogLevel::info, "connected to PostgreSQL again");
        return std::move(*opened);
      }
      if (!failed) {
        base::log(LogLevel::warn, "cannot connect to PostgreSQL; trying again",
                  {{"error", opened.error().message}});
      }
      if (!jobs.wait_for_connection(base::steady_now() + backoff.next())) return nullptr;
    }
  }

  PostgresOptions options_;
  base::Histogram& commit_seconds_;
  JobQueue writes_;
  JobQueue reads_;
  std::mutex stopping_;
  std::vector<std::thread> threads_;
};

}  // namespace

Result<std::unique_ptr<Db>> open_postgres(PostgresOptions options) {
  XD_ASSERT(options.writers > 0 && options.readers > 0);
  XD_TRY(auto first, PostgresConnection::open(options));
  if (!first->durable()) {
    base::log(LogLevel::warn, "PostgreSQL runs with fsync=off: what is acknowledged can be lost; turn it on");
  }
  return std::make_unique<PostgresDb>(std::move(options), std::move(first));
}

}  // namespace db
