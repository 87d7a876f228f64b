// What a request without an id is known by: all of it that tells events apart, and nothing that differs when
// it is sent again (docs/adr/0013).
#pragma once

#include <string>
#include <string_view>

#include "http/message.hpp"
#include "inbound/endpoint/book.hpp"

namespace inbound {

/// Whether a header of this name says which event it is, by a word such as id, number, topic or type in it.
/// What is the transfer's own does not: dates, signatures, tokens, attempts, traces, ids of requests, what
/// proxies add.
bool tells_apart(std::string_view header);

/// The hash of method, path, query, body, headers that tell apart, and those that the endpoint reads.
/// Of the query the scheme's signature and timestamp are left out, and what is named signature or nonce. 16
/// bytes.
std::string content_hash(const PreparedEndpoint& endpoint, const http::Request& request);

}  // namespace inbound
