// A verified request without the content codings of its body: signatures are over the bytes as they came.
#pragma once

#include <optional>
#include <string>

#include "http/message.hpp"

namespace inbound {

/// What became of a body with a Content-Encoding.
struct Decoded {
  std::optional<http::Request> request{};  ///< with the body as it was before; none where it is as it came
  std::string problem{};  ///< why it stays coded: it cannot be read, or would be too large; empty for none
};

/// Takes out gzip, deflate, br and zstd. bytes_max bounds what comes out, as it bounds bodies that have no
/// coding. A body that is text is taken as it is where its coding cannot be taken out: what passes requests
/// on may have done that, and left the header. The views of the request are those of the one given.
Decoded decode_body(const http::Request& request, std::size_t bytes_max);

}  // namespace inbound
