// Certificates and keys in PEM, as they are checked before they are stored.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace crypto {

/// A certificate with those that lead from it to its authority, in this order. Error: invalid, where there is
/// none, one cannot be read or has a key of more than 8192 bits, or the first is not valid now.
base::Result<void> check_certificate_chain(std::string_view pem, base::Time now);

/// Whether the key is the one of the chain's first certificate, of at most 4096 bits, and not locked by a
/// passphrase. Error: invalid.
base::Result<void> check_private_key(std::string_view certificate_pem, std::string_view key_pem);

/// Certificates of authorities, at least one of which is valid now, and no private key by mistake. Error:
/// invalid.
base::Result<void> check_authorities(std::string_view pem, base::Time now);

}  // namespace crypto
