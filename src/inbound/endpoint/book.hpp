// The endpoints as one shard knows them, ready to verify.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <unordered_map>

#include "base/catalog.hpp"
#include "base/interned.hpp"
#include "base/text.hpp"
#include "crypto/scheme.hpp"
#include "http/egress.hpp"
#include "inbound/endpoint/defaults.hpp"
#include "inbound/endpoint/endpoint.hpp"
#include "inbound/endpoint/meter.hpp"

namespace inbound {

/// A scheme as it was read; one for all endpoints that say the same of it.
struct PreparedScheme {
  std::string name{};  ///< of a preset; "custom" for others
  crypto::Scheme scheme{};
  SchemeDefaults defaults{};
};
/// What an endpoint says of it: signature_scheme and signature_config.
using SaidScheme = std::pair<std::string, SchemeConfig>;

/// Rules with their paths read; one for all endpoints that say the same of them. Of a deletion, which has no
/// record any more, what stands in the record is looked for in what it was before.
struct PreparedRules {
  Rules said{};
  using Locations = std::vector<crypto::Location>;  ///< of which the first that is there counts
  Locations event_type{};
  Locations table{};
  Locations record{};
  Locations old_record{};
  Locations record_id{};
  Locations event_id{};
};

/// What endpoints share.
struct SharedParts {
  base::Interned<SaidScheme, PreparedScheme> schemes{};
  base::Interned<Rules, PreparedRules> rules{};
};

/// An endpoint with its keys set up.
struct PreparedEndpoint {
  struct Key {
    crypto::SchemeKey key;
    std::string fingerprint{};
    std::optional<base::Time> valid_until{};
  };

  EndpointPtr config;
  std::shared_ptr<const PreparedScheme> prepared_scheme{};
  std::shared_ptr<const PreparedRules> rules{};
  std::vector<Key> keys{};
  std::vector<http::AllowedRange> allowed{};  ///< empty: anybody
  std::shared_ptr<Meter> meter{};             ///< null: no limit
  /// Why nothing can be verified or processed; then it has no more than its config. Empty for all others.
  std::string broken{};

  const crypto::Scheme& scheme() const { return prepared_scheme->scheme; }
  /// How repeats are known; none: by the id, or the content where there is none.
  std::optional<Dedup> dedup() const {
    return config->dedup ? config->dedup : prepared_scheme->defaults.dedup;
  }
  /// Those that are good at that time.
  std::vector<const crypto::SchemeKey*> keys_at(base::Time now) const;
  bool awaits_secret() const;
};
using PreparedEndpointPtr = std::shared_ptr<const PreparedEndpoint>;

/// Whether a handshake is to tell the secret: the scheme says so, and there is none that is to stay.
bool awaits_secret(const crypto::Scheme& scheme, std::span<const tenant::SigningSecret> secrets);

/// The scheme that its signature_scheme names or is. Error: invalid, with a pointer for each member that
/// cannot be used.
base::Result<crypto::Scheme> scheme_of(const Endpoint& endpoint);

/// The source of an endpoint that says none: as its scheme says, else its path.
std::string default_source(const Endpoint& endpoint);

/// Whether the patterns of its scheme can be used. Takes up to some milliseconds: not for a shard. Error:
/// invalid, with a pointer for each that cannot.
base::Result<void> check_patterns(const SaidScheme& said);

/// Sets an endpoint up, without a limit: to check it, or to use its keys. Error: invalid, with a pointer for
/// each member that cannot be used.
base::Result<PreparedEndpoint> prepare_endpoint(EndpointPtr config);

/// What is asked of an endpoint that is saved: that it can be set up, and that not anybody can sign for it
/// (with a public key as secret, for example). Error: invalid, as prepare_endpoint().
base::Result<void> check_endpoint(EndpointPtr config);

/// Where the record and what it was before stand: members of a JSON body. Error: invalid.
base::Result<crypto::Location> read_json_place(std::string_view text);

/// Lives on its shard. Changes come from the transaction that made them, told to all shards before the caller
/// hears.
class Book {
 public:
  explicit Book(Meters& meters) : meters_(meters) {}

  void put(const EndpointPtr& endpoint);
  void remove(EndpointId id);
  /// How many deletions it knows of: those before it was filled, and each that it was told. Never more than
  /// the store counts: what it does not know of costs a look, what it knew too early would be believed.
  std::int64_t deletions() const { return deletions_; }
  void set_deletions(std::int64_t count) { deletions_ = count; }
  /// Takes these for all there were when reading them began: puts each, removes the others but those put
  /// since.
  void replace(const std::vector<EndpointPtr>& all, base::Steady read_began);

  /// Null as well where it cannot be used.
  PreparedEndpointPtr find(EndpointId id) const {
    PreparedEndpointPtr known = catalog_.find(id);
    return known && known->broken.empty() ? known : nullptr;
  }
  /// Why one that there is cannot be used; empty for all others.
  std::string why_broken(EndpointId id) const {
    const PreparedEndpointPtr known = catalog_.find(id);
    return known ? known->broken : std::string();
  }
  /// For each request, also of one that cannot be used. It touches little, for of many endpoints nothing is
  /// in the processor's cache.
  PreparedEndpointPtr find(TenantId tenant, std::string_view path) const;

 private:
  void drop_path(const Endpoint& endpoint);

  using Paths = boost::unordered_flat_map<std::string, PreparedEndpointPtr, base::TextHash, std::equal_to<>>;
  Meters& meters_;
  SharedParts shared_;
  base::Catalog<EndpointId, PreparedEndpoint> catalog_;
  std::unordered_map<TenantId, Paths> by_path_;
  std::int64_t deletions_ = 0;
};

}  // namespace inbound
