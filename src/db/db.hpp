// The door to the store: closures that run in a transaction on a database thread, on SQLite or on PostgreSQL.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "db/arg.hpp"

namespace db {

enum class Engine : std::uint8_t { sqlite, postgres };

/// A transaction, open while the closure that got it runs; plain synchronous calls on a database thread.
///
/// SQL is written in the subset both engines speak: parameters $1…$n, ON CONFLICT … RETURNING, row values,
/// partial indexes, CAST($1 AS BIGINT) where a null parameter has no column to take its type from. All
/// integers are BIGINT, times are microseconds (BIGINT), booleans 0/1 (BIGINT), ids UUID, bytes BYTEA, JSON
/// is TEXT; sums are CAST(SUM(x) AS BIGINT). Text is UTF-8 without zero bytes. Statements are prepared once
/// per connection and kept by their text, so the text should be a constant.
///
/// Errors of every call (all of them internal: what a store says is for the log): conflict (unique or foreign
/// key), unavailable (busy, disk full with reason STORAGE_FULL, connection lost, statement timeout,
/// deadlock), invalid (a bug in the SQL, a parameter of the wrong type, a null or a check that is broken),
/// corrupt. After an error the transaction can only be given up: the closure returns the error; if it does
/// not, it fails with the first one all the same.
class Tx {
 public:
  template <class T>
  using Result = base::Result<T>;
  using RowSink = std::function<void(const Row&)>;
  /// index of the execution; rows changed by it, or for a statement that returns rows 1 or 0; its first row
  /// or nullptr.
  using EachSink = std::function<void(std::size_t index, std::int64_t rows, const Row* first)>;

  virtual ~Tx() = default;
  virtual Engine engine() const = 0;

  /// Runs one statement; returns the number of rows changed (INSERT, UPDATE, DELETE without RETURNING).
  Result<std::int64_t> exec(std::string_view sql, std::initializer_list<Arg> args = {}) {
    return run(sql, std::span(args.begin(), args.size()), nullptr);
  }
  Result<std::int64_t> exec(std::string_view sql, const std::vector<Arg>& args) {
    return run(sql, std::span(args), nullptr);
  }
  /// Runs one statement and gives each row to sink; returns the number of rows.
  Result<std::int64_t> query(std::string_view sql, std::initializer_list<Arg> args, const RowSink& sink) {
    return run(sql, std::span(args.begin(), args.size()), &sink);
  }
  /// The same with arguments collected in a vector, for statements put together at run time.
  Result<std::int64_t> query(std::string_view sql, const std::vector<Arg>& args, const RowSink& sink) {
    return run(sql, std::span(args), &sink);
  }
  /// Runs one statement once for each `width` arguments of the flat list: the way to write many rows. One
  /// round trip on PostgreSQL. sink may be empty; it is called in order, once for each execution.
  virtual Result<void> each(std::string_view sql, std::size_t width, std::span<const Arg> args,
                            const EachSink& sink = nullptr) = 0;
  /// Runs several statements without parameters, as in a migration. Parts in /*sqlite … */ or /*postgres … */
  /// are active on that engine only. From here on the transaction has no time limits on PostgreSQL.
  virtual Result<void> script(std::string_view sql) = 0;

  /// Calls hook on this database thread right after the commit, before anybody else hears of it; never on
  /// rollback.
  virtual void on_commit(std::move_only_function<void()> hook) = 0;

 protected:
  virtual Result<std::int64_t> run(std::string_view sql, std::span<const Arg> args, const RowSink* sink) = 0;
};

/// How long a read may take, from its first statement on: its thread is one of few, and others wait for it.
/// The longer one is for what no request waits for, and looks at much.
inline constexpr std::chrono::milliseconds kReadTime{3'000};
inline constexpr std::chrono::milliseconds kLongReadTime{30'000};

/// What a read that took longer ends with: unavailable, reason READ_TOO_LONG.
inline base::Error read_too_long() {
  return {
      base::Code::unavailable,
      "this takes longer to read than a request may; ask for less: a shorter time, fewer or other filters",
      "READ_TOO_LONG"};
}

/// A store. Thread-safe. Closures own what they use or outlive the call; they run at most once, and are gone,
/// with their hooks, before the caller hears of the result.
///
/// write: the commit was durable (fsynced) before the caller hears of success. On SQLite one thread runs all
/// writes in order, many per commit, each in a savepoint of its own. On PostgreSQL each is a transaction of
/// its own on one of a few connections, so order holds only between a write and those begun after it
/// returned. An error with reason OUTCOME_UNKNOWN means that the connection broke during the commit. read: a
/// snapshot; on SQLite other threads and connections, which can never write; ended when its time is over.
class Db {
 public:
  using Work = std::move_only_function<base::Result<void>(Tx&)>;
  using Done = std::move_only_function<void(base::Result<void>)>;

  virtual ~Db() = default;
  virtual Engine engine() const = 0;
  /// done is called on a database thread, once, also when the store is stopping (unavailable).
  virtual void submit_write(Work work, Done done) = 0;
  virtual void submit_read(Work work, Done done, std::chrono::milliseconds time = kReadTime) = 0;
  /// Writes waiting for a database thread: what admission control looks at.
  virtual std::size_t writes_waiting() const = 0;
  /// False while the disk is (almost) full: new work must be refused, what is accepted already may go on.
  virtual bool has_room() const { return true; }
  /// Runs what was submitted, then ends the threads. Later submits are answered with unavailable. May be
  /// repeated.
  virtual void stop() = 0;

  /// co_await db.write([…](Tx& tx) -> Result<T> {…})
  template <class F>
  auto write(F work) -> asio::awaitable<std::invoke_result_t<F&, Tx&>> {
    return perform(std::move(work),
                   [this](Work run, Done done) { submit_write(std::move(run), std::move(done)); });
  }
  template <class F>
  auto read(F work, std::chrono::milliseconds time = kReadTime)
      -> asio::awaitable<std::invoke_result_t<F&, Tx&>> {
    return perform(std::move(work),
                   [this, time](Work run, Done done) { submit_read(std::move(run), std::move(done), time); });
  }
  /// The same for code that has no event loop: start-up, commands, tests. Blocks the calling thread.
  template <class F>
  auto write_now(F work) -> std::invoke_result_t<F&, Tx&> {
    return perform_now(std::move(work),
                       [this](Work run, Done done) { submit_write(std::move(run), std::move(done)); });
  }
  template <class F>
  auto read_now(F work) -> std::invoke_result_t<F&, Tx&> {
    return perform_now(std::move(work), [this](Work run, Done done) {
      submit_read(std::move(run), std::move(done), kLongReadTime);
    });
  }

 private:
  /// Wraps a closure with a value into one without: the value lands in slot. A null value is left out by
  /// Result<void>.
  template <class F, class R>
  static Work storing(F work, std::shared_ptr<std::optional<R>> slot) {
    return [work = std::move(work), slot = std::move(slot)](Tx& tx) mutable -> base::Result<void> {
      R result = work(tx);
      if (!result) return std::unexpected(result.error());
      slot->emplace(std::move(result));
      return {};
    };
  }

  template <class F, class Submit>
  asio::awaitable<std::invoke_result_t<F&, Tx&>> perform(F work, Submit submit) {
    using R = std::invoke_result_t<F&, Tx&>;
    auto slot = std::make_shared<std::optional<R>>();
    auto run = storing<F, R>(std::move(work), slot);
    base::Result<void> done = co_await base::from_callback<base::Result<void>>(
        [submit, run = std::move(run)](auto finish) mutable { submit(std::move(run), std::move(finish)); });
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return std::move(**slot);
  }

  template <class F, class Submit>
  std::invoke_result_t<F&, Tx&> perform_now(F work, Submit submit) {
    using R = std::invoke_result_t<F&, Tx&>;
    auto slot = std::make_shared<std::optional<R>>();
    auto promise = std::make_shared<std::promise<base::Result<void>>>();
    auto done = promise->get_future();
    submit(storing<F, R>(std::move(work), slot),
           [promise](base::Result<void> result) { promise->set_value(std::move(result)); });
    base::Result<void> result = done.get();
    if (!result) return std::unexpected(std::move(result).error());
    return std::move(**slot);
  }
};

/// Called when the store can no longer be trusted (an fsync or I/O error): must not return. The default logs
/// the reason and ends the process with status 74 (EX_IOERR), so that nothing more is acknowledged.
using OnFatal = std::function<void(const std::string& reason)>;
[[noreturn]] void stop_process(const std::string& reason);

struct SqliteOptions {
  std::string path{};  ///< the database file; its directory exists
  int readers = 2;
  bool durable = true;  ///< synchronous=FULL; false is for the log store, which nothing depends on
  /// Kept free on the disk: below this has_room() is false. A file of this size lies beside the database and
  /// is given up when a commit fails for want of room, so that what is accepted can still be finished. 0:
  /// neither.
  std::uint64_t reserve_bytes = 0;
  OnFatal on_fatal = stop_process;
};

struct PostgresOptions {
  std::string url{};
  std::string schema{};  ///< created when missing, and all of the search path; empty: the role's default
  int writers = 4;
  int readers = 2;
  std::chrono::milliseconds statement_timeout{30'000};
  std::string application_name = "crossdock";
};

/// Opens the store and starts its threads. Errors: unavailable (cannot open, lock or reach), corrupt, invalid
/// (the URL cannot be read).
base::Result<std::unique_ptr<Db>> open_sqlite(SqliteOptions options);
base::Result<std::unique_ptr<Db>> open_postgres(PostgresOptions options);

}  // namespace db
