// How deliveries are written as JSON, wherever the API gives them.
#pragma once

#include "format/json.hpp"
#include "outbound/delivery/delivery.hpp"

namespace api {

/// The OpenAPI document's Delivery, as an object. now tells how the circuit is that it waits for; one that
/// has ended waits for none.
void write_delivery(format::JsonWriter& json, const outbound::Delivery& delivery, base::Time now = {});
/// Its Circuit.
void write_circuit(format::JsonWriter& json, const std::optional<queue::Breaker::Open>& open, base::Time now);

}  // namespace api
