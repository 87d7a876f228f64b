// An event as CloudEvents 1.0: the structured JSON form, and the headers of the binary form.
#pragma once

#include <string>
#include <vector>

#include "event/event.hpp"

namespace outbound {

inline constexpr std::string_view kCloudEventContentType = "application/cloudevents+json";

/// {"specversion","id","source","type"[,"subject"],"time","datacontenttype","tenantid"[,"traceparent"],
/// "data"}. source is /tenants/<id>: together with the id it names the event, and it stays the same where
/// the hub gets another address. changes have no place in it.
std::string make_cloud_event(const event::Event& event, std::string_view content_type);

/// The same attributes as "ce-…: value" lines, percent-encoded as the HTTP binding says (§3.1.3.2):
/// blanks, '"', '%' and all outside of printable ASCII.
std::vector<std::string> cloud_event_headers(const event::Event& event);

}  // namespace outbound
