// How deliveries are signed, as the API reads it: the scheme, its config, and the secrets that fit it.
#pragma once

#include "api/input.hpp"
#include "outbound/signer.hpp"

namespace api {

enum class Reading : std::uint8_t {
  whole,  ///< POST and PUT: what is absent gets its default
  patch   ///< PATCH: what is absent stays, null resets (RFC 7396)
};

/// Whether a member is to be written: present in a patch, always in a whole.
class Members {
 public:
  Members(Input& input, Reading reading) : input_(input), reading_(reading) {}
  bool touches(std::string_view name) {
    const bool present = input_.has(name);
    return input_.is_null(name) || present || reading_ == Reading::whole;
  }

 private:
  Input& input_;
  Reading reading_;
};

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
