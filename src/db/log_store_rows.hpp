// The rows of the log store that retention removes where all days lie in one store.
#pragma once

#include "db/db.hpp"

namespace db {

/// Removes exchanges of deliveries made before this id, at most `limit`; returns how many.
base::Result<std::int64_t> forget_exchanges(Tx& tx, const base::Uuid& first_kept, std::size_t limit);

}  // namespace db
