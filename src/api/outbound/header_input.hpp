// A subscription's own headers, as the API reads them.
#pragma once

#include "api/outbound/signing_input.hpp"

namespace api {

/// headers and secret_headers. "***" as a value keeps what is stored of a secret header, so that what was
/// read can be sent back; what was a secret becomes readable only with a new value.
void read_headers(Input& input, Members& members, outbound::Subscription& subscription);

}  // namespace api
