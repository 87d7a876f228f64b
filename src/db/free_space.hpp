// Room that removed rows leave behind, and the way back to the file system.
#pragma once

#include "db/db.hpp"

namespace db {

/// Gives at most so many free pages of the file back, while more than an eighth of it is free: that much
/// stays for what comes next. In a write transaction, which on SQLite is the writer's, the only one that may;
/// the file is shorter after the next checkpoint. Returns how many; 0 on PostgreSQL, which takes care of it
/// by itself.
base::Result<std::int64_t> give_back_pages(Tx& tx, std::int64_t pages_max);

}  // namespace db
