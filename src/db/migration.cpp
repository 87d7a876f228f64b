#include "db/migration.hpp"

#include <charconv>
#include <map>

#include "base/log.hpp"

namespace db {

namespace {

using base::Code;
using base::fail;
using base::Result;

struct Applied {
  std::string name;
  std::string checksum;
};
using AppliedByVersion = std::map<std::int64_t, Applied>;

/// FNV-1a: tells an edited file from the one that was applied; it guards against mistakes, not against
/// malice.
std::string checksum(std::string_view content) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : content) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return std::to_string(hash);
}

std::int64_t version_of(const base::EmbeddedFile& file) {
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(file.name.data(), file.name.data() + file.name.size(), version);
  XD_ASSERT(error == std::errc{} && *end == '_');
  return version;
}

Result<AppliedByVersion> read_applied(Tx& tx) {
  AppliedByVersion applied;
  XD_DO(tx.query("SELECT version, name, checksum FROM schema_migrations ORDER BY version", {},
                 [&](const Row& row) { applied[row.integer(0)] = {row.string(1), row.string(2)}; }));
  return applied;
}

/// A store that was never migrated has no table to read.
Result<bool> has_migrations(Tx& tx) {
  const char* sql = tx.engine() == Engine::sqlite
                        ? "SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations'"
                        : "SELECT 1 WHERE to_regclass('schema_migrations') IS NOT NULL";
  XD_TRY(const auto rows, tx.query(sql, {}, [](const Row&) {}));
  return rows > 0;
}

Result<void> check_known(const AppliedByVersion& applied, std::span<const base::EmbeddedFile> migrations) {
  for (const auto& [version, row] : applied) {
    const auto known = std::ranges::find(migrations, version, version_of);
    if (known == migrations.end()) {
      return fail(Code::corrupt,
                  "the store has migration " + row.name +
                      ", which this program does not know: it was written by a newer Crossdock; "
                      "run that version");
    }
    if (checksum(known->content) != row.checksum) {
      return fail(Code::corrupt, "migration " + row.name + " is not the one that was applied to this store");
    }
  }
  return {};
}

Result<void> lock_and_prepare(Tx& tx) {
  // 7237 is Crossdock's key; several nodes may start at once. A script has no lock timeout: who waits, waits.
  XD_DO(tx.script("/*postgres SELECT pg_advisory_xact_lock(7237);*/"));
  return tx.script(
      "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL,"
      " checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)");
}

/// Applies the first missing migration; returns whether there was one.
Result<bool> apply_next(Tx& tx, std::span<const base::EmbeddedFile> migrations) {
  XD_DO(lock_and_prepare(tx));
  XD_TRY(const AppliedByVersion applied, read_applied(tx));
  XD_DO(check_known(applied, migrations));
  for (const base::EmbeddedFile& file : migrations) {
    if (applied.contains(version_of(file))) continue;
    XD_DO(tx.script(file.content));
    XD_DO(
        tx.exec("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
                {version_of(file), file.name, checksum(file.content), base::SystemClock{}.now()}));
    base::log(base::LogLevel::info, "migration applied", {{"name", file.name}});
    return true;
  }
  return false;
}

}  // namespace

Result<int> migrate(Db& store, std::span<const base::EmbeddedFile> migrations) {
  for (int count = 0;; ++count) {
    XD_TRY(const bool more, store.write_now([&](Tx& tx) { return apply_next(tx, migrations); }));
    if (!more) return count;
  }
}

Result<std::vector<MigrationStatus>> migration_status(Db& store,
                                                      std::span<const base::EmbeddedFile> migrations) {
  XD_TRY(const AppliedByVersion versions, store.read_now([&](Tx& tx) -> Result<AppliedByVersion> {
    AppliedByVersion applied;
    XD_TRY(const bool any, has_migrations(tx));
    if (any) {
      XD_TRY(applied, read_applied(tx));
      XD_DO(check_known(applied, migrations));
    }
    return applied;
  }));
  std::vector<MigrationStatus> status;
  for (const base::EmbeddedFile& file : migrations) {
    const std::int64_t version = version_of(file);
    status.push_back({version, std::string(file.name), versions.contains(version)});
  }
  return status;
}

}  // namespace db
