// A received event as the API tells it.
#pragma once

#include "format/json.hpp"
#include "inbound/received.hpp"

namespace api {

/// As lists show it.
void write_received(format::JsonWriter& json, const inbound::ReceivedRow& row);

}  // namespace api
