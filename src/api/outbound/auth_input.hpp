// How Crossdock proves itself at a receiver, as the API reads it: authentication and certificates.
#pragma once

#include "api/outbound/signing_input.hpp"

namespace api {

/// auth_type and auth_config.
void read_auth(Call& call, Input& input, Members& members, outbound::Subscription& subscription);

/// client_certificate and ca_certificate.
void read_certificates(Call& call, Input& input, Members& members, outbound::Subscription& subscription);

}  // namespace api
