// The subscriptions as one shard knows them, ready to match and to send.
#pragma once

#include <array>
#include <functional>
#include <unordered_map>

#include "base/catalog.hpp"
#include "base/interned.hpp"
#include "base/text.hpp"
#include "event/event.hpp"
#include "outbound/filter/filter.hpp"
#include "outbound/subscription/oauth2.hpp"
#include "outbound/subscription/signer.hpp"

namespace outbound {

/// How a request proves who sends it, beside the signature: a header that is always the same, or a MAC of the
/// body.
struct PreparedAuth {
  std::string header_line{};  ///< "Authorization: Basic …"; empty for none and HMAC
  struct Mac {
    std::string header{};
    std::string prefix{};
    bool base64 = false;
    crypto::HmacKey key;
  };
  std::optional<Mac> mac{};
};

/// A subscription with its keys set up. Its session is not thread-safe, so each shard has its own.
struct Prepared {
  SubscriptionPtr config;
  Signer signer;
  PreparedAuth auth;
  std::shared_ptr<const http::ClientTls> tls;  ///< null: neither a certificate nor authorities of its own
  std::shared_ptr<const http::ClientTls> authorities;  ///< without the certificate; null: none of its own
  std::shared_ptr<const Filter> filter;                ///< null: every event of its types
  std::shared_ptr<OAuth2Session> oauth2;  ///< of AuthType::oauth2; its token changes, nothing else here does
  /// Why nothing can be sent for it; then it has no more than its config, and its filter where that can be
  /// read. It gets its events all the same, and each attempt says what is wrong. Empty for all others.
  std::string broken{};

  /// Whether it has a filter that cannot be asked now: it is asked when a delivery begins
  /// (DeliveryArgs::unfiltered).
  bool has_unknown_filter() const { return !filter && !config->filter.empty(); }
};
using PreparedPtr = std::shared_ptr<const Prepared>;

/// The part of prepare() that authenticates. Error: invalid.
base::Result<PreparedAuth> prepare_auth(const Subscription& subscription);

/// Sets a subscription up. Error: invalid, when its auth_config, filter or a secret cannot be used (checked
/// at save as well).
base::Result<Prepared> prepare(SubscriptionPtr config);
/// The same, with a filter that is there already where it says the same.
using Filters = base::Interned<std::string, Filter>;
base::Result<Prepared> prepare(SubscriptionPtr config, Filters& filters);

/// The memory that one takes, about, with what it was made of: what a tenant can make large.
std::size_t memory_of(const Prepared& prepared);
/// All subscriptions of a tenant together take no more; some ten times what 20,000 usual ones do.
inline constexpr std::size_t kMemoryPerTenantMax = 256 << 20;

/// Whether one of its patterns means this type.
bool wants_type(const Subscription& subscription, std::string_view type);

/// Whose event one is.
enum class Whose : std::uint8_t { tenant, hub };

/// Whether an event is of the subscription's types. Events of the hub itself are not among those that "*"
/// means: who wants them says so ("webhook.*").
bool is_of_types(const Subscription& subscription, const event::Event& event);

/// Lives on its shard. Changes come from the transaction that made them, told to all shards before the caller
/// hears.
class Book {
 public:
  void put(const SubscriptionPtr& subscription);
  void remove(SubscriptionId id);
  /// Takes these for all there were when reading them began: puts each, removes the others but those put
  /// since.
  void replace(const std::vector<SubscriptionPtr>& all, base::Steady read_began);

  PreparedPtr find(SubscriptionId id) const { return catalog_.find(id); }
  /// Those of its tenant whose types it is of, each once, in no order, whatever their state and filter say.
  /// Valid until the next call. Costs a look for each part of the type's name and no more, however many
  /// others there are.
  const std::vector<PreparedPtr>& match(const event::Event& event);
  /// How many match() would return, at most: one that has several patterns for the event counts with each.
  std::size_t matches_max(const event::Event& event) const;
  /// The memory that the subscriptions of a tenant take but for one.
  std::size_t memory_of_others(TenantId tenant, SubscriptionId but = {}) const;
  /// Whether anybody but `but` has subscribed to the hub's events of this type. Yes as well where that takes
  /// longer to tell than kFanoutInline looks: the fan-out will find out.
  bool wants_system(TenantId tenant, std::string_view type, SubscriptionId but) const;

  /// Is told each subscription that is put; set once, before the first.
  void watch(std::function<void(const Subscription&)> watcher) { watcher_ = std::move(watcher); }

 private:
  /// The subscriptions that have a pattern, by its stem.
  using Patterns = std::unordered_map<std::string, std::vector<PreparedPtr>, base::TextHash, std::equal_to<>>;
  struct OfTenant {
    Patterns types{};
    Patterns underscored{};  ///< patterns like "workitem_*"
    std::size_t memory = 0;  ///< of its subscriptions

    Patterns& of(std::string_view pattern) { return pattern.ends_with("_*") ? underscored : types; }
    bool empty() const { return types.empty() && underscored.empty() && memory == 0; }
  };
  /// visit(subscriptions) for each pattern that fits; one that has several of them comes with each.
  template <class Visit>
  void for_each_match(TenantId tenant, std::string_view type, Whose whose, const Visit& visit) const;
  void drop_patterns(const Prepared& known);

  std::function<void(const Subscription&)> watcher_;
  base::Catalog<SubscriptionId, Prepared> catalog_;
  Filters filters_;
  std::unordered_map<TenantId, OfTenant> by_tenant_;
  std::vector<PreparedPtr> matched_;  // by the last call of match()
};

}  // namespace outbound
