#include "base/limits.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "tenant/signing_secret.hpp"

namespace tenant {

namespace {

using base::Result;

std::string place_of(const SecretOwner& owner, const base::Uuid& secret) {
  return owner.tenant.str() + "|endpoint_secrets|" + secret.str() + "|secret";
}

}  // namespace

SigningSecret make_signing_secret(base::Secret text, base::Time now) {
  std::string fingerprint = crypto::to_hex(crypto::digest(crypto::Hash::sha256, text.reveal())).substr(0, 8);
  return {base::make_uuid(now), std::move(text), std::move(fingerprint), std::nullopt, now};
}

Result<void> insert_secret(db::Tx& tx, const crypto::KeyRing& ring, const SecretOwner& owner,
                           const SigningSecret& secret) {
  const std::string sealed = ring.seal(secret.text.reveal(), place_of(owner, secret.id));
  XD_DO(tx.exec(
      "INSERT INTO endpoint_secrets (id, tenant_id, owner_type, owner_id, secret, fingerprint, status,"
      " valid_until, created_at, is_captured) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      {secret.id, owner.tenant, owner.type, owner.id, sealed, secret.fingerprint,
       secret.valid_until ? "PREVIOUS" : "CURRENT", secret.valid_until, secret.created, secret.is_captured}));
  return {};
}

Result<FoundSecrets> find_secrets(db::Tx& tx, const crypto::KeyRing& ring, const SecretOwner& owner) {
  FoundSecrets found;
  XD_DO(
      tx.query("SELECT id, secret, fingerprint, valid_until, created_at, is_captured FROM endpoint_secrets"
               " WHERE owner_id = $1 ORDER BY created_at DESC, id DESC",
               {owner.id}, [&](const db::Row& row) {
                 auto text = ring.open(row.text(1), place_of(owner, row.uuid(0)));
                 if (!text) {
                   found.broken = text.error().message;
                   return;
                 }
                 found.secrets.push_back({row.uuid(0), std::move(*text), row.string(2), row.maybe_time(3),
                                          row.time(4), row.flag(5)});
               }));
  if (!found.secrets.empty()) found.broken.clear();
  return found;
}

Result<void> end_secret(db::Tx& tx, const SecretOwner& owner, const base::Uuid& secret, base::Time until) {
  XD_DO(
      tx.exec("UPDATE endpoint_secrets SET status = 'PREVIOUS', valid_until = $4"
              " WHERE tenant_id = $1 AND owner_id = $2 AND id = $3",
              {owner.tenant, owner.id, secret, until}));
  return {};
}

Result<void> drop_ended_secrets(db::Tx& tx, const SecretOwner& owner, base::Time now) {
  XD_DO(tx.exec("DELETE FROM endpoint_secrets WHERE tenant_id = $1 AND owner_id = $2 AND valid_until <= $3",
                {owner.tenant, owner.id, now}));
  return {};
}

Result<void> retire_secrets(db::Tx& tx, const SecretOwner& owner, std::vector<SigningSecret>& secrets,
                            base::Time now, const std::function<base::Time(const SigningSecret&)>& until) {
  for (SigningSecret& old : secrets) {
    if (!old.active(now)) continue;
    const base::Time end = until(old);
    old.valid_until = std::min(old.valid_until.value_or(end), end);
    XD_DO(end_secret(tx, owner, old.id, *old.valid_until));
  }
  XD_DO(drop_ended_secrets(tx, owner, now));
  std::erase_if(secrets, [&](const SigningSecret& old) { return !old.active(now); });
  return {};
}

Result<bool> rotate_secrets(db::Tx& tx, const crypto::KeyRing& ring, const SecretOwner& owner,
                            std::vector<SigningSecret>& secrets, SigningSecret fresh,
                            const std::function<base::Time(const SigningSecret&)>& until) {
  XD_DO(retire_secrets(tx, owner, secrets, fresh.created, until));
  if (secrets.size() >= base::limits::kActiveSecretsMax) return false;
  XD_DO(insert_secret(tx, ring, owner, fresh));
  secrets.insert(secrets.begin(), std::move(fresh));
  return true;
}

Result<void> drop_secrets(db::Tx& tx, const SecretOwner& owner) {
  XD_DO(tx.exec("DELETE FROM endpoint_secrets WHERE tenant_id = $1 AND owner_id = $2",
                {owner.tenant, owner.id}));
  return {};
}

}  // namespace tenant
