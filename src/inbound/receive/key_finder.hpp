// Keys that senders show in public, and what else a request asks to be got: each from a URL that its scheme
// allows.
#pragma once

#include <map>
#include <unordered_map>

#include "base/offload.hpp"
#include "format/regex.hpp"
#include "http/client.hpp"
#include "inbound/endpoint/book.hpp"
#include "inbound/receive/message.hpp"

namespace inbound {

/// Remembers what it has got, for an hour, and for a day where it cannot be got anew; asks for one thing once
/// at a time, and for an endpoint at most kFetchesPerMinute times: what makes it ask is not verified yet. One
/// for each shard, on whose thread it lives.
class KeyFinder {
 public:
  static constexpr std::size_t kFetchesPerMinute = 20;
  using KeyPtr = std::shared_ptr<const crypto::SchemeKey>;
  using Keys = std::vector<KeyPtr>;

  KeyFinder(http::Client& client, base::Offload& offload, const base::Clock& clock)
      : client_(client), offload_(offload), clock_(clock) {}

  /// Whether the scheme's keys are such ones.
  static bool is_needed(const crypto::Scheme& scheme);
  /// What the request is to be verified with; nothing where it names no key that there is. secret: the
  /// endpoint's, where the owner of the keys wants one. Errors: unavailable, where the key cannot be got now;
  /// limited.
  base::Task<Keys> find(const PreparedEndpoint& endpoint, const crypto::SchemeKey* secret,
                        const Message& message);
  /// Gets the URL that a handshake wants to be got. Errors: unauthenticated, where the scheme does not allow
  /// it; unavailable, where the answer is not 2xx; limited.
  base::Task<void> confirm(const PreparedEndpoint& endpoint, const crypto::Scheme::Challenge& challenge,
                           const Message& message);

 private:
  using KeySet = std::map<std::string, KeyPtr, std::less<>>;  // by kid; a certificate's is ""
  using Outcome = std::shared_ptr<const base::Result<KeySet>>;
  using Read = base::Result<KeySet> (*)(const http::OutboundResponse&, base::Time);
  struct Entry {
    Outcome outcome{};    // null before the first one
    base::Steady got{};   // well or not
    base::Steady good{};  // the last time that it was got well
    bool fetching = false;
    std::vector<base::Waiter<Outcome>*> waiting{};  // for the one that fetches
  };

  base::Task<Keys> find_certificate(const PreparedEndpoint& endpoint, const Message& message);
  base::Task<Keys> find_in_set(const PreparedEndpoint& endpoint, const crypto::SchemeKey* secret,
                               const Message& message);
  static base::Result<KeySet> read_set(const http::OutboundResponse& response, base::Time now);
  /// What was got less than max_age ago, or is got now.
  base::Task<Outcome> get(const PreparedEndpoint& endpoint, std::string name, http::OutboundRequest request,
                          Read read, std::chrono::seconds max_age);
  /// Whether a URL of a request may be got: it is https, and fits the pattern, which is set up when it is
  /// needed first. Error: unavailable, where it cannot be.
  base::Task<bool> is_allowed(const Endpoint& endpoint, std::string pattern, const std::string& url);
  bool may_fetch(EndpointId endpoint);
  void make_room();

  http::Client& client_;
  base::Offload& offload_;
  const base::Clock& clock_;
  std::unordered_map<std::string, base::Result<format::Regex>> patterns_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::unordered_map<EndpointId, std::unique_ptr<Meter>> meters_;
};

}  // namespace inbound
