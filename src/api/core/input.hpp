// Reading request bodies.
#pragma once

#include "api/core/call.hpp"
#include "format/object_reader.hpp"

namespace api {

/// The body as JSON; a large one is parsed beside the shard. Errors: invalid with MALFORMED_JSON or
/// UNSUPPORTED_MEDIA_TYPE.
base::Task<format::Document> read_json(Call& call);
/// The same where the body may be left out, which is an object without members then.
base::Task<format::Document> read_json_if_any(Call& call);

using Input = format::ObjectReader;
using format::Members;
using format::pointer_part;
using format::Reading;

/// A token of RFC 9110 of at most 100 bytes.
bool is_header_name(std::string_view name);
/// Visible ASCII and blanks, at most 4 KiB.
bool is_header_value(std::string_view value);

}  // namespace api
