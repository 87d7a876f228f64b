// How resources that several routes give are written as JSON.
#pragma once

#include "event/event_store.hpp"
#include "format/json.hpp"
#include "outbound/delivery.hpp"

namespace api {

/// The members of the OpenAPI document's Event, into an object that is begun.
void write_event_members(format::JsonWriter& json, const event::StoredEvent& stored);
/// Its Delivery, as an object.
void write_delivery(format::JsonWriter& json, const outbound::Delivery& delivery);

}  // namespace api
