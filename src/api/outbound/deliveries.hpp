// Where a request may ask for deliveries to be sent.
#pragma once

#include <string>
#include <string_view>

#include "api/core/input.hpp"

namespace api {

/// A member that is a URL we may send to; empty when absent. What is wrong with it is noted in the input.
std::string read_target(Call& call, Input& input, std::string_view name);
/// Whether a subscription's credentials may go to another origin because this call asks for it: only somebody
/// who could have given the subscription that URL may send them there.
bool may_carry_credentials(const Call& call, std::string_view url);

}  // namespace api
