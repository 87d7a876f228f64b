#include <unordered_map>

#include "format/json.hpp"
#include "outbound/subscription/secret_header.hpp"
#include "queue/backoff.hpp"
#include "queue/queue_store.hpp"

namespace outbound {

namespace {

using base::Code;
using base::fail;
using base::Result;

Subscription read_subscription(const db::Row& row, const crypto::KeyRing& ring) {
  Subscription result;
  if (auto loaded = subscriptions().load(row, &ring, result); !loaded) result.broken = loaded.error().message;
  return result;
}

Result<std::vector<SubscriptionPtr>> with_secrets(db::Tx& tx, const crypto::KeyRing& ring,
                                                  std::vector<Subscription> read) {
  std::vector<SubscriptionPtr> result;
  for (Subscription& subscription : read) {
    XD_TRY(auto found, tenant::find_secrets(tx, ring, subscription.secret_owner()));
    subscription.secrets = std::move(found.secrets);
    if (subscription.broken.empty()) subscription.broken = found.broken;
    subscription.secrets_closed = std::move(found.broken);
    result.push_back(std::make_shared<const Subscription>(std::move(subscription)));
  }
  return result;
}

Result<std::vector<SubscriptionPtr>> select(db::Tx& tx, const crypto::KeyRing& ring, db::PageQuery query) {
  std::vector<Subscription> read;
  XD_DO(query.run(tx, read, [&](const db::Row& row) { return read_subscription(row, ring); }));
  return with_secrets(tx, ring, std::move(read));
}

/// At most what is shown of it takes: a page that was cut for its bytes must look full to the list.
std::size_t shown_bytes(const Subscription& subscription) {
  std::size_t bytes = subscription.filter.size() + subscription.signing_config.size() +
                      subscription.ca_certificate.size() + subscription.url.size();
  for (const std::string& type : subscription.event_types) bytes += type.size();
  for (const auto& [key, value] : subscription.headers)
    bytes += key.size() + (is_secret_header(subscription, key) ? 0 : value.size());
  return bytes;
}

/// Of headers as they are stored: whether a value lies there that tells to be a secret.
Result<bool> has_plain_secret(const std::string& headers) {
  if (headers == "{}") return false;
  const auto document = format::parse_json(headers);
  if (!document) return false;  // of one that cannot be read, and is not written
  return std::ranges::any_of(document->root().members(), [](const format::Member& header) {
    static const Subscription kNobody;
    return !header.value.is_null() && is_secret_header(kNobody, header.key);
  });
}

constexpr db::Page kAll{.limit = std::numeric_limits<std::int64_t>::max()};

}  // namespace

Result<void> insert_subscription(db::Tx& tx, const crypto::KeyRing& ring, const Subscription& subscription) {
  XD_DO(subscriptions().insert(tx, &ring, subscription));
  for (const SigningSecret& secret : subscription.secrets) {
    XD_DO(tenant::insert_secret(tx, ring, subscription.secret_owner(), secret));
  }
  XD_DO(
      tx.exec("INSERT INTO subscription_stats (subscription_id, total_sent, total_delivered, total_failed,"
              " consecutive_failures) VALUES ($1, 0, 0, 0, 0)",
              {subscription.id}));
  return {};
}

Result<bool> update_subscription(db::Tx& tx, const crypto::KeyRing& ring, const Subscription& subscription) {
  return subscriptions().update(tx, &ring, subscription);
}

Result<void> ensure_detour_lane(db::Tx& tx, TenantId tenant, SubscriptionId id) {
  // Whoever pauses the subscription at this moment is waited for.
  XD_DO(queue::lock_lane(tx, tenant, queue::LaneId{id.uuid}));
  XD_DO(
      tx.exec("INSERT INTO lanes (id, tenant_id, kind, state, epoch) SELECT $1, tenant_id, kind, state, 0"
              " FROM lanes WHERE id = $2 ON CONFLICT (id) DO NOTHING",
              {detour_lane(id), id}));
  return {};
}

Result<std::optional<SubscriptionId>> seal_headers_after(db::Tx& tx, const crypto::KeyRing& ring,
                                                         SubscriptionId after, std::size_t limit) {
  struct Known {
    SubscriptionId id;
    TenantId tenant;
    std::string headers;
  };
  std::vector<Known> all;
  XD_DO(
      tx.query("SELECT id, tenant_id, headers FROM webhook_subscriptions WHERE id > $1 ORDER BY id LIMIT $2",
               {after, limit}, [&](const db::Row& row) {
                 all.push_back({row.id<SubscriptionId>(0), row.id<TenantId>(1), row.string(2)});
               }));
  for (const Known& known : all) {
    XD_TRY(const bool plain, has_plain_secret(known.headers));
    if (!plain) continue;
    XD_TRY(const SubscriptionPtr subscription, find_subscription(tx, ring, known.tenant, known.id));
    if (!subscription || !subscription->broken.empty()) continue;
    resource::Values values(&ring);
    for (const db::Arg& arg : {db::Arg(known.id), db::Arg(known.tenant), db::Arg(known.headers)})
      values.add(arg);
    subscriptions().bind(values, *subscription, {"headers", "secret_header_values"});
    XD_DO(
        tx.exec("UPDATE webhook_subscriptions SET headers = $4, secret_header_values = $5"
                " WHERE id = $1 AND tenant_id = $2 AND headers = $3",
                values.args()));
  }
  return all.empty() ? std::nullopt : std::optional(all.back().id);
}

Result<bool> delete_subscription(db::Tx& tx, TenantId tenant, SubscriptionId id) {
  XD_TRY(const auto deleted,
         tx.exec("DELETE FROM webhook_subscriptions WHERE id = $1 AND tenant_id = $2", {id, tenant}));
  if (deleted == 0) return false;
  XD_DO(tenant::drop_secrets(tx, Subscription{.id = id, .tenant = tenant}.secret_owner()));
  XD_DO(tx.exec("DELETE FROM subscription_stats WHERE subscription_id = $1", {id}));
  return true;
}

Result<SubscriptionPtr> find_subscription(db::Tx& tx, const crypto::KeyRing& ring, TenantId tenant,
                                          SubscriptionId id) {
  XD_TRY(
      auto found,
      select(tx, ring, {subscriptions().select() + " WHERE id = $1 AND tenant_id = $2", {id, tenant}, kAll}));
  return found.empty() ? nullptr : std::move(found.front());
}

Result<std::vector<SubscriptionPtr>> all_subscriptions(db::Tx& tx, const crypto::KeyRing& ring) {
  return select(tx, ring, {subscriptions().select() + " WHERE 1 = 1", {}, kAll});
}

Result<std::vector<SubscriptionPtr>> list_subscriptions(db::Tx& tx, const crypto::KeyRing& ring,
                                                        TenantId tenant, const db::Page& page) {
  db::PageQuery query(subscriptions().select() + " WHERE tenant_id = $1", {tenant}, page);
  std::vector<Subscription> read;
  XD_DO(query.run_within_bytes(
      tx, read, [&](const db::Row& row) { return read_subscription(row, ring); }, shown_bytes,
      [](const Subscription& subscription) { return subscription.id.uuid; }));
  return with_secrets(tx, ring, std::move(read));
}

Result<std::string> mark_of_subscriptions(db::Tx& tx) {
  std::string mark;
  XD_DO(
      tx.query("SELECT count(*), CAST(COALESCE(sum(version), 0) AS BIGINT), COALESCE(max(updated_at), 0)"
               " FROM webhook_subscriptions",
               {}, [&](const db::Row& row) {
                 for (int column = 0; column < 3; ++column) mark += std::to_string(row.integer(column)) + "/";
               }));
  return mark;
}

Result<std::int64_t> count_subscriptions(db::Tx& tx, TenantId tenant) {
  std::int64_t count = 0;
  XD_DO(tx.query("SELECT count(*) FROM webhook_subscriptions WHERE tenant_id = $1", {tenant},
                 [&](const db::Row& row) { count = row.integer(0); }));
  return count;
}

std::optional<queue::Breaker::Open> read_circuit(const db::Row& row, int first) {
  if (row.is_null(first)) return std::nullopt;
  return queue::Breaker::Open{row.time(first), std::chrono::seconds{row.integer(first + 1)},
                              row.time(first + 2)};
}

Result<SubscriptionStats> find_stats(db::Tx& tx, SubscriptionId id) {
  SubscriptionStats stats;
  XD_DO(
      tx.query("SELECT t.total_sent, t.total_delivered, t.total_failed, t.last_triggered_at,"
               " t.last_success_at, t.last_failure_at, t.consecutive_failures, " +
                   std::string(kCircuitColumns) +
                   " FROM subscription_stats t JOIN webhook_subscriptions s ON s.id = t.subscription_id"
                   " LEFT JOIN lanes l ON l.id = s.id WHERE t.subscription_id = $1",
               {id}, [&](const db::Row& row) {
                 stats = {row.integer(0),    row.integer(1),    row.integer(2), row.maybe_time(3),
                          row.maybe_time(4), row.maybe_time(5), row.integer(6), read_circuit(row, 7)};
               }));
  return stats;
}

Result<Failing> change_stats(db::Tx& tx, const StatsChange& change) {
  Failing failing;
  const bool reset = change.delivered > 0;
  XD_DO(tx.query(
      "UPDATE subscription_stats SET total_sent = total_sent + $2 + $3,"
      " total_delivered = total_delivered + $2, total_failed = total_failed + $3,"
      " last_triggered_at = COALESCE(CAST($9 AS BIGINT), last_triggered_at),"
      " last_success_at = COALESCE(CAST($4 AS BIGINT), last_success_at),"
      " last_failure_at = COALESCE(CAST($5 AS BIGINT), last_failure_at),"
      " consecutive_failures = CASE WHEN CAST($6 AS BIGINT) = 1 THEN $7 ELSE consecutive_failures + $7 END,"
      " failing_since = CASE WHEN CAST($6 AS BIGINT) = 1 OR failing_since IS NULL THEN CAST($8 AS BIGINT)"
      " ELSE failing_since END"
      " WHERE subscription_id = $1 RETURNING consecutive_failures, failing_since",
      {change.id, change.delivered, change.failed, change.last_success, change.last_failure, reset,
       change.failed_at_end, change.first_failure_at_end, std::max(change.last_success, change.last_failure)},
      [&](const db::Row& row) { failing = {row.integer(0), row.maybe_time(1)}; }));
  return failing;
}

}  // namespace outbound
