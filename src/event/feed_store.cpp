#include <charconv>
#include <set>

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "event/feed.hpp"

namespace event {

namespace {

using base::Result;

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kCountBytes = 4;

/// On PostgreSQL: what is older than the oldest transaction that runs. Nothing can be added before that any
/// more.
constexpr const char* kRead =
    "SELECT commit_no, seq, kind, entries FROM feed WHERE (commit_no, seq) >= ($1, $2)"
    " ORDER BY commit_no, seq LIMIT $3";
constexpr const char* kReadSettled =
    "SELECT commit_no, seq, kind, entries FROM feed WHERE (commit_no, seq) >= ($1, $2)"
    " AND commit_no < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT)"
    " ORDER BY commit_no, seq LIMIT $3";
constexpr const char* kNewest =
    "SELECT commit_no, seq, kind, entries FROM feed ORDER BY commit_no DESC, seq DESC LIMIT 1";
constexpr const char* kNewestSettled =
    "SELECT commit_no, seq, kind, entries FROM feed"
    " WHERE commit_no < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT)"
    " ORDER BY commit_no DESC, seq DESC LIMIT 1";

bool settles_at_once(const db::Tx& tx) { return tx.engine() == db::Engine::sqlite; }

base::Uuid uuid_at(std::string_view bytes) {
  base::Uuid uuid;
  std::memcpy(uuid.bytes.data(), bytes.data(), kIdBytes);
  return uuid;
}

/// Calls visit(tenant, index, id) for each entry of a row, index from 1.
template <class Visit>
void for_each_entry(std::string_view bytes, const Visit& visit) {
  std::int64_t index = 0;
  while (bytes.size() > kIdBytes + kCountBytes) {
    const base::TenantId tenant{uuid_at(bytes)};
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < kCountBytes; ++i) {
      count = count << 8 | static_cast<unsigned char>(bytes[kIdBytes + i]);
    }
    bytes.remove_prefix(kIdBytes + kCountBytes);
    XD_ASSERT(bytes.size() >= count * kIdBytes);
    for (std::uint32_t i = 0; i < count; ++i) visit(tenant, ++index, uuid_at(bytes.substr(i * kIdBytes)));
    bytes.remove_prefix(count * kIdBytes);
  }
}

std::int64_t count_entries(std::string_view bytes) {
  std::int64_t count = 0;
  for_each_entry(bytes, [&](base::TenantId, std::int64_t index, const base::Uuid&) { count = index; });
  return count;
}

Result<FeedPosition> behind_newest(db::Tx& tx, const char* statement) {
  FeedPosition end;
  XD_DO(tx.query(statement, {}, [&](const db::Row& row) {
    end = {row.integer(0), row.integer(1), count_entries(row.blob(3))};
  }));
  return end;
}

/// Whether what was removed lies behind a position where no read finds anything: its own row is gone. On
/// PostgreSQL a row that feed_now() gave may be there and not be settled.
Result<bool> is_removed(db::Tx& tx, FeedPosition position) {
  if (position == FeedPosition{}) return false;
  XD_TRY(const auto rows, tx.query("SELECT 1 FROM feed WHERE commit_no = $1 AND seq = $2",
                                   {position.commit, position.seq}, [](const db::Row&) {}));
  return rows == 0;
}

/// Groups of [tenant, number of ids, ids].
std::string pack(std::span<const FeedItem> items) {
  std::string bytes;
  bytes.reserve(items.size() * kIdBytes + 64);
  const auto append = [&](const base::Uuid& uuid) {
    bytes.append(reinterpret_cast<const char*>(uuid.bytes.data()), kIdBytes);
  };
  for (std::size_t begin = 0; begin < items.size();) {
    std::size_t end = begin;
    while (end < items.size() && items[end].tenant == items[begin].tenant) ++end;
    append(items[begin].tenant.uuid);
    const auto count = static_cast<std::uint32_t>(end - begin);
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(count >> shift));
    for (; begin < end; ++begin) append(items[begin].id);
  }
  return bytes;
}

}  // namespace

std::string FeedPosition::str() const {
  return std::to_string(commit) + "-" + std::to_string(seq) + "-" + std::to_string(index);
}

std::optional<FeedPosition> FeedPosition::parse(std::string_view text) {
  FeedPosition position;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (std::int64_t* part : {&position.commit, &position.seq, &position.index}) {
    if (part != &position.commit && (at == end || *at++ != '-')) return std::nullopt;
    const auto [next, error] = std::from_chars(at, end, *part);
    if (error != std::errc{} || *part < 0) return std::nullopt;
    at = next;
  }
  return at == end ? std::optional(position) : std::nullopt;
}

Result<void> add_to_feed(db::Tx& tx, FeedKind kind, std::span<const FeedItem> items, base::Time at) {
  if (items.empty()) return {};
  const std::string entries = pack(items);
  XD_DO(tx.exec("INSERT INTO feed (kind, at, entries) VALUES ($1, $2, $3)",
                {kind == FeedKind::event ? "EVENT" : "DELIVERY", at, db::Arg::blob(entries)}));
  return {};
}

Result<FeedPage> read_feed(db::Tx& tx, base::TenantId tenant, FeedPosition from) {
  FeedPage page{.end = from};
  bool full = false;
  bool first = true;
  const auto read_row = [&](const db::Row& row) {
    if (full) return;
    FeedPosition place{row.integer(0), row.integer(1), 0};
    const bool same = place.commit == from.commit && place.seq == from.seq;
    page.lost = page.lost || (first && !same && from != FeedPosition{});
    first = false;
    const FeedKind kind = row.text(2) == "EVENT" ? FeedKind::event : FeedKind::delivery;
    for_each_entry(row.blob(3), [&](base::TenantId of, std::int64_t index, const base::Uuid& id) {
      if (full || (same && index <= from.index)) return;
      place.index = index;
      if (of == tenant) page.entries.push_back({place, kind, id});
      full = page.entries.size() >= base::limits::kFeedEntriesPerRead;
    });
    page.end = std::max(page.end, place);
  };
  XD_TRY(const auto rows, tx.query(settles_at_once(tx) ? kRead : kReadSettled,
                                   {from.commit, from.seq, base::limits::kFeedRowsPerRead}, read_row));
  if (first) {
    XD_TRY(page.lost, is_removed(tx, from));
  }
  page.more = full || rows == static_cast<std::int64_t>(base::limits::kFeedRowsPerRead);
  return page;
}

Result<FeedGlance> glance_at_feed(db::Tx& tx, FeedPosition from) {
  FeedGlance glance{.end = from};
  std::set<base::TenantId> tenants;
  XD_TRY(const auto rows,
         tx.query(settles_at_once(tx) ? kRead : kReadSettled,
                  {from.commit, from.seq, base::limits::kFeedRowsPerRead}, [&](const db::Row& row) {
                    FeedPosition place{row.integer(0), row.integer(1), 0};
                    const bool same = place.commit == from.commit && place.seq == from.seq;
                    for_each_entry(row.blob(3), [&](base::TenantId of, std::int64_t index, const auto&) {
                      place.index = index;
                      if (!same || index > from.index) tenants.insert(of);
                    });
                    glance.end = std::max(glance.end, place);
                  }));
  glance.tenants.assign(tenants.begin(), tenants.end());
  glance.more = rows == static_cast<std::int64_t>(base::limits::kFeedRowsPerRead);
  return glance;
}

Result<FeedPosition> feed_end(db::Tx& tx) {
  return behind_newest(tx, settles_at_once(tx) ? kNewest : kNewestSettled);
}

Result<FeedPosition> feed_now(db::Tx& tx) { return behind_newest(tx, kNewest); }

Result<FeedPosition> feed_start(db::Tx& tx) {
  FeedPosition start;
  XD_DO(tx.query("SELECT commit_no, seq FROM feed ORDER BY commit_no, seq LIMIT 1", {},
                 [&](const db::Row& row) { start = {row.integer(0), row.integer(1), 0}; }));
  return start;
}

Result<FeedPosition> feed_position_at(db::Tx& tx, base::Time time) {
  // Times have no index, but stand in the order of rows: a search by halves.
  XD_TRY(const FeedPosition start, feed_start(tx));
  XD_TRY(const FeedPosition end, feed_end(tx));
  std::int64_t low = start.commit;
  std::int64_t high = end.commit + 1;
  const auto is_before = [&](std::int64_t commit) -> Result<bool> {
    bool before = false;
    XD_DO(tx.query("SELECT at FROM feed WHERE commit_no >= $1 ORDER BY commit_no, seq LIMIT 1", {commit},
                   [&](const db::Row& row) { before = row.time(0) < time; }));
    return before;
  };
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    XD_TRY(const bool before, is_before(middle));
    (before ? low : high) = before ? middle + 1 : middle;
  }
  FeedPosition found = end;
  XD_DO(tx.query(
      "SELECT commit_no, seq FROM feed WHERE commit_no >= $1 ORDER BY commit_no, seq LIMIT 1", {low},
      [&](const db::Row& row) { found = std::min(end, FeedPosition{row.integer(0), row.integer(1), 0}); }));
  return found;
}

Result<std::int64_t> trim_feed(db::Tx& tx, base::Time now, std::size_t most) {
  std::vector<FeedPosition> rows;
  bool kept = false;
  XD_DO(tx.query("SELECT commit_no, seq, at FROM feed ORDER BY commit_no, seq LIMIT $1", {most + 1},
                 [&](const db::Row& row) {
                   kept = kept || row.time(2) >= now - kFeedPeriod;
                   if (!kept) rows.push_back({row.integer(0), row.integer(1), 0});
                 }));
  // Who has read all that is too old stands on the last of it, and has missed nothing.
  if (!rows.empty()) rows.pop_back();
  if (rows.empty()) return 0;
  return tx.exec("DELETE FROM feed WHERE (commit_no, seq) <= ($1, $2)",
                 {rows.back().commit, rows.back().seq});
}

}  // namespace event
