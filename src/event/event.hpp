// An event: something that happened in a tenant, in the log for good, delivered to whoever subscribed to it.
#pragma once

#include <memory>
#include <string>

#include "base/id.hpp"
#include "base/result.hpp"

namespace event {

using EventId = base::Id<struct EventTag>;

/// Immutable once published. JSON members are texts as they came in; empty where absent.
struct Event {
  EventId id{};
  base::TenantId tenant{};
  std::string type{};     ///< "order.created"
  std::string subject{};  ///< what it is about: "order/42", or only its type "order"
  std::string data{};     ///< any JSON value
  std::string changes{};  ///< {"field": {"old": …, "new": …}}
  base::Time occurred{};
  base::Time created{};
  std::string idempotency_key{};
  std::string ordering_key{};
  std::string origin{};  ///< what caused it: "api", or the room that published it
  int hop = 0;           ///< how many times it came out of something an event caused
  std::string traceparent{};

  std::size_t bytes() const {
    return sizeof(Event) + data.size() + changes.size() + subject.size() + type.size();
  }
};

using EventPtr = std::shared_ptr<const Event>;

/// The origin of events of the hub itself.
inline constexpr const char* kSystemOrigin = "system";

/// Letters, digits, '_', '-', '.' and '/' up to kEventTypeBytesMax; not empty, no empty part between dots.
/// Error: invalid.
base::Result<void> check_type(std::string_view type);

/// The kind of thing an event is about: the subject up to its first '/', else the type up to its first '.' or
/// '_'.
std::string_view subject_type(const Event& event);

}  // namespace event
