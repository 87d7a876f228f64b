// A tenant: a company or team whose data is apart from everybody else's.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/everywhere.hpp"
#include "db/db.hpp"
#include "db/page.hpp"
#include "resource/table.hpp"

namespace tenant {

using base::name;
using base::TenantId;

/// DELETING: nobody can use it any more, and what it has is being removed.
enum class TenantStatus : std::uint8_t { active, suspended, deleting };
inline constexpr base::Word<TenantStatus> kTenantStatuses[] = {{TenantStatus::active, "ACTIVE"},
                                                               {TenantStatus::suspended, "SUSPENDED"},
                                                               {TenantStatus::deleting, "DELETING"}};
constexpr std::span<const base::Word<TenantStatus>> words_of(TenantStatus) { return kTenantStatuses; }

struct Tenant {
  TenantId id{};
  std::string slug{};  ///< [a-z0-9-]{1,64}, unique
  std::string name{};
  TenantStatus status = TenantStatus::active;
  std::int64_t version = 1;
  base::Time created{};
  base::Time updated{};
  /// What of its row cannot be read. Then it is SUSPENDED, and nothing may write it but its deletion. Empty
  /// for all others.
  std::string broken{};
};
using TenantPtr = std::shared_ptr<const Tenant>;

/// Its members, and the table tenants.
const resource::Table<Tenant>& tenants();
base::Result<void> check_slug(std::string_view slug);

// The table. Error: conflict when the slug is taken.
base::Result<void> insert_tenant(db::Tx& tx, const Tenant& tenant);
/// Writes name and status where the stored version is one less; false when it is not.
base::Result<bool> update_tenant(db::Tx& tx, const Tenant& tenant);
base::Result<std::optional<Tenant>> find_tenant(db::Tx& tx, TenantId id);
/// Removes it; false where there is none. Everything that refers to it must be gone.
base::Result<bool> delete_tenant(db::Tx& tx, TenantId id);
base::Result<std::vector<Tenant>> all_tenants(db::Tx& tx);
base::Result<std::vector<Tenant>> list_tenants(db::Tx& tx, const db::Page& page);

/// All tenants as one shard knows them. Lives on its shard.
class TenantBook {
 public:
  void put(TenantPtr tenant);
  void remove(TenantId id);
  TenantPtr find(TenantId id) const;
  /// By id or slug, as in X-Tenant-Id.
  TenantPtr find(std::string_view id_or_slug) const;

 private:
  std::unordered_map<TenantId, TenantPtr> by_id_;
  std::unordered_map<std::string, TenantId> by_slug_;
};

}  // namespace tenant
