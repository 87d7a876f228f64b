// The subscriptions as one shard knows them, ready to match and to send.
#pragma once

#include <array>
#include <functional>
#include <unordered_map>

#include "event/event.hpp"
#include "outbound/filter.hpp"
#include "outbound/oauth2.hpp"
#include "outbound/signer.hpp"

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

/// A subscription with its keys set up. HMAC contexts are not thread-safe, so each shard has its own.
struct Prepared {
  SubscriptionPtr config;
  Signer signer;
  PreparedAuth auth;
  std::shared_ptr<const http::ClientTls> tls;  ///< null: neither a certificate nor authorities of its own
  std::optional<Filter> filter;                ///< none: every event of its types
  std::shared_ptr<OAuth2Session> oauth2;  ///< of AuthType::oauth2; its token changes, nothing else here does
};
using PreparedPtr = std::shared_ptr<const Prepared>;

/// The part of prepare() that authenticates. Error: invalid.
base::Result<PreparedAuth> prepare_auth(const Subscription& subscription);

/// Sets a subscription up. Error: invalid, when its auth_config, filter or a secret cannot be used (checked
/// at save as well).
base::Result<Prepared> prepare(SubscriptionPtr config);

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
  void remove(TenantId tenant, SubscriptionId id);
  /// Takes these for all there were when reading them began: puts each, removes the others but those put
  /// since.
  void replace(const std::vector<SubscriptionPtr>& all, base::Steady read_began);

  PreparedPtr find(SubscriptionId id) const;
  /// Those of its tenant whose types it is of, whatever their state and filter say. Valid until the next call
  /// or change.
  const std::vector<PreparedPtr>& match(const event::Event& event);
  /// Whether anybody but `but` has subscribed to the hub's events of this type.
  bool wants_system(TenantId tenant, const std::string& type, SubscriptionId but);

  /// Is told each subscription that is put; set once, before the first.
  void watch(std::function<void(const Subscription&)> watcher) { watcher_ = std::move(watcher); }

 private:
  const std::vector<PreparedPtr>& match(TenantId tenant, const std::string& type, Whose whose);
  void drop(TenantId tenant, SubscriptionId id);

  struct OfTenant {
    std::vector<PreparedPtr> subscriptions;
    // Answers given before, for the tenant's events and for the hub's; emptied on change.
    std::array<std::unordered_map<std::string, std::vector<PreparedPtr>>, 2> by_type;
  };
  struct Entry {
    PreparedPtr prepared;
    base::Steady put{};
  };
  std::function<void(const Subscription&)> watcher_;
  std::unordered_map<SubscriptionId, Entry> by_id_;
  std::unordered_map<TenantId, OfTenant> by_tenant_;
  std::unordered_map<SubscriptionId, base::Steady> removed_;  // until a read that began later was told
};

}  // namespace outbound
