#include "outbound/pattern.hpp"

#include "event/event.hpp"

namespace outbound {

base::Result<void> check_pattern(std::string_view pattern) {
  if (pattern == "*") return {};
  if (pattern.ends_with(".*")) pattern.remove_suffix(2);
  if (event::check_type(pattern)) return {};
  return base::fail(base::Code::invalid,
                    "a pattern is an event type (order.created), a type with .* for all below it "
                    "(order.*), or * for all");
}

bool pattern_matches(std::string_view pattern, std::string_view type) {
  if (pattern == "*") return true;
  if (!pattern.ends_with(".*")) return pattern == type;
  const std::string_view stem = pattern.substr(0, pattern.size() - 1);  // with its dot
  return type.size() > stem.size() && type.starts_with(stem);
}

}  // namespace outbound
