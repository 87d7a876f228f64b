// The log store: bodies and wire logs that people look at and nothing depends on, one database for each day.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "db/db.hpp"

namespace db {

/// Thread-safe. On SQLite a file for each day, DIR/2026-11-22.db, opened when it is first needed and dropped
/// whole by retention; on PostgreSQL one store. A file that cannot be read is set aside under another name
/// and begun anew, at most one a minute: nothing depends on it, so it stops nobody.
class LogStore {
 public:
  static base::Result<std::unique_ptr<LogStore>> open_sqlite(std::string directory);
  static base::Result<std::unique_ptr<LogStore>> open_postgres(PostgresOptions options);

  /// As Db::write and Db::read, in the store of the day of `at`. Reading a day that has no store is
  /// not_found.
  template <class F>
  auto write(base::Time at, F work) -> asio::awaitable<std::invoke_result_t<F&, Tx&>> {
    auto store = of(at, Missing::create);
    if (!store) co_return std::unexpected(store.error());
    co_return co_await (*store)->write(std::move(work));
  }
  template <class F>
  auto read(base::Time at, F work) -> asio::awaitable<std::invoke_result_t<F&, Tx&>> {
    auto store = of(at, Missing::fail);
    if (!store) co_return std::unexpected(store.error());
    co_return co_await (*store)->read(std::move(work));
  }

  /// Removes all days before that of `at`: whole files on SQLite, at most `limit` rows on PostgreSQL. Returns
  /// how many files, or rows, that were. Blocks for as long as a file takes to be closed and removed.
  auto forget(base::Time at, std::size_t limit) -> asio::awaitable<base::Result<std::int64_t>>;

  void stop();

 private:
  enum class Missing : unsigned char { create, fail };
  using Shared = std::shared_ptr<Db>;
  struct Day {
    Shared store;
    std::shared_ptr<std::atomic<bool>> broken;  ///< set where what the file says cannot be believed
  };

  LogStore() = default;
  base::Result<Shared> of(base::Time at, Missing missing);
  base::Result<Day> open_day(const std::string& path);
  base::Result<void> set_aside(const std::string& path, const std::string& why);
  base::Result<std::int64_t> remove_files(const std::string& first_day_kept);

  std::string directory_;  // empty: one store for all days
  Shared single_;
  std::mutex mutex_;
  std::map<std::string, Day> by_day_;
  std::optional<base::Steady> set_aside_at_;
};

}  // namespace db
