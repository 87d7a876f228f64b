// A signature scheme as its users write it: a JSON document of the parameters.
#pragma once

#include <map>
#include <string>

#include "base/result.hpp"
#include "crypto/scheme.hpp"
#include "format/value.hpp"

namespace inbound {

/// Settings of an endpoint that a scheme asks for as {config:NAME} or {config:NAME|what else}.
using SchemeConfig = std::map<std::string, std::string, std::less<>>;

/// Reads the document (docs/signatures.md tells what each member means). Error: invalid, reason
/// INVALID_SCHEME, with a pointer and what to write for each member that is wrong.
base::Result<crypto::Scheme> read_scheme(const format::Value& document, const SchemeConfig& config);

/// Whether its patterns are regular expressions: before it is stored, for it is not read again for that.
/// Takes up to some milliseconds: not for a shard. Error: as read_scheme's.
base::Result<void> check_patterns(const crypto::Scheme& scheme);

}  // namespace inbound
