#include "inbound/receive/refusal.hpp"

#include "format/utf8.hpp"
#include "inbound/receive/masking.hpp"

namespace inbound {

namespace {

/// The first bytes, and no part of a character at their end.
std::string beginning(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::string cut = text.substr(0, bytes_max);
  for (int i = 0; i < 3 && !format::is_utf8(cut); ++i) cut.pop_back();
  return format::is_utf8(cut) ? cut : text.substr(0, bytes_max);
}

/// With as many of its headers as fit.
http::Request with_short_head(const http::Request& request) {
  http::Request cut{.method = request.method};
  cut.set_target(request.target.substr(0, kRefusedHeadBytes / 2));
  std::size_t left = kRefusedHeadBytes - cut.target.size();
  for (const auto& [name, value] : request.headers) {
    if (name.size() + value.size() > left) continue;
    left -= name.size() + value.size();
    cut.headers.emplace_back(name, value);
  }
  return cut;
}

}  // namespace

std::unexpected<base::Error> signature_refused() {
  return base::fail(base::Code::unauthenticated,
                    "the signature does not fit; whoever owns this endpoint sees why under its refused "
                    "requests",
                    "SIGNATURE_REFUSED");
}

Refusal make_refusal(const PreparedEndpoint& endpoint, const Message& message, const http::Request& request,
                     const Why& why, base::Time now) {
  const http::Request head = with_short_head(request);
  const bool is_broken = !endpoint.broken.empty();
  Refusal refusal{
      .id = RefusalId::make(now),
      .tenant = endpoint.config->tenant,
      .endpoint = endpoint.config->id,
      .reason = std::string(why.reason),
      .detail = why.detail,
      .method = printable(request.method.substr(0, 20)),
      .target = is_broken ? printable(head.path) : stored_target(endpoint, head, Standing::refused),
      .headers = is_broken ? "[]" : stored_headers(endpoint, head, Standing::refused),
      .body_bytes = Refusal::kUnread,
      .remote_ip = why.address,
      .refused = now};
  if (why.is_body_unread || is_broken) return refusal;
  refusal.body = beginning(refused_body(endpoint, message), kRefusedBodyBytes);
  refusal.body_bytes = static_cast<std::int64_t>(request.body.size());
  return refusal;
}

}  // namespace inbound
