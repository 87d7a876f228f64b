// What makes a scheme useless although it can be read: that anybody can sign by it. Refused when an endpoint
// is saved; one that was stored before stays what it was.
#pragma once

#include "base/result.hpp"
#include "crypto/scheme.hpp"

namespace inbound {

/// Kinds of keys and algorithms that do not go together, and handshakes that sign what nothing has verified.
/// The pointers are the scheme's own ("#/alg").
base::FieldErrors dangers_of(const crypto::Scheme& scheme);

/// Whether a secret that fits the scheme's key rule can prove anything. Error: invalid, for a public key
/// where a secret belongs, and for a key that suits none of the algorithms; the message never holds it.
base::Result<void> check_secret(const crypto::Scheme& scheme, const crypto::SchemeKey& key);

}  // namespace inbound
