// The body that a receiver gets: the bytes that are signed are the bytes that are sent.
#pragma once

#include <string>

#include "event/event.hpp"
#include "outbound/subscription/subscription.hpp"

namespace outbound {

/// STANDARD: {"id","type","timestamp","tenant_id","data"[,"changes"]}.
/// ENTITY (mission 2): {"event_type","timestamp","tenant":{"id","name"},"<subject type>":…[,"changes":…]}; a
/// subject type that is one of the other members is written as "data".
/// RAW and CLOUDEVENTS_BINARY: the data alone. CLOUDEVENTS: its structured JSON form, about data of the
/// content type.
std::string make_payload(PayloadFormat format, const event::Event& event, std::string_view tenant_name,
                         std::string_view content_type = "application/json");

/// The payload as a form (format::to_form); data that is no object is named "data". Error: too_large with
/// reason PAYLOAD_TOO_BIG.
base::Result<std::string> make_form(std::string payload);

/// Media types that a subscription may have: application/json, application/<anything>+json, and
/// application/x-www-form-urlencoded.
bool is_json_type(std::string_view content_type);
bool is_form_type(std::string_view content_type);

}  // namespace outbound
