// Looking into a store that nobody uses, without changing anything of it.
#pragma once

#include "db/db.hpp"

namespace db {

/// Opens a SQLite file for reading; what was committed is seen, also where the log was not copied yet, and
/// neither the files nor their directory change. Contract: no other process writes it meanwhile. Writes are
/// answered with unavailable, a file that is none of SQLite's with corrupt. Errors: unavailable, corrupt.
base::Result<std::unique_ptr<Db>> open_sqlite_unchanged(const std::string& path);

}  // namespace db
