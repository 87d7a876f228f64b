#include "app/book_watch.hpp"

namespace app {

namespace {

using base::Result;

constexpr auto kInterval = std::chrono::seconds{1};
/// For commits that come late and clocks that differ: what was revoked before that is known already.
constexpr auto kRevokedPeriod = std::chrono::minutes{1};

struct Known {
  std::string mark;  // differs whenever a tenant, subscription or endpoint was made, changed or deleted
  std::vector<tenant::Tenant> tenants;
  std::vector<outbound::SubscriptionPtr> subscriptions;
  std::vector<inbound::EndpointPtr> endpoints;
  std::vector<tenant::ApiKeyId> revoked;
};

}  // namespace

void BookWatch::start() {
  if (parts_.store.engine() != db::Engine::postgres) return;
  rounds_.start("look for changes of other nodes", kInterval, [this] { return refresh(); });
}

base::Task<void> BookWatch::refresh() {
  const base::Steady began = base::steady_now();
  const auto read = [this](db::Tx& tx) -> Result<Known> {
    Known result;
    XD_TRY(result.mark, outbound::mark_of_subscriptions(tx));
    XD_TRY(const std::string endpoints, inbound::mark_of_endpoints(tx));
    result.mark.append(" ").append(endpoints);
    XD_TRY(result.tenants, tenant::all_tenants(tx));
    XD_TRY(result.revoked, tenant::keys_revoked_since(tx, parts_.clock.now() - kRevokedPeriod));
    for (const tenant::Tenant& tenant : result.tenants) {
      result.mark.append(" ").append(std::to_string(tenant.version));
    }
    if (result.mark == seen_) return result;
    XD_TRY(result.subscriptions, outbound::all_subscriptions(tx, parts_.ring));
    XD_TRY(result.endpoints, inbound::all_endpoints(tx, parts_.ring));
    return result;
  };
  XD_CO_TRY(const Known known, co_await parts_.store.read(read, db::kLongReadTime));
  tell_revoked(known.revoked);
  if (known.mark == seen_) co_return Result<void>{};
  seen_ = known.mark;
  for (const tenant::Tenant& tenant : known.tenants) {
    auto shared = std::make_shared<const tenant::Tenant>(tenant);
    parts_.tenants.tell([shared](tenant::TenantBook& book) { book.put(shared); });
    if (tenant.status != tenant::TenantStatus::active) parts_.bell.nudge(tenant.id.uuid);
  }
  std::set<base::TenantId> there;
  for (const tenant::Tenant& tenant : known.tenants) there.insert(tenant.id);
  for (const base::TenantId id : tenants_) {
    if (!there.contains(id)) parts_.tenants.tell([id](tenant::TenantBook& book) { book.remove(id); });
  }
  tenants_ = std::move(there);
  auto all = std::make_shared<const std::vector<outbound::SubscriptionPtr>>(known.subscriptions);
  parts_.books.tell([all, began](outbound::Book& book) { book.replace(*all, began); });
  auto endpoints = std::make_shared<const std::vector<inbound::EndpointPtr>>(known.endpoints);
  parts_.endpoints.tell([endpoints, began](inbound::Book& book) { book.replace(*endpoints, began); });
  co_return Result<void>{};
}

void BookWatch::tell_revoked(const std::vector<tenant::ApiKeyId>& keys) {
  for (const tenant::ApiKeyId id : keys) {
    if (revoked_.contains(id)) continue;
    parts_.keys.tell([id](tenant::KeyCache& cache) { cache.forget(id); });
    parts_.bell.nudge(id.uuid);
  }
  revoked_ = {keys.begin(), keys.end()};
}

}  // namespace app
