// Where a request may ask for deliveries to be sent.
#pragma once

#include <string>
#include <string_view>

#include "api/input.hpp"

namespace api {

/// A member that is a URL we may send to; empty when absent. What is wrong with it is noted in the input.
std::string read_target(Call& call, Input& input, std::string_view name);

}  // namespace api
