// How events are written as JSON, wherever the API gives them.
#pragma once

#include "event/event_store.hpp"
#include "format/json.hpp"

namespace api {

/// The members of the OpenAPI document's Event, into an object that is begun.
void write_event_members(format::JsonWriter& json, const event::StoredEvent& stored);
}  // namespace api
