#include "db/log_store.hpp"

#include <filesystem>

#include "db/migration.hpp"

namespace db {

namespace {

using base::Code;
using base::fail;
using base::Result;

/// Open days beyond today's are kept for readers; more than this are closed, oldest first.
constexpr std::size_t kOpenDaysMax = 4;

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
  if (const auto found = by_day_.find(day); found != by_day_.end()) return found->second;
  if (missing == Missing::fail && !std::filesystem::exists(path)) {
    return fail(Code::not_found,
                "there is no log of " + day + "; it was removed by retention, or nothing was logged");
  }
  XD_TRY(auto opened, db::open_sqlite({.path = path, .readers = 1, .durable = false}));
  XD_DO(migrate(*opened, log_migrations()));
  if (by_day_.size() >= kOpenDaysMax) by_day_.erase(by_day_.begin());
  return by_day_.emplace(day, std::move(opened)).first->second;
}

void LogStore::stop() {
  const std::lock_guard lock(mutex_);
  for (auto& [day, store] : by_day_) store->stop();
  if (single_) single_->stop();
}

}  // namespace db
