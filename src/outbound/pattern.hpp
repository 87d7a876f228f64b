// Which event types a subscription wants.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace outbound {

/// "*": every type. "order.*": every type below order ("order.created", "order.line.added"), not "order"
/// itself. Anything else: that type. Error of check_pattern: invalid.
base::Result<void> check_pattern(std::string_view pattern);
bool pattern_matches(std::string_view pattern, std::string_view type);

}  // namespace outbound
