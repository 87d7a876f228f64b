// What of a request is stored as "***": the places in which its sender proves who it is.
#pragma once

#include "inbound/book.hpp"
#include "inbound/message.hpp"

namespace inbound {

/// What stands where a secret stood.
inline constexpr std::string_view kHidden = "***";

/// Bytes as text: printable ASCII but blanks as it is, all else as %XX.
std::string printable(std::string_view bytes);

/// The request's headers for the store: JSON, [["Name", "value"], …] in their order. Hidden are credentials
/// (Authorization, Proxy-Authorization, Cookie), and the headers whose value is itself the scheme's secret.
std::string stored_headers(const crypto::Scheme& scheme, const http::Request& request);

/// The request's target for the store, printable; parameters of the query that are the scheme's secret are
/// hidden.
std::string stored_target(const crypto::Scheme& scheme, const http::Request& request);

/// Hides in a body (or an element of it) the endpoint's secret, where the scheme has it there. key: which of
/// the endpoint's keys the request was verified with; one past the end for none of them.
void hide_secret(const PreparedEndpoint& endpoint, std::size_t key, std::string& body);

}  // namespace inbound
