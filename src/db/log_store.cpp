#include "db/log_store.hpp"

#include <filesystem>

#include "base/log.hpp"
#include "db/log_store_rows.hpp"
#include "db/migration.hpp"

namespace db {

namespace {

using base::Code;
using base::fail;
using base::Result;

/// Open days beyond today's are kept for readers; more than this are closed, oldest first.
constexpr std::size_t kOpenDaysMax = 4;
/// A disk that fails would spoil one file after the other.
constexpr auto kSetAsideInterval = std::chrono::minutes{1};

}  // namespace

Result<std::unique_ptr<LogStore>> LogStore::open_sqlite(std::string directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return fail(Code::unavailable, "cannot make the log directory " + directory + ": " + error.message());
  }
  std::unique_ptr<LogStore> store(new LogStore);
  store->directory_ = std::move(directory);
  XD_DO(store->of(base::SystemClock{}.now(), Missing::create));
  return store;
}

Result<std::unique_ptr<LogStore>> LogStore::open_postgres(PostgresOptions options) {
  XD_TRY(auto opened, db::open_postgres(std::move(options)));
  XD_DO(migrate(*opened, log_migrations()));
  std::unique_ptr<LogStore> store(new LogStore);
  store->single_ = std::move(opened);
  return store;
}

Result<LogStore::Shared> LogStore::of(base::Time at, Missing missing) {
  if (single_) return single_;
  const std::string day = base::to_rfc3339(at).substr(0, 10);
  const std::string path = directory_ + "/" + day + ".db";
  const std::lock_guard lock(mutex_);
  const auto found = by_day_.find(day);
  if (found != by_day_.end() && !*found->second.broken) return found->second.store;
  if (found != by_day_.end()) {
    XD_DO(set_aside(path, "reading or writing it failed"));
    by_day_.erase(found);
  }
  if (missing == Missing::fail && !std::filesystem::exists(path)) {
    return fail(Code::not_found,
                "there is no log of " + day + "; it was removed by retention, or nothing was logged");
  }
  auto opened = open_day(path);
  if (!opened && opened.error().code == Code::corrupt) {
    XD_DO(set_aside(path, opened.error().message));
    opened = open_day(path);
  }
  if (!opened) return std::unexpected(opened.error());
  if (by_day_.size() >= kOpenDaysMax) by_day_.erase(by_day_.begin());
  return by_day_.emplace(day, std::move(*opened)).first->second.store;
}

Result<LogStore::Day> LogStore::open_day(const std::string& path) {
  Day day{.broken = std::make_shared<std::atomic<bool>>(false)};
  const auto on_fatal = [broken = day.broken, path](const std::string& reason) {
    if (broken->exchange(true)) return;
    base::log(base::LogLevel::error, "a file of wire logs cannot be used any more",
              {{"file", path}, {"error", reason}});
  };
  XD_TRY(day.store, db::open_sqlite({.path = path, .readers = 1, .durable = false, .on_fatal = on_fatal}));
  XD_DO(migrate(*day.store, log_migrations()));
  return day;
}

Result<void> LogStore::set_aside(const std::string& path, const std::string& why) {
  const base::Steady now = base::steady_now();
  if (set_aside_at_ && now - *set_aside_at_ < kSetAsideInterval) {
    return fail(Code::unavailable,
                "the wire log " + path + " cannot be used; it is begun anew within a minute");
  }
  set_aside_at_ = now;
  // Behind the day, so that retention takes it with the others of that day.
  const std::string moment = base::to_rfc3339(base::SystemClock{}.now()).substr(0, 19);
  const std::string other = path + ".corrupt-" + moment;
  std::error_code error;
  std::filesystem::rename(path, other, error);
  if (error) return fail(Code::unavailable, "cannot set " + path + " aside: " + error.message());
  for (const char* part : {"-wal", "-shm"}) {
    std::error_code absent;
    std::filesystem::rename(path + part, other + part, absent);
  }
  base::log(base::LogLevel::error,
            "a file of wire logs cannot be read; it is set aside and a new one is begun",
            {{"file", path}, {"set_aside_as", other}, {"error", why}});
  return {};
}

asio::awaitable<Result<std::int64_t>> LogStore::forget(base::Time at, std::size_t limit) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  if (single_) {
    // Ids are in the order of time: the rows of those before need no index of their own.
    co_return co_await single_->write([first_kept = base::first_uuid_of(day), limit](Tx& tx) {
      return forget_exchanges(tx, first_kept, limit);
    });
  }
  // Files are closed and removed on a database thread. Its store stays until the coroutine ends: a thread
  // cannot wait for its own end.
  Shared thread;
  {
    const std::lock_guard lock(mutex_);
    if (by_day_.empty()) co_return 0;  // the last one was set aside
    thread = by_day_.rbegin()->second.store;
  }
  const std::string first_kept = base::to_rfc3339(day).substr(0, 10);
  co_return co_await thread->read([this, &first_kept](Tx&) { return remove_files(first_kept); });
}

Result<std::int64_t> LogStore::remove_files(const std::string& first_day_kept) {
  std::int64_t removed = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    const std::string name = entry.path().filename();
    const std::string day = name.substr(0, first_day_kept.size());
    const bool is_day =
        name.size() >= day.size() + 3 && name.compare(day.size(), 3, ".db") == 0 && day[4] == '-';
    if (!is_day || day >= first_day_kept) continue;
    {
      const std::lock_guard lock(mutex_);
      if (by_day_.size() > 1) by_day_.erase(day);
    }
    if (std::filesystem::remove(entry.path(), error) && name.ends_with(".db")) ++removed;
  }
  if (error)
    return fail(Code::unavailable, "cannot remove old logs in " + directory_ + ": " + error.message());
  return removed;
}

void LogStore::stop() {
  const std::lock_guard lock(mutex_);
  for (auto& [day, opened] : by_day_) opened.store->stop();
  if (single_) single_->stop();
}

}  // namespace db
