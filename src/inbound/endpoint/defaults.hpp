// What a scheme's document says of its sender's events, beside how they are signed: what an endpoint does
// that says nothing else.
#pragma once

#include "inbound/endpoint/endpoint.hpp"

namespace inbound {

struct SchemeDefaults {
  std::string source{};  ///< the first part of its events' types; empty: the endpoint's path
  Paths paths{};
  std::optional<Dedup> dedup{};
};

/// Reads the members source, paths and dedup. Error: invalid, reason INVALID_SCHEME, with a pointer for each
/// that is wrong.
base::Result<SchemeDefaults> read_defaults(const format::Value& document);

}  // namespace inbound
