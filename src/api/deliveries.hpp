// A delivery as the API tells it, and where it may be sent.
#pragma once

#include <string>
#include <string_view>

#include "api/input.hpp"
#include "outbound/delivery.hpp"

namespace api {

void write_delivery(format::JsonWriter& json, const outbound::Delivery& delivery);

/// A member that is a URL we may send to; empty when absent. What is wrong with it is noted in the input.
std::string read_target(Call& call, Input& input, std::string_view name);

}  // namespace api
