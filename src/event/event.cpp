#include "event/event.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace event {

namespace {

bool is_type_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == '/';
}

}  // namespace

base::Result<void> check_type(std::string_view type) {
  const bool shaped = !type.empty() && type.size() <= base::limits::kEventTypeBytesMax &&
                      type.front() != '.' && type.back() != '.' &&
                      type.find("..") == std::string_view::npos &&
                      std::ranges::all_of(type, is_type_character);
  if (shaped) return {};
  return base::fail(base::Code::invalid,
                    "an event type is like order.created: letters, digits, _ - . /, at most " +
                        std::to_string(base::limits::kEventTypeBytesMax) +
                        " bytes, no empty part between dots");
}

std::string_view subject_type(const Event& event) {
  if (!event.subject.empty()) return std::string_view(event.subject).substr(0, event.subject.find('/'));
  return std::string_view(event.type).substr(0, event.type.find_first_of("._"));
}

}  // namespace event
