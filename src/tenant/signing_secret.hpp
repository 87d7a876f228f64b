// Secrets that signatures of webhooks are made and verified with: of a subscription, or of an endpoint.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/secret.hpp"
#include "crypto/key_ring.hpp"
#include "db/db.hpp"

namespace tenant {

/// One of them. A previous one is good until valid_until.
struct SigningSecret {
  base::Uuid id{};
  base::Secret text{};        ///< of its scheme: "whsec_…", "whsk_…" or any text
  std::string fingerprint{};  ///< first 8 hex digits of its SHA-256
  std::optional<base::Time> valid_until{};
  base::Time created{};
  bool is_captured = false;  ///< its sender has told it in a handshake

  bool active(base::Time now) const { return !valid_until || now < *valid_until; }
  SigningSecret copy() const { return {id, text.clone(), fingerprint, valid_until, created, is_captured}; }
};
/// A new one from its text, which the caller has checked.
SigningSecret make_signing_secret(base::Secret text, base::Time now);

/// Whose they are.
struct SecretOwner {
  base::TenantId tenant{};
  std::string_view type{};  ///< "subscription" or "endpoint"
  base::Uuid id{};
};

// The table endpoint_secrets. Texts pass the key ring on their way.
base::Result<void> insert_secret(db::Tx& tx, const crypto::KeyRing& ring, const SecretOwner& owner,
                                 const SigningSecret& secret);
struct FoundSecrets {
  std::vector<SigningSecret> secrets{};  ///< newest first
  std::string broken{};                  ///< why there is none, where there are some and none can be opened
};
/// One that cannot be opened is left out.
base::Result<FoundSecrets> find_secrets(db::Tx& tx, const crypto::KeyRing& ring, const SecretOwner& owner);
/// Lets one end at `until`.
base::Result<void> end_secret(db::Tx& tx, const SecretOwner& owner, const base::Uuid& secret,
                              base::Time until);
/// Removes those that have ended.
base::Result<void> drop_ended_secrets(db::Tx& tx, const SecretOwner& owner, base::Time now);
/// Lets each that counts go on until what `until` says of it; those that have ended are removed.
base::Result<void> retire_secrets(db::Tx& tx, const SecretOwner& owner, std::vector<SigningSecret>& secrets,
                                  base::Time now,
                                  const std::function<base::Time(const SigningSecret&)>& until);
/// Retires them, and makes a fresh one the current one. False, and the transaction is to be given up, where
/// kActiveSecretsMax count already.
base::Result<bool> rotate_secrets(db::Tx& tx, const crypto::KeyRing& ring, const SecretOwner& owner,
                                  std::vector<SigningSecret>& secrets, SigningSecret fresh,
                                  const std::function<base::Time(const SigningSecret&)>& until);
/// Removes all of them.
base::Result<void> drop_secrets(db::Tx& tx, const SecretOwner& owner);

}  // namespace tenant
