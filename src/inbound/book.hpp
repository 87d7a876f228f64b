// The endpoints as one shard knows them, ready to verify.
#pragma once

#include <unordered_map>

#include "base/text.hpp"
#include "crypto/scheme.hpp"
#include "format/regex.hpp"
#include "http/egress.hpp"
#include "inbound/endpoint.hpp"
#include "inbound/meter.hpp"

namespace inbound {

/// An endpoint with its keys set up. They are not thread-safe, so each shard has its own.
struct PreparedEndpoint {
  struct Key {
    crypto::SchemeKey key;
    std::string fingerprint{};
    std::optional<base::Time> valid_until{};
  };
  /// Paths, read.
  struct Places {
    std::optional<crypto::Location> event_type{};
    std::optional<crypto::Location> table{};
    std::optional<crypto::Location> record{};
    std::optional<crypto::Location> old_record{};
    std::optional<crypto::Location> record_id{};
    std::optional<crypto::Location> event_id{};
  };

  EndpointPtr config;
  std::string scheme_name{};  ///< of a preset; "custom" for others
  crypto::Scheme scheme{};
  std::vector<Key> keys{};
  std::optional<format::Regex> certificate_url{};          ///< of schemes whose key is a certificate's
  std::vector<std::optional<format::Regex>> fetch_urls{};  ///< of each handshake, where it has one got
  std::vector<http::AllowedRange> allowed{};               ///< empty: anybody
  Places places{};
  std::shared_ptr<Meter> meter{};  ///< null: no limit

  /// Those that are good at that time.
  std::vector<const crypto::SchemeKey*> keys_at(base::Time now) const;
  bool awaits_secret() const;
};
using PreparedEndpointPtr = std::shared_ptr<const PreparedEndpoint>;

/// Whether a handshake is to tell the secret: the scheme says so, and there is none that is to stay.
bool awaits_secret(const crypto::Scheme& scheme, std::span<const tenant::SigningSecret> secrets);
/// Whether a URL of a request may be got: it is https, and fits.
bool is_allowed(const std::optional<format::Regex>& pattern, std::string_view url);

/// The scheme that its signature_scheme names or is. Error: invalid, with a pointer for each member that
/// cannot be used.
base::Result<crypto::Scheme> scheme_of(const Endpoint& endpoint);

/// Sets an endpoint up. meters may be null where it is only checked. Error: invalid, with a pointer for each
/// member that cannot be used.
base::Result<PreparedEndpoint> prepare_endpoint(EndpointPtr config, Meters* meters);

/// Where the record and what it was before stand: members of a JSON body. Error: invalid.
base::Result<crypto::Location> read_json_place(std::string_view text);

/// Lives on its shard. Changes come from the transaction that made them, told to all shards before the caller
/// hears.
class Book {
 public:
  explicit Book(Meters& meters) : meters_(meters) {}

  void put(const EndpointPtr& endpoint);
  void remove(EndpointId id);
  /// Takes these for all there were when reading them began: puts each, removes the others but those put
  /// since.
  void replace(const std::vector<EndpointPtr>& all, base::Steady read_began);

  PreparedEndpointPtr find(EndpointId id) const;
  PreparedEndpointPtr find(TenantId tenant, std::string_view path) const;

 private:
  void drop(const Endpoint& endpoint);

  struct Entry {
    PreparedEndpointPtr prepared;
    base::Steady put{};
  };
  Meters& meters_;
  std::unordered_map<EndpointId, Entry> by_id_;
  std::unordered_map<TenantId, std::unordered_map<std::string, EndpointId, base::TextHash, std::equal_to<>>>
      by_path_;
  std::unordered_map<EndpointId, base::Steady> removed_;  // until a read that began later was told
};

}  // namespace inbound
