// Endpoints as the API finds, reads and writes them.
#pragma once

#include "api/core/input.hpp"
#include "inbound/endpoint/book.hpp"

namespace api {

/// Error: not_found.
Result<inbound::EndpointPtr> find_endpoint_or_fail(const Call& call, db::Tx& tx, inbound::EndpointId id);

/// Everything but the secret.
void read_endpoint(Input& input, Reading reading, inbound::Endpoint& endpoint);

/// The request's secret_key, or a new one where the scheme's secret is ours to choose.
base::Secret read_endpoint_secret(Input& input, const inbound::Endpoint& endpoint);

/// The request's secret_key where a change brings one; it is noted as missing where the stored secrets would
/// be told to others under a scheme that they were not given for.
base::Secret read_changed_secret(Input& input, const inbound::Endpoint& before,
                                 const inbound::Endpoint& endpoint);

/// The OpenAPI document's Endpoint, with secret_key where one is to be shown.
std::string endpoint_json(const Call& call, const inbound::Endpoint& endpoint,
                          const inbound::EndpointStats& stats, std::string_view secret_key = {});

}  // namespace api
