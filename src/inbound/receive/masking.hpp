// What of a request is stored as "***": the places in which its sender shows a secret, whatever way it is
// written there.
#pragma once

#include "inbound/endpoint/book.hpp"
#include "inbound/receive/known_secrets.hpp"
#include "inbound/receive/message.hpp"

namespace inbound {

/// What became of a request. One that was refused may hold secrets anywhere: what is named like one, in
/// headers and query, is hidden as well, but for the places that the scheme looks at and that are none.
enum class Standing : std::uint8_t { verified, refused };

/// Bytes as text: printable ASCII but blanks as it is, all else as %XX.
std::string printable(std::string_view bytes);

/// The request's headers for the store: JSON, [["Name", "value"], …] in their order. Hidden are credentials
/// (Authorization and all that end so, Cookie), the headers whose value is itself the scheme's secret, and
/// those with one of the endpoint's secrets in their value; in others the parameters of a URL, where the
/// secret stands in the query: what passes requests on repeats it there (X-Original-URL, Referer).
std::string stored_headers(const PreparedEndpoint& endpoint, const http::Request& request,
                           Standing standing = Standing::verified);

/// The request's target for the store, printable; parameters of the query that are the scheme's secret, or
/// have one of the endpoint's in them, are hidden.
std::string stored_target(const PreparedEndpoint& endpoint, const http::Request& request,
                          Standing standing = Standing::verified);

/// The body for the store: as it came, without what stands at the places where the scheme has its secret, and
/// without the endpoint's secrets wherever else they stand. A
/// body that cannot be read as what these places are in is hidden as a whole where it holds one of the
/// endpoint's secrets.
std::string stored_body(const PreparedEndpoint& endpoint, const Message& message);

/// The body of a request that was refused, of which the beginning is kept: as stored_body(), but hidden as a
/// whole too where it cannot be read, or is over 64 KiB, and the scheme has its secret in it; and where its
/// beginning holds one of the endpoint's secrets.
std::string refused_body(const PreparedEndpoint& endpoint, const Message& message);

/// The same of one element of a batch: its JSON text.
std::string stored_element(const crypto::Scheme& scheme, const KnownSecrets& known, const Element& element);

}  // namespace inbound
