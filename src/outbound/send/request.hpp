// One delivery as an HTTP request: body, signature, headers.
#pragma once

#include "event/event.hpp"
#include "http/client.hpp"
#include "outbound/subscription/book.hpp"

namespace outbound {

/// What of a subscription's credentials a request carries.
enum class Credentials : std::uint8_t {
  all,
  no_token,  ///< all but the token of OAUTH2, which is for the subscription's origin alone
  none       ///< no authentication, signature, header of its own or client certificate
};
/// Where a delivery goes.
struct Destination {
  std::string_view url{};         ///< empty: the subscription's
  bool with_credentials = false;  ///< who asked for another URL may change subscriptions
};
/// To another origin than that of the subscription's URL as it is now nothing goes that would open doors
/// there, unless who asked could have changed the subscription as well.
Credentials credentials_for(const Subscription& subscription, const Destination& to);

/// What the request is made for. Everything outlives the call only.
struct RequestFor {
  const Prepared* subscription = nullptr;
  const event::Event* event = nullptr;
  std::string_view tenant_name{};
  base::Time now{};          ///< becomes webhook-timestamp: of the attempt, not of the event
  std::string_view url{};    ///< empty: the subscription's
  std::string_view token{};  ///< of OAUTH2; empty for the others
  Credentials credentials = Credentials::all;
};

/// webhook-id and webhook-timestamp, what the signing scheme adds, Content-Type, ce-* headers of the binary
/// CloudEvents, User-Agent, traceparent where the event has one, the subscription's own headers and its
/// authentication. Error: too_large with reason PAYLOAD_TOO_BIG.
base::Result<http::OutboundRequest> make_request(const RequestFor& wanted);

/// Header names that a subscription may not set, because they are the connection's or the signature's.
bool is_reserved_header(std::string_view name);

/// The body of an answer as people see it: without its content codings as far as they can be taken out, and
/// no longer than an answer without any may be, whatever is packed in it.
struct ShownBody {
  std::string text{};
  bool truncated = false;  ///< there was, or may have been, more
};
ShownBody shown_body(http::OutboundResponse response);

/// The lines of a request as they may be shown: values of credentials replaced by "***".
std::string shown_headers(const http::OutboundRequest& request, const Prepared& subscription);

}  // namespace outbound
