// What a sender hears: the answer to a webhook, and to a handshake.
#pragma once

#include "http/message.hpp"
#include "inbound/endpoint/book.hpp"
#include "inbound/receive/message.hpp"
#include "inbound/receive/received.hpp"

namespace inbound {

/// The status and body that the scheme asks for, or {"id": …}; of a batch {"ids": […], "duplicates": n}.
http::Response answer(const crypto::Scheme& scheme, const Message& message,
                      std::span<const Receipt> receipts);

/// The answer that a handshake expects; key signs, where its recipes do. Headers of other names, and those
/// that the server sets itself, are left out, and what would end a line.
http::Response answer(const crypto::Scheme::Challenge& challenge, const crypto::SchemeKey* key,
                      const Message& message);

/// Whether a stranger may ask a handshake that nothing verifies. Where the answer is a signature, it asks
/// with nothing but tokens in the query: what it asks with is signed for whoever asks, and were it a body of
/// JSON, that would be the signature of a webhook.
bool may_ask(const crypto::Scheme::Challenge& challenge, const http::Request& request);

}  // namespace inbound
