#include "outbound/subscription/secret_header.hpp"

namespace outbound {

namespace {

using base::Result;

constexpr const char* kRewrite = "hide_audited_headers";

constexpr std::size_t kPiece = 200;

}  // namespace

Result<void> seal_plain_headers(db::Db& store, const crypto::KeyRing& ring) {
  std::optional<SubscriptionId> after = SubscriptionId{};
  while (after) {
    XD_TRY(after, store.write_now([&](db::Tx& tx) { return seal_headers_after(tx, ring, *after, kPiece); }));
  }
  return {};
}

Result<std::int64_t> hide_audited_headers(db::Tx& tx, std::int64_t limit) {
  base::Uuid reached;
  bool done = false;
  XD_DO(tx.query("SELECT reached, done FROM rewrites WHERE name = $1", {kRewrite}, [&](const db::Row& row) {
    reached = row.uuid(0);
    done = row.flag(1);
  }));
  if (done) return 0;
  struct Change {
    base::Uuid id;
    std::optional<std::string> before;
    std::optional<std::string> after;
  };
  std::vector<Change> changes;
  XD_TRY(const std::int64_t seen,
         tx.query("SELECT id, target_type, COALESCE(before, ''), COALESCE(after, '') FROM audit_log"
                  " WHERE id > $1 ORDER BY id LIMIT $2",
                  {reached, limit}, [&](const db::Row& row) {
                    reached = row.uuid(0);
                    if (row.text(1) != "subscription") return;
                    Change change{reached, with_hidden_headers(row.string(2)),
                                  with_hidden_headers(row.string(3))};
                    if (change.before || change.after) changes.push_back(std::move(change));
                  }));
  for (const Change& change : changes) {
    XD_DO(
        tx.exec("UPDATE audit_log SET before = COALESCE(CAST($2 AS TEXT), before),"
                " after = COALESCE(CAST($3 AS TEXT), after) WHERE id = $1",
                {change.id, change.before, change.after}));
  }
  XD_DO(
      tx.exec("INSERT INTO rewrites (name, reached, done) VALUES ($1, $2, $3)"
              " ON CONFLICT (name) DO UPDATE SET reached = excluded.reached, done = excluded.done",
              {kRewrite, reached, seen < limit}));
  return seen;
}

}  // namespace outbound
