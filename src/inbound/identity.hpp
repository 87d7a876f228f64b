// What a received event is known by: the sender's id, how long repeats of it are recognised, and the key of
// the order in which it is processed.
#pragma once

#include "inbound/book.hpp"
#include "inbound/message.hpp"

namespace inbound {

/// The sender's id of a request, or of an element of it: at paths.event_id, or as the scheme says; empty
/// where there is none. One of over 255 bytes, or not of printable ASCII, is "sha256:" and its hash.
std::string external_id(const PreparedEndpoint& endpoint, const crypto::RequestView& view);

/// For how long repeats are recognised: as the endpoint says, but at most a day where the key is made of the
/// body.
std::chrono::seconds dedup_window(const PreparedEndpoint& endpoint, const crypto::RequestView& view,
                                  std::string_view external_id);

/// "<table>/<record id>" (or its hash, as of external_id): those with the same one are processed in the order
/// in which they came. Empty where the endpoint's paths find no record.
std::string order_key(const PreparedEndpoint& endpoint, const crypto::RequestView& view);

}  // namespace inbound
