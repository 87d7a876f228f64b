// PostgreSQL's error codes, told as the store's errors.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace db {

/// The error for a SQLSTATE and the server's primary message. The message is left out where the server may
/// have put a value into it (class 22, data exceptions). An empty state means that libpq itself failed:
/// unavailable.
base::Error postgres_error(std::string_view sqlstate, std::string_view message);

/// The error of a commit after which nobody knows whether it happened: unavailable, reason OUTCOME_UNKNOWN.
base::Error outcome_unknown(std::string_view why);

}  // namespace db
