// How deliveries are signed, as the API reads it: the scheme, its config, and the secrets that fit it.
#pragma once

#include "api/core/input.hpp"
#include "outbound/subscription/signer.hpp"

namespace api {

/// signing_scheme and signing_config.
void read_signing(Input& input, Members& members, outbound::Subscription& subscription);

/// The request's secret_key, or a new one for the scheme. One that does not fit is noted.
base::Secret read_secret(Input& input, outbound::SigningScheme scheme);

/// Notes where secrets that are valid do not fit the scheme, which may have changed.
void check_secrets_fit(Input& input, const outbound::Subscription& subscription, base::Time now);

/// Notes headers of the subscription's own that its signing or its payload sets, and a signature in the
/// header that authenticates.
void check_headers_differ(Input& input, const outbound::Subscription& subscription);

}  // namespace api
