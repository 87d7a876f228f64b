// Which event types are meant: what subscriptions, streams, listeners and lists say of them.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace event {

/// "*": every type. "order.*": every type below order ("order.created", "order.line.added"), not "order"
/// itself; "workitem_*" likewise: every type that goes on behind "workitem_". Anything else: that type. Error
/// of check_pattern: invalid.
base::Result<void> check_pattern(std::string_view pattern);
bool pattern_matches(std::string_view pattern, std::string_view type);

/// Whether it stands for the types that go on behind its stem, which is all of it but the star.
bool has_stem(std::string_view pattern);
inline std::string_view stem_of(std::string_view pattern) { return pattern.substr(0, pattern.size() - 1); }

}  // namespace event
