// Removal of a tenant: its deliveries end, then everything that is its own goes, in pieces.
#pragma once

#include "inbound/endpoint/deletion.hpp"
#include "outbound/history/deletion.hpp"
#include "tenant/tenant.hpp"

namespace monitor {

/// Operations of this kind (the platform's) are RemovalHandler's; so are tasks of that one.
inline constexpr const char* kRemovalOperation = "TENANT_DELETION";
inline constexpr const char* kRemovalTask = "removal";

/// What happens to what still waits to be delivered.
enum class Pending : std::uint8_t { cancel, drain };
/// The parameters of the operation.
std::string write_removal(Pending pending, const tenant::Tenant& tenant);

/// Ends what a tenant that is being deleted has, in this order: with `drain` what it received and can be
/// processed and its deliveries that can be delivered, its subscriptions, its endpoints, its rows in every
/// table, itself. The audit log of the platform keeps that it was there. One for each shard.
class RemovalHandler final : public queue::Handler {
 public:
  struct Parts {
    db::Db& store;
    outbound::Deleting deleting;
    const base::Everywhere<tenant::TenantBook>& tenants;
    const base::Everywhere<inbound::Book>& endpoints;
    const base::Clock& clock;
  };
  explicit RemovalHandler(Parts parts) : parts_(parts) {}

  base::Result<void> hydrate(db::Tx&, std::span<queue::Task>) const override { return {}; }
  asio::awaitable<queue::Outcome> run(const queue::Task& task) override;
  base::Result<void> record(db::Tx& tx, std::span<const queue::Finished> finished) const override;

 private:
  base::Result<queue::Verdict> step(db::Tx& tx, operation::OperationId id) const;

  Parts parts_;
};

// Over all tables.
/// What the tenant received, its fan-outs and its deliveries that wait in lanes that are not held.
base::Result<std::int64_t> count_deliverable(db::Tx& tx, base::TenantId tenant);
/// Some of its subscriptions.
base::Result<std::vector<outbound::SubscriptionId>> some_subscriptions(db::Tx& tx, base::TenantId tenant,
                                                                       std::size_t limit);
struct Removed {
  std::int64_t rows = 0;  ///< 0: nothing is left
  std::string table{};    ///< where they were; there may be more of them
};
/// Removes at most `limit` rows of the tenant from the first table, in the order of names and from `table`
/// on, that has any. An empty `table` means deliveries with their attempts, which come before all others.
base::Result<Removed> remove_rows(db::Tx& tx, base::TenantId tenant, const std::string& table,
                                  std::size_t limit);
/// Removes the tenant itself, of which nothing else is left.
base::Result<void> remove_tenant(db::Tx& tx, base::TenantId tenant);

}  // namespace monitor
