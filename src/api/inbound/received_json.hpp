// A received event as the API tells it.
#pragma once

#include "format/json.hpp"
#include "inbound/receive/received.hpp"

namespace api {

/// As lists show it.
void write_received(format::JsonWriter& json, const inbound::ReceivedRow& row);

/// The members `name` and `name`_encoding: as text, or as base64 where it is none.
void write_body(format::JsonWriter& json, const char* name, std::string_view body);

}  // namespace api
