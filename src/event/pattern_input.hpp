// Lists of patterns of event types, as callers give them.
#pragma once

#include "resource/value.hpp"

namespace event {

/// A member that is such a list. What does not fit is noted; false then.
bool read_patterns(format::ObjectReader& from, std::string_view name, const resource::Said& said,
                   std::vector<std::string>& to);

}  // namespace event
