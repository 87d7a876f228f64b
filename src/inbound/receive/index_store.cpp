#include "inbound/receive/index.hpp"
#include "tenant/tenant.hpp"

namespace inbound {

namespace {

using base::Result;

constexpr auto kInterval = std::chrono::seconds{2};
/// Of so many a page of the index takes several, also where they are of thousands of endpoints, and so many
/// are looked through in some milliseconds where they are not in it yet.
constexpr std::int64_t kRowsMin = 200'000;
constexpr auto kAgeMax = std::chrono::minutes{10};
/// Of one transaction: it delays the others that are committed with it by less than a millisecond.
constexpr std::size_t kPiece = 400;

struct Entry {
  TenantId tenant{};
  EndpointId endpoint{};
  ReceivedId id{};
  auto operator<=>(const Entry&) const = default;
};

struct State {
  Indexed indexed{};
  std::int64_t rows = 0;  ///< that came since it was brought up last; less than none where some were removed

  bool is_due(base::Time now) const {
    // Rows are counted anew where the newest were removed. A goal that was not reached: something had ended
    // in the midst of it.
    return rows < 0 || rows >= kRowsMin || indexed.until != indexed.goal ||
           (rows != 0 && now - base::time_of(indexed.until) >= kAgeMax);
  }
};

Result<State> find_state(db::Tx& tx) {
  State state;
  XD_TRY(state.indexed, find_indexed(tx));
  XD_DO(
      tx.query("SELECT COALESCE((SELECT MAX(rowid) FROM received_events), 0)"
               " - COALESCE((SELECT last_row FROM received_indexed), 0)",
               {}, [&](const db::Row& row) { state.rows = row.integer(0); }));
  return state;
}

/// From now on nothing up to this moment is missed, however late it comes.
Result<Indexed> set_goal(db::Tx& tx, base::Time now) {
  XD_TRY(Indexed indexed, find_indexed(tx));
  // No id of this moment is greater.
  indexed.goal = std::max(indexed.goal, base::first_uuid_of(now + std::chrono::milliseconds{1}));
  XD_DO(
      tx.exec("INSERT INTO received_indexed (only, until, goal, last_row)"
              " VALUES (1, $1, $2, COALESCE((SELECT MAX(rowid) FROM received_events), 0))"
              " ON CONFLICT (only) DO UPDATE SET goal = excluded.goal, last_row = excluded.last_row",
              {indexed.until, indexed.goal}));
  return indexed;
}

/// What is not in the index, in its order.
Result<std::vector<Entry>> find_missing(db::Tx& tx, const Indexed& indexed) {
  std::vector<TenantId> tenants;
  XD_DO(tx.query("SELECT id FROM tenants ORDER BY id", {},
                 [&](const db::Row& row) { tenants.push_back(row.id<TenantId>(0)); }));
  std::vector<Entry> missing;
  for (const TenantId tenant : tenants) {
    XD_DO(
        tx.query("SELECT endpoint_id, id FROM received_events WHERE tenant_id = $1 AND id > $2 AND id <= $3",
                 {tenant, indexed.until, indexed.goal}, [&](const db::Row& row) {
                   missing.push_back({tenant, row.id<EndpointId>(0), row.id<ReceivedId>(1)});
                 }));
  }
  std::ranges::sort(missing);
  return missing;
}

Result<void> insert_entries(db::Tx& tx, std::span<const Entry> entries) {
  std::vector<db::Arg> args;
  args.reserve(entries.size() * 3);
  for (const Entry& entry : entries) args.insert(args.end(), {entry.tenant, entry.endpoint, entry.id});
  return tx.each("INSERT OR IGNORE INTO received_index (tenant_id, endpoint_id, id) VALUES ($1, $2, $3)", 3,
                 args);
}

/// Without those of a tenant that is being removed: the sweep may be past the index.
Result<void> insert_piece(db::Tx& tx, std::span<const Entry> piece) {
  while (!piece.empty()) {
    const TenantId owner = piece.front().tenant;
    const auto end = std::ranges::find_if(piece, [&](const Entry& one) { return one.tenant != owner; });
    const auto size = static_cast<std::size_t>(end - piece.begin());
    XD_TRY(const auto tenant, tenant::find_tenant(tx, owner));
    if (tenant && tenant->status != tenant::TenantStatus::deleting)
      XD_DO(insert_entries(tx, piece.first(size)));
    piece = piece.subspan(size);
  }
  return {};
}

}  // namespace

Result<Indexed> find_indexed(db::Tx& tx) {
  Indexed indexed;
  XD_DO(tx.query("SELECT until, goal FROM received_indexed", {},
                 [&](const db::Row& row) { indexed = {row.uuid(0), row.uuid(1)}; }));
  return indexed;
}

Result<void> index_late_ones(db::Tx& tx, std::span<const ReceivedPtr> events) {
  if (tx.engine() != db::Engine::sqlite) return {};
  XD_TRY(const Indexed indexed, find_indexed(tx));
  std::vector<Entry> late;
  for (const ReceivedPtr& event : events) {
    if (event->id.uuid <= indexed.goal) late.push_back({event->tenant, event->endpoint, event->id});
  }
  return insert_entries(tx, late);
}

base::Task<void> IndexKeeper::bring_up() {
  XD_CO_TRY(const Indexed indexed,
            co_await store_.write([now = clock_.now()](db::Tx& tx) { return set_goal(tx, now); }));
  XD_CO_TRY(
      const std::vector<Entry> missing,
      co_await store_.read([indexed](db::Tx& tx) { return find_missing(tx, indexed); }, db::kLongReadTime));
  for (std::span<const Entry> rest = missing; !rest.empty();) {
    if (rounds_.stopping()) co_return Result<void>{};
    const auto piece = rest.first(std::min(rest.size(), kPiece));
    XD_CO_DO(co_await store_.write([piece](db::Tx& tx) { return insert_piece(tx, piece); }));
    rest = rest.subspan(piece.size());
  }
  co_return co_await store_.write([indexed](db::Tx& tx) -> Result<void> {
    XD_DO(tx.exec("UPDATE received_indexed SET until = $1", {indexed.goal}));
    return {};
  });
}

void IndexKeeper::start() {
  if (store_.engine() != db::Engine::sqlite) return;
  rounds_.start("bring up the index of received events", kInterval, [this] { return look(); });
}

base::Task<void> IndexKeeper::look() {
  XD_CO_TRY(const State state, co_await store_.read(find_state));
  if (!state.is_due(clock_.now())) co_return Result<void>{};
  co_return co_await bring_up();
}

}  // namespace inbound
