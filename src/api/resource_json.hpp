// How resources that several routes give are written as JSON.
#pragma once

#include "event/event_store.hpp"
#include "format/json.hpp"
#include "outbound/delivery.hpp"

namespace api {

/// The members of the OpenAPI document's Event, into an object that is begun.
void write_event_members(format::JsonWriter& json, const event::StoredEvent& stored);
/// Its Delivery, as an object. now tells how the circuit is that it waits for; one that has ended waits for
/// none.
void write_delivery(format::JsonWriter& json, const outbound::Delivery& delivery, base::Time now = {});
/// Its Circuit.
void write_circuit(format::JsonWriter& json, const std::optional<queue::Breaker::Open>& open, base::Time now);

}  // namespace api
