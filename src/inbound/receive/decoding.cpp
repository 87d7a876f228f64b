#include "inbound/receive/decoding.hpp"

#include "format/coding.hpp"
#include "format/utf8.hpp"

namespace inbound {

Decoded decode_body(const http::Request& request, std::size_t bytes_max) {
  std::string codings;
  for (const auto& [name, value] : request.headers) {
    if (http::equals_ignoring_case(name, "content-encoding")) codings.append(value).append(",");
  }
  if (codings.empty() || request.body.empty()) return {};
  auto body = format::decode_content(codings, request.body, {.bytes_max = bytes_max});
  if (!body) return {.problem = format::is_utf8(request.body) ? std::string() : body.error().message};
  if (*body == request.body) return {};
  Decoded decoded{.request = request};
  decoded.request->body = std::move(*body);
  return decoded;
}

}  // namespace inbound
