// The body that a receiver gets: the bytes that are signed are the bytes that are sent.
#pragma once

#include <string>

#include "event/event.hpp"
#include "outbound/subscription.hpp"

namespace outbound {

/// STANDARD: {"id","type","timestamp","tenant_id","data"[,"changes"]}.
/// ENTITY (mission 2): {"event_type","timestamp","tenant":{"id","name"},"<subject type>":…[,"changes":…]}; a
/// subject type that is one of the other members is written as "data".
std::string make_payload(PayloadFormat format, const event::Event& event, std::string_view tenant_name);

}  // namespace outbound
