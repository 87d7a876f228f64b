// What was refused at an endpoint and why: counted, and the last ones kept masked, for whoever set it up.
#pragma once

#include <map>

#include "inbound/endpoint/book.hpp"
#include "inbound/receive/message.hpp"

namespace inbound {

using RefusalId = base::Id<struct RefusalTag>;

/// So many are kept of each endpoint, with so much of each.
inline constexpr std::size_t kRefusalsKept = 50;
inline constexpr std::size_t kRefusedBodyBytes = 4 << 10;
inline constexpr std::size_t kRefusedHeadBytes = 8 << 10;
inline constexpr auto kRefusalsKeptFor = std::chrono::days{7};

/// Why, in a word, beside those of crypto::name(Check::Step), of which kWork is one.
namespace reason {
inline constexpr std::string_view kAddress = "address_forbidden";
inline constexpr std::string_view kHandshake = "handshake_refused";
inline constexpr std::string_view kKey = "key_unavailable";
inline constexpr std::string_view kRate = "rate_limited";
inline constexpr std::string_view kBatch = "batch_invalid";
inline constexpr std::string_view kWork = "too_much_work";
inline constexpr std::string_view kMethod = "method_not_allowed";
inline constexpr std::string_view kConfirmation = "confirmation_failed";
inline constexpr std::string_view kBroken = "endpoint_broken";
inline constexpr std::string_view kLarge = "body_too_large";
inline constexpr std::string_view kIncomplete = "body_incomplete";
inline constexpr std::string_view kNoRoom = "body_without_room";
// These say nothing of the request.
inline constexpr std::string_view kBehind = "store_overloaded";
inline constexpr std::string_view kFull = "storage_full";
inline constexpr std::string_view kStore = "store_failed";
inline constexpr std::string_view kCrowd = "server_crowded";

/// Whether it is the hub's and not the request's: the request is counted and not kept, for the store has
/// enough to do then, and nobody learns anything from it.
inline bool is_of_hub(std::string_view reason) {
  return reason == kBehind || reason == kFull || reason == kStore || reason == kCrowd;
}
}  // namespace reason

/// The same for every reason that a signature does not fit: more would help whoever tries signatures.
std::unexpected<base::Error> signature_refused();

struct Why {
  std::string_view reason{};
  std::string detail{};  ///< for whoever owns the endpoint; holds no secret
  std::string address{};
  bool is_body_unread = false;  ///< its head sufficed, or it did not come
};

struct Refusal {
  RefusalId id{};
  TenantId tenant{};
  EndpointId endpoint{};
  std::string reason{};
  std::string detail{};
  std::string method{};
  std::string target{};
  std::string headers{};        ///< JSON: [["Name", "value"], …]
  std::string body{};           ///< the beginning of it
  std::int64_t body_bytes = 0;  ///< of all of it; kUnread where it was not read
  std::string remote_ip{};
  base::Time refused{};

  static constexpr std::int64_t kUnread = -1;
  bool is_whole() const { return static_cast<std::int64_t>(body.size()) == body_bytes; }
};

/// The request as it may be kept: whatever is, or looks like, a secret is hidden, and it is cut off at the
/// limits above. Of an endpoint that is broken nobody knows where secrets stand: then it is method and path.
Refusal make_refusal(const PreparedEndpoint& endpoint, const Message& message, const http::Request& request,
                     const Why& why, base::Time now);

/// How many, by reason.
using RefusalCounts = std::map<std::string, std::int64_t, std::less<>>;
/// Of one endpoint in a round.
struct Refused {
  TenantId tenant{};
  RefusalCounts counts{};
  std::vector<Refusal> kept{};
};
using RefusedRound = std::map<EndpointId, Refused>;

// The tables endpoint_refusals and refused_requests. They go with the endpoint.
/// Adds what was counted, and keeps the newest kRefusalsKept of each endpoint. Those that are not there any
/// more are left out.
base::Result<void> add_refusals(db::Tx& tx, const RefusedRound& round);
/// Newest first.
base::Result<std::vector<Refusal>> list_refusals(db::Tx& tx, TenantId tenant, EndpointId endpoint,
                                                 const db::Page& page);
base::Result<std::optional<Refusal>> find_refusal(db::Tx& tx, TenantId tenant, EndpointId endpoint,
                                                  RefusalId id);
/// Removes those older than kRefusalsKeptFor, at most `most`; returns how many.
base::Result<std::int64_t> forget_refusals(db::Tx& tx, base::Time now, std::size_t most);

}  // namespace inbound
