// The subscriptions as one shard knows them, ready to match and to send.
#pragma once

#include <unordered_map>

#include "crypto/standard_webhooks.hpp"
#include "outbound/subscription.hpp"

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
  struct Signer {
    crypto::WebhookSecret secret;
    std::optional<base::Time> valid_until;
  };
  SubscriptionPtr config;
  std::vector<Signer> signers;
  PreparedAuth auth;
};
using PreparedPtr = std::shared_ptr<const Prepared>;

/// Sets a subscription up. Error: invalid, when its auth_config or a secret cannot be used (checked at save
/// as well).
base::Result<Prepared> prepare(SubscriptionPtr config);

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
  /// Those of the tenant that take an event of this type. Valid until the next call or change.
  const std::vector<PreparedPtr>& match(TenantId tenant, const std::string& type);

 private:
  void drop(TenantId tenant, SubscriptionId id);

  struct OfTenant {
    std::vector<PreparedPtr> subscriptions;
    std::unordered_map<std::string, std::vector<PreparedPtr>>
        by_type;  // answers given before; emptied on change
  };
  struct Entry {
    PreparedPtr prepared;
    base::Steady put{};
  };
  std::unordered_map<SubscriptionId, Entry> by_id_;
  std::unordered_map<TenantId, OfTenant> by_tenant_;
  std::unordered_map<SubscriptionId, base::Steady> removed_;  // until a read that began later was told
};

}  // namespace outbound
