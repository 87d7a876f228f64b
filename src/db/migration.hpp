// Numbered schema changes, compiled into the program and applied in order, each in one transaction.
#pragma once

#include <span>
#include <vector>

#include "base/embedded.hpp"
#include "db/db.hpp"

namespace db {

/// Files named NNNN_what.sql of migrations/core and migrations/log.
std::span<const base::EmbeddedFile> core_migrations();
std::span<const base::EmbeddedFile> log_migrations();

struct MigrationStatus {
  std::int64_t version = 0;
  std::string name;
  bool applied = false;
};

/// Applies what is missing; safe to repeat and to run from several processes at once (the store locks).
/// Returns the number applied. Errors: corrupt when an applied migration's text has changed or the store is
/// newer than the program.
base::Result<int> migrate(Db& store, std::span<const base::EmbeddedFile> migrations);

/// What is applied and what is not, in order. Changes nothing. Error: corrupt as of migrate().
base::Result<std::vector<MigrationStatus>> migration_status(Db& store,
                                                            std::span<const base::EmbeddedFile> migrations);

}  // namespace db
