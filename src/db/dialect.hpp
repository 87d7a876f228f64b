// The few places where SQL text differs between the engines.
#pragma once

#include <string>
#include <string_view>

#include "db/db.hpp"

namespace db {

/// Uncovers the parts of one engine: a comment that opens with the engine's name, as in /*sqlite WITHOUT
/// ROWID*/, becomes the SQL it holds on that engine; all other text stays as it is. The name directly follows
/// the opening mark, and the part ends at the first closing mark. What looks like a part inside a string, a
/// quoted name, a dollar-quoted body or another comment is none. A part that is never closed is kept, for the
/// engine to refuse.
std::string activate(std::string_view sql, Engine engine);

}  // namespace db
