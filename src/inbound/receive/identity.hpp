// What a received event is known by: the sender's id, how long repeats of it are recognised, and the key of
// the order in which it is processed.
#pragma once

#include "inbound/endpoint/book.hpp"
#include "inbound/receive/message.hpp"

namespace inbound {

/// The sender's id of a request, or of an element of it: at paths.event_id, or as the scheme says; empty
/// where there is none. One of over 255 bytes, or not of printable ASCII, is "sha256:" and its hash.
std::string external_id(const PreparedEndpoint& endpoint, const crypto::RequestView& view);

/// How repeats of an event are known: as the endpoint or its scheme says; off where that is by the id, and it
/// has none.
Dedup dedup_of(const PreparedEndpoint& endpoint, std::string_view external_id);

/// What repeats of an event are known by.
struct Identity {
  std::string external_id{};
  std::string key{};         ///< empty: by nothing
  std::string stored_key{};  ///< the key, where it is not made of external_id
  std::string body_hash{};   ///< what differs is a conflict
  std::chrono::seconds window{};
};

/// Tells of one request what its events are known by. Refers to all that it is made of.
class Identifier {
 public:
  Identifier(const PreparedEndpoint& endpoint, const http::Request& request)
      : endpoint_(endpoint), request_(request) {}

  /// Of the next event of the request: view is the request, or the next element of it, body its bytes.
  Identity next(const crypto::RequestView& view, std::string_view body);

 private:
  std::string content_key();

  const PreparedEndpoint& endpoint_;
  const http::Request& request_;
  std::size_t index_ = 0;
  std::string content_{};                              // of the request; empty: not made yet
  std::map<std::string, std::string> first_bodies_{};  // of a batch: by the sender's ids
};

/// "<table>/<record id>" (or its hash, as of external_id): those with the same one are processed in the order
/// in which they came. Empty where the endpoint's paths find no record.
std::string order_key(const PreparedEndpoint& endpoint, const crypto::RequestView& view);

}  // namespace inbound
