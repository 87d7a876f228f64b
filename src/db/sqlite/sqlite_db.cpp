// The embedded store: one writer thread that commits whatever is waiting as one transaction, and a few
// readers.
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "db/inbox.hpp"
#include "db/inspect.hpp"
#include "db/mutant.hpp"
#include "db/sqlite/checkpoint.hpp"
#include "db/sqlite/connection.hpp"
#include "db/sqlite/room.hpp"

namespace db {

namespace {

using base::Code;
using base::fail;
using base::Result;

/// Under load commits begin no closer together than this: one writes whole pages and waits for the disk,
/// however little it carries, so that many small ones cost more of both than they give.
constexpr auto kCommitInterval = std::chrono::microseconds{1000};
constexpr std::size_t kJobsPerCommit = 256;

class SqliteTx final : public Tx {
 public:
  explicit SqliteTx(SqliteConnection& connection) : connection_(connection) {}

  Engine engine() const override { return Engine::sqlite; }
  Result<void> each(std::string_view sql, std::size_t width, std::span<const Arg> args,
                    const EachSink& sink) override {
    return unless_failed([&] { return connection_.each(sql, width, args, sink); });
  }
  Result<void> script(std::string_view sql) override {
    return unless_failed([&] { return connection_.script(std::string(sql)); });
  }
  void on_commit(std::move_only_function<void()> hook) override { hooks.push_back(std::move(hook)); }

  std::vector<std::move_only_function<void()>> hooks;
  /// The first error of the closure that runs; also one that the closure overlooks undoes all it did.
  std::optional<base::Error> failed;

 protected:
  Result<std::int64_t> run(std::string_view sql, std::span<const Arg> args, const RowSink* sink) override {
    return unless_failed([&] { return connection_.run(sql, args, sink); });
  }

 private:
  template <class F>
  auto unless_failed(F statement) -> std::invoke_result_t<F> {
    if (failed) return std::unexpected(*failed);
    auto result = statement();
    if (!result) failed = result.error();
    return result;
  }

  SqliteConnection& connection_;
};

/// The closure's result; an exception of it is a bug and becomes Code::internal.
Result<void> run_guarded(Db::Work& work, SqliteTx& tx) {
  Result<void> result;
  tx.failed.reset();
  try {
    result = work(tx);
  } catch (...) {  // edge: a database thread must survive a closure
    base::report_uncaught("database closure", std::current_exception());
    result = fail(Code::internal, "a database closure threw; see the log");
  }
  if (result && tx.failed) result = std::unexpected(*tx.failed);
  return result;
}

/// Runs the hooks in order and destroys them; one that throws is a bug and stops nobody else.
void run_hooks(std::vector<std::move_only_function<void()>>& hooks) {
  for (auto& hook : hooks) {
    try {
      hook();
    } catch (...) {  // edge: the commit has happened, everybody must hear of it
      base::report_uncaught("commit hook", std::current_exception());
    }
  }
  hooks.clear();
}

class SqliteDb final : public Db {
 public:
  /// writer: null for a store that is only looked at.
  SqliteDb(SqliteOptions options, std::unique_ptr<SqliteConnection> writer,
           std::vector<std::unique_ptr<SqliteConnection>> readers)
      : options_(std::move(options)),
        writer_(std::move(writer)),
        readers_(std::move(readers)),
        room_(std::filesystem::path(options_.path).parent_path(), options_.reserve_bytes),
        commit_seconds_(base::metrics().histogram("crossdock_storage_commit_seconds",
                                                  "From BEGIN to the end of COMMIT, fsync included",
                                                  {{"store", options_.durable ? "core" : "log"}})),
        checkpoint_seconds_(base::metrics().histogram("crossdock_storage_checkpoint_seconds",
                                                      "Copying the write-ahead log into the database",
                                                      {{"store", options_.durable ? "core" : "log"}})) {
    if (writer_) {
      threads_.emplace_back([this] { write_loop(); });
      pthread_setname_np(threads_.back().native_handle(), options_.durable ? "db-writer" : "log-writer");
    }
    for (const auto& reader : readers_) {
      threads_.emplace_back([this, &reader] { read_loop(*reader); });
      pthread_setname_np(threads_.back().native_handle(), "db-reader");
    }
  }
  ~SqliteDb() override { stop(); }

  Engine engine() const override { return Engine::sqlite; }
  void submit_write(Work work, Done done) override {
    if (!writer_) return done(fail(Code::unavailable, options_.path + " is open for reading only"));
    writes_.push({std::move(work), std::move(done)});
  }
  void submit_read(Work work, Done done, std::chrono::milliseconds time) override {
    reads_.push({std::move(work), std::move(done), time});
  }
  std::size_t writes_waiting() const override { return writes_.size(); }
  bool has_room() const override { return room_.has_room(); }

  void stop() override {
    writes_.close();
    reads_.close();
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
    // The writer's connection is closed last, because that copies the log; readers never touch it.
    readers_.clear();
    if (writer_ && fatal_) writer_->abandon();
    writer_.reset();
  }

 private:
  void write_loop() {
    // Nobody waits for the log store: it lets the others go first.
    if (!options_.durable) (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
    while (true) {
      std::deque<Job> jobs = writes_.take(kJobsPerCommit);
      if (jobs.empty()) return;
      const auto begun = base::steady_now();
      const int frames_before = writer_->wal_frames();
      commit(jobs);
      if (is_checkpoint_due(frames_before, writer_->wal_frames())) checkpoint();
      room_.look();
      // tidy: allow sleep this thread does nothing but commit
      if (writes_.size() > 0) std::this_thread::sleep_until(begun + kCommitInterval);
    }
  }

  void checkpoint() {
    const auto begun = base::steady_now();
    if (auto copied = writer_->checkpoint(); !copied) ended_badly(copied.error());
    checkpoint_seconds_.observe(std::chrono::duration<double>(base::steady_now() - begun).count());
  }

  /// Runs the jobs each in a savepoint and commits them together; nobody hears of success before the commit
  /// returned.
  void commit(std::deque<Job>& jobs) {
    const auto begun = base::steady_now();
    SqliteTx tx(*writer_);
    std::vector<Result<void>> results;
    results.reserve(jobs.size());
    Result<void> outcome = control("BEGIN IMMEDIATE");
    for (auto job = jobs.begin(); outcome && job != jobs.end(); ++job) {
      results.push_back(run_in_savepoint(*job, tx));
      // Some failures (a full disk) end the whole transaction, and with it what the jobs before have done.
      if (!writer_->in_transaction()) outcome = std::unexpected(results.back().error());
    }
    if (outcome && mutant("ack_before_commit")) {
      for (std::size_t i = 0; i < jobs.size(); ++i) std::exchange(jobs[i].done, [](auto) {})(results[i]);
    }
    if (outcome) outcome = control("COMMIT");
    if (outcome) {
      run_hooks(tx.hooks);
    } else {
      tx.hooks.clear();
      if (writer_->in_transaction()) (void)control("ROLLBACK");
      ended_badly(outcome.error());
    }
    commit_seconds_.observe(std::chrono::duration<double>(base::steady_now() - begun).count());
    // Closures go before the answers: what they refer to may end with the caller.
    for (Job& job : jobs) job.work = nullptr;
    for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].done(outcome ? std::move(results[i]) : outcome);
  }

  Result<void> run_in_savepoint(Job& job, SqliteTx& tx) {
    const std::size_t hooks_before = tx.hooks.size();
    XD_DO(control("SAVEPOINT job"));
    Result<void> result = run_guarded(job.work, tx);
    if (!result) {
      tx.hooks.resize(hooks_before);
      if (is_fatal(result.error())) ended_badly(result.error());
      if (writer_->in_transaction()) XD_DO(control("ROLLBACK TO job"));
    }
    if (writer_->in_transaction()) XD_DO(control("RELEASE job"));
    return result;
  }

  Result<void> control(std::string_view statement) {
    XD_DO(writer_->run(statement, {}, nullptr));
    return {};
  }

  void ended_badly(const base::Error& error) {
    if (is_fatal(error)) failed_fatally(error);
    if (error.reason == "STORAGE_FULL") room_.ran_out();
  }

  void failed_fatally(const base::Error& error) {
    fatal_ = true;
    options_.on_fatal(error.message);
  }

  void read_loop(SqliteConnection& connection) {
    while (true) {
      std::deque<Job> jobs = reads_.take(1);
      if (jobs.empty()) return;
      connection.set_deadline(base::steady_now() + jobs.front().time);
      SqliteTx tx(connection);
      Result<void> result;
      if (auto begun = connection.run("BEGIN", {}, nullptr); !begun) result = std::unexpected(begun.error());
      if (result) result = run_guarded(jobs.front().work, tx);
      if (connection.in_transaction()) (void)connection.run("ROLLBACK", {}, nullptr);
      if (!result && is_fatal(result.error())) failed_fatally(result.error());
      jobs.front().work = nullptr;
      jobs.front().done(std::move(result));
    }
  }

  SqliteOptions options_;
  std::unique_ptr<SqliteConnection> writer_;
  std::vector<std::unique_ptr<SqliteConnection>> readers_;
  Inbox writes_;
  Inbox reads_;
  Room room_;
  base::Histogram& commit_seconds_;
  base::Histogram& checkpoint_seconds_;
  std::atomic<bool> fatal_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

void stop_process(const std::string& reason) {
  base::log(base::LogLevel::error,
            "the store can no longer be trusted; stopping so that nothing false is acknowledged",
            {{"reason", reason}});
  std::_Exit(74);
}

Result<std::unique_ptr<Db>> open_sqlite(SqliteOptions options) {
  using Role = SqliteConnection::Role;
  XD_TRY(auto writer,
         SqliteConnection::open(options.path, options.durable ? Role::writer : Role::log_writer));
  std::vector<std::unique_ptr<SqliteConnection>> readers;
  for (int i = 0; i < options.readers; ++i) {
    XD_TRY(auto reader, SqliteConnection::open(options.path, Role::reader));
    readers.push_back(std::move(reader));
  }
  return std::make_unique<SqliteDb>(std::move(options), std::move(writer), std::move(readers));
}

Result<std::unique_ptr<Db>> open_sqlite_unchanged(const std::string& path) {
  std::vector<std::unique_ptr<SqliteConnection>> readers;
  XD_TRY(auto reader, SqliteConnection::open(path, SqliteConnection::Role::inspector));
  readers.push_back(std::move(reader));
  // Nothing is acknowledged here, so what cannot be read is an error as any other.
  SqliteOptions options{.path = path, .readers = 1, .on_fatal = [](const std::string&) {}};
  return std::make_unique<SqliteDb>(std::move(options), nullptr, std::move(readers));
}

}  // namespace db
