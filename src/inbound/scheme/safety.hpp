// What makes a scheme useless or harmful although it can be read: that anybody can sign by it, that its
// answers are not for a tenant to give, or that it tells a secret. Refused when an endpoint is saved; one
// that was stored before stays what it was.
#pragma once

#include "base/result.hpp"
#include "crypto/scheme.hpp"

namespace inbound {

/// Kinds of keys and algorithms that do not go together, handshakes that sign what nothing has verified, and
/// answers with a body where there is none, or with headers that endpoints do not answer (is_answer_header).
/// The pointers are the scheme's own ("#/alg").
base::FieldErrors dangers_of(const crypto::Scheme& scheme);

/// Whether an endpoint may answer a header of this name, on the hub's own origin: X-…, what has "hook" in it
/// (WebHook-Allowed-Origin), Cache-Control, Content-Language and Retry-After; none of those by which a proxy
/// in front is told what to send.
bool is_answer_header(std::string_view name);

/// Whether a secret leaves the hub by this scheme: where keys are asked for, or in the answer to a handshake.
bool tells_secret(const crypto::Scheme& scheme);

/// Whether a secret that fits the scheme's key rule can prove anything. Error: invalid, for a public key
/// where a secret belongs, and for a key that suits none of the algorithms; the message never holds it.
base::Result<void> check_secret(const crypto::Scheme& scheme, const crypto::SchemeKey& key);

}  // namespace inbound
