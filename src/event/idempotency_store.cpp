#include "event/idempotency.hpp"

namespace event {

using base::Code;
using base::fail;
using base::Result;

Result<std::optional<StoredAnswer>> begin_idempotent(db::Tx& tx, const IdempotencyKey& key, base::Time now) {
  XD_TRY(
      const auto taken,
      tx.exec(
          "INSERT INTO idempotency_keys (tenant_id, scope, key, body_hash, status, response, created_at)"
          " VALUES ($1, $2, $3, $4, 0, '', $5) ON CONFLICT (tenant_id, scope, key) DO UPDATE"
          " SET body_hash = excluded.body_hash, status = 0, response = '', created_at = excluded.created_at"
          " WHERE idempotency_keys.created_at < $6",
          {key.tenant, key.scope, key.key, db::Arg::blob(key.body_hash), now, now - kIdempotencyPeriod}));
  if (taken == 1) return std::optional<StoredAnswer>{};
  std::optional<StoredAnswer> answer;
  bool same = false;
  XD_DO(
      tx.query("SELECT body_hash, status, response FROM idempotency_keys"
               " WHERE tenant_id = $1 AND scope = $2 AND key = $3",
               {key.tenant, key.scope, key.key}, [&](const db::Row& row) {
                 same = row.blob(0) == key.body_hash;
                 answer = StoredAnswer{static_cast<int>(row.integer(1)), row.string(2)};
               }));
  if (!same) {
    return fail(Code::invalid,
                "this idempotency key was used with another body within the last 24 h; use a new key",
                "IDEMPOTENCY_KEY_REUSED");
  }
  return answer;
}

Result<void> store_answer(db::Tx& tx, const IdempotencyKey& key, const StoredAnswer& answer) {
  XD_DO(
      tx.exec("UPDATE idempotency_keys SET status = $4, response = $5"
              " WHERE tenant_id = $1 AND scope = $2 AND key = $3",
              {key.tenant, key.scope, key.key, answer.status, answer.body}));
  return {};
}

Result<std::int64_t> forget_idempotency_keys(db::Tx& tx, base::Time now, std::size_t most) {
  std::vector<std::tuple<base::TenantId, std::string, std::string>> old;
  XD_DO(tx.query(
      "SELECT tenant_id, scope, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2",
      {now - kIdempotencyPeriod, most}, [&](const db::Row& row) {
        old.emplace_back(row.id<base::TenantId>(0), row.string(1), row.string(2));
      }));
  std::vector<db::Arg> args;
  for (const auto& [tenant, scope, key] : old) args.insert(args.end(), {tenant, scope, key});
  XD_DO(tx.each("DELETE FROM idempotency_keys WHERE tenant_id = $1 AND scope = $2 AND key = $3", 3, args));
  return static_cast<std::int64_t>(old.size());
}

}  // namespace event
