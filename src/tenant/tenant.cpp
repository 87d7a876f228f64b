#include "tenant/tenant.hpp"

#include <algorithm>

namespace tenant {

namespace {

constexpr resource::Member<Tenant> kMembers[] = {
    resource::member<&Tenant::id>("id").shown().key(),
    resource::member<&Tenant::slug>("slug", {.schema = "Slug"}).shown().fixed(),
    resource::member<&Tenant::name>("name", {.max = 200, .required = true}),
    resource::member<&Tenant::status>("status").shown(),
    resource::member<&Tenant::version>("version").stored().version(),
    resource::member<&Tenant::created>("created_at").shown().fixed(),
    resource::member<&Tenant::updated>("updated_at").shown(),
};

}  // namespace

const resource::Table<Tenant>& tenants() {
  static const resource::Table<Tenant> table("tenants", kMembers);
  return table;
}

base::Result<void> check_slug(std::string_view slug) {
  const bool shaped = !slug.empty() && slug.size() <= 64 && std::ranges::all_of(slug, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  // An id is 36 characters with dashes: a slug that reads as one could stand for somebody else's tenant.
  if (shaped && !base::Uuid::parse(slug)) return {};
  return base::fail(base::Code::invalid, "a slug is 1 to 64 characters of a-z, 0-9 and -, and not a UUID");
}

void TenantBook::put(TenantPtr tenant) {
  TenantPtr& slot = by_id_[tenant->id];
  if (slot && slot->version > tenant->version) return;
  by_slug_[tenant->slug] = tenant->id;
  slot = std::move(tenant);
}

void TenantBook::remove(TenantId id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  // The slug may be another's by now.
  const auto slug = by_slug_.find(found->second->slug);
  if (slug != by_slug_.end() && slug->second == id) by_slug_.erase(slug);
  by_id_.erase(found);
}

TenantPtr TenantBook::find(TenantId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

TenantPtr TenantBook::find(std::string_view id_or_slug) const {
  if (const auto id = TenantId::parse(id_or_slug)) return find(*id);
  const auto found = by_slug_.find(std::string(id_or_slug));
  return found == by_slug_.end() ? nullptr : find(found->second);
}

}  // namespace tenant
