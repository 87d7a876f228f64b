// The few places where SQL text differs between the engines.
#pragma once

#include <string>
#include <string_view>

#include "db/db.hpp"

namespace db {

/// Turns each comment written as the engine's name directly after its opening, a space or line end and SQL
/// ("postgres" or "sqlite"), into that SQL; all other text is kept as it is. Such a part ends at the first
/// closing mark, so it holds no comment of that form itself. What looks like a comment inside a string, a
/// quoted name, a dollar-quoted body or a line comment is none. A part that is never closed is kept, for the
/// engine to refuse.
std::string activate(std::string_view sql, Engine engine);

}  // namespace db
