// The signature of a request alone, for who puts it where the scheme has it: in the body or the URL.
#pragma once

#include "crypto/scheme.hpp"

namespace crypto {

/// With its prefix. Other places of the scheme (a timestamp, an id) are read from the request where it has
/// them. Error: invalid, when the scheme has no signature or the key does not fit.
base::Result<std::string> signature(const Scheme& scheme, const SchemeKey* key, const RequestView& request,
                                    const Signing& signing);

}  // namespace crypto
