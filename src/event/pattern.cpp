#include "event/pattern.hpp"

#include "event/event.hpp"

namespace event {

base::Result<void> check_pattern(std::string_view pattern) {
  if (pattern == "*") return {};
  if (has_stem(pattern)) pattern.remove_suffix(pattern.ends_with(".*") ? 2 : 1);
  if (check_type(pattern)) return {};
  return base::fail(base::Code::invalid,
                    "a pattern is an event type (order.created), a type with .* or _* for all that go on "
                    "behind it (order.*, workitem_*), or * for all");
}

bool has_stem(std::string_view pattern) { return pattern.ends_with(".*") || pattern.ends_with("_*"); }

bool pattern_matches(std::string_view pattern, std::string_view type) {
  if (pattern == "*") return true;
  if (!has_stem(pattern)) return pattern == type;
  const std::string_view stem = stem_of(pattern);
  return type.size() > stem.size() && type.starts_with(stem);
}

}  // namespace event
