// API keys: how programs say who they are. Only a hash is stored; the key itself is shown once.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "base/secret.hpp"
#include "db/db.hpp"
#include "db/page.hpp"
#include "tenant/access.hpp"

namespace tenant {

using base::TenantId;
using ApiKeyId = base::Id<struct ApiKeyTag>;

struct ApiKey {
  ApiKeyId id{};
  std::optional<TenantId> tenant{};  ///< none: a key of the platform's administrators
  std::string name{};
  std::string prefix{};  ///< its first characters, to recognise it by
  std::string hash{};    ///< SHA-256 of the key, raw
  Role role = Role::admin;
  std::vector<Permission> scopes{};  ///< empty: all that the role has
  std::optional<base::Time> expires{};
  std::optional<base::Time> last_used{};
  std::optional<base::Time> revoked{};
  std::int64_t version = 1;
  std::optional<base::Uuid> created_by{};
  base::Time created{};
  base::Time updated{};

  /// What its role has and its scopes, where it names some, leave of that.
  Permissions permissions() const;
  bool usable(base::Time now) const { return !revoked && (!expires || now < *expires); }
};

/// The key that another one is made with, as far as it bounds that.
struct KeyMaker {
  Permissions permissions{};
  std::optional<base::Time> expires{};
};
/// Nobody makes a key that may do more than his own, or for longer: one without an end gets the maker's.
/// Error: forbidden, saying which of the two.
base::Result<void> bound_by_maker(ApiKey& key, const KeyMaker& maker);

/// "cdk_" + 32 random characters + 6 characters of CRC-32, so that scanners of leaked secrets can be sure.
base::Secret generate_key();
/// What is stored of a key: prefix and hash.
void set_secret(ApiKey& key, std::string_view text);
std::string hash_key(std::string_view text);

// The table.
base::Result<void> insert_key(db::Tx& tx, const ApiKey& key);
base::Result<bool> any_key(db::Tx& tx);
base::Result<std::optional<ApiKey>> find_key_by_hash(db::Tx& tx, std::string_view hash);
/// tenant none: the keys of the platform.
base::Result<std::optional<ApiKey>> find_key(db::Tx& tx, std::optional<TenantId> tenant, ApiKeyId id);
base::Result<std::vector<ApiKey>> list_keys(db::Tx& tx, std::optional<TenantId> tenant, const db::Page& page);
/// What becomes of the keys that were made with one that is revoked, and of those made with these.
enum class MadeKeys : std::uint8_t { end, stay };
struct Revocation {
  ApiKeyId key{};
  MadeKeys made = MadeKeys::end;
  std::optional<ApiKeyId> asked_by{};  ///< that one stays, with what was made with it: it takes over
};
/// Returns those that were not revoked before, as they were.
base::Result<std::vector<ApiKey>> revoke_key(db::Tx& tx, const Revocation& wanted, base::Time now);
/// Whether it can make others: it is not revoked, and stays so until the transaction ends.
base::Result<bool> hold_key(db::Tx& tx, ApiKeyId id);
base::Result<void> touch_key(db::Tx& tx, ApiKeyId id, base::Time now);
/// Those that were revoked at this time or later.
base::Result<std::vector<ApiKeyId>> keys_revoked_since(db::Tx& tx, base::Time since);

/// Keys that were seen lately, as one shard knows them: saves a read for each request. Lives on its shard.
class KeyCache {
 public:
  /// The key of a hash, when it was put here within the period.
  const ApiKey* find(const std::string& hash, base::Time now) const;
  void put(ApiKey key, base::Time now);
  void forget(ApiKeyId id);
  /// Grows with each key that is forgotten: one that was read before that may be out of date.
  std::uint64_t forgotten() const { return forgotten_; }
  /// True once a minute for each key: it is time to write last_used.
  bool should_touch(const std::string& hash, base::Time now);

 private:
  struct Entry {
    ApiKey key;
    base::Time put;
    base::Time touched;
  };
  std::unordered_map<std::string, Entry> entries_;
  std::uint64_t forgotten_ = 0;
};

}  // namespace tenant
