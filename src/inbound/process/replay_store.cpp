#include "event/pattern.hpp"
#include "inbound/process/replay.hpp"

namespace inbound {

namespace {

using base::Result;

/// A query looks at no more rows than this.
constexpr std::size_t kScanned = 5000;
constexpr std::size_t kCountPage = 5000;
constexpr std::size_t kFirst = 5;

struct Row {
  Replayable one{};
  ReceivedStatus status{};
  std::string source{};
  std::string event_type{};
  std::string table{};
};

Row read_row(const db::Row& row) {
  return {{row.id<ReceivedId>(0), row.id<EndpointId>(1), row.integer(3)},
          base::parse_word<ReceivedStatus>(row.text(2)).value_or(ReceivedStatus::failed),
          row.string(4),
          row.string(5),
          row.string(6)};
}

constexpr const char* kColumns =
    "SELECT id, endpoint_id, status, replay_no, source, event_type, table_name FROM received_results"
    " WHERE tenant_id = $1";

bool wants(const ReplayFilter& filter, ReceivedStatus status) {
  return filter.statuses.empty() || std::ranges::find(filter.statuses, status) != filter.statuses.end();
}

bool matches(const ReplayFilter& filter, const Row& row) {
  return wants(filter, row.status) && (!filter.endpoint || *filter.endpoint == row.one.endpoint) &&
         (filter.source.empty() || filter.source == row.source) &&
         (filter.table.empty() || filter.table == row.table) &&
         (filter.event_type.empty() || event::pattern_matches(filter.event_type, row.event_type));
}

/// Ids between the two.
struct Span {
  base::Uuid after{};
  base::Uuid before{};
};

Span span_of(const ReplayScope& scope, const base::Uuid& after) {
  Span span{after, base::first_uuid_of(std::min(scope.begun, scope.filter.until.value_or(scope.begun)))};
  // No id is the first one of its moment: there is a version in it.
  if (scope.filter.since) span.after = std::max(after, base::first_uuid_of(*scope.filter.since));
  return span;
}

/// Those that are named, one by one.
Result<ReplayPage> find_named(db::Tx& tx, const ReplayScope& scope, const base::Uuid& after,
                              std::size_t limit) {
  const Span span = span_of(scope, after);
  std::set<ReceivedId> ids(scope.filter.ids.begin(), scope.filter.ids.end());
  ids.erase(ids.begin(), ids.upper_bound(ReceivedId{span.after}));
  ids.erase(ids.lower_bound(ReceivedId{span.before}), ids.end());
  ReplayPage page{.reached = after};
  for (const ReceivedId& id : ids) {
    if (page.found.size() == limit) return page;
    page.reached = id.uuid;
    XD_DO(tx.query(std::string(kColumns) + " AND id = $2", {scope.tenant, id}, [&](const db::Row& found) {
      if (const Row row = read_row(found); matches(scope.filter, row)) page.found.push_back(row.one);
    }));
  }
  page.last = true;
  return page;
}

/// The rows of a state, or all of them, in the order of their ids; reached is the last one that was looked
/// at, or the end.
struct Scan {
  std::vector<Row> rows{};
  base::Uuid reached{};
  bool last = false;
};

Result<Scan> scan(db::Tx& tx, const ReplayScope& scope, const Span& span, std::optional<ReceivedStatus> only,
                  std::size_t limit) {
  std::string sql = std::string(kColumns) + " AND id > $2 AND id < $3";
  // In the words of the partial index, which is used for no other.
  if (only) sql += " AND status = '" + std::string(name(*only)) + "' AND status <> 'PROCESSED'";
  Scan result{.reached = span.before};
  std::size_t looked_at = 0;
  XD_DO(tx.query(sql + " ORDER BY id LIMIT $4", {scope.tenant, span.after, span.before, limit},
                 [&](const db::Row& found) {
                   ++looked_at;
                   result.reached = found.uuid(0);
                   if (Row row = read_row(found); matches(scope.filter, row))
                     result.rows.push_back(std::move(row));
                 }));
  result.last = looked_at < limit;
  if (result.last) result.reached = span.before;
  return result;
}

}  // namespace

Result<ReplayPage> find_replayable(db::Tx& tx, const ReplayScope& scope, const base::Uuid& after,
                                   std::size_t limit) {
  if (!scope.filter.ids.empty()) return find_named(tx, scope, after, limit);
  const Span span = span_of(scope, after);
  const auto& wanted = scope.filter.statuses;
  const bool rare = !wants(scope.filter, ReceivedStatus::processed);
  std::vector<Scan> scans;
  if (rare) {
    // What failed is found by an index, however much was processed well; for each state by itself.
    for (const ReceivedStatus status : std::set(wanted.begin(), wanted.end())) {
      XD_TRY(Scan found, scan(tx, scope, span, status, kScanned));
      scans.push_back(std::move(found));
    }
  } else {
    XD_TRY(Scan found, scan(tx, scope, span, std::nullopt, kScanned));
    scans.push_back(std::move(found));
  }
  ReplayPage page{.reached = span.before, .last = true};
  for (const Scan& one : scans) {
    page.reached = std::min(page.reached, one.reached);
    page.last = page.last && one.last;
  }
  for (const Scan& one : scans) {
    for (const Row& row : one.rows) {
      if (row.one.id.uuid <= page.reached) page.found.push_back(row.one);
    }
  }
  std::ranges::sort(page.found, {}, &Replayable::id);
  if (page.found.size() > limit) {
    page.found.resize(limit);
    page.reached = page.found.back().id.uuid;
    page.last = false;
  }
  return page;
}

Result<ReplayCount> count_replayable(db::Tx& tx, const ReplayScope& scope, std::int64_t most,
                                     base::Deadline until) {
  ReplayCount counted;
  base::Uuid after{};
  for (bool more = true; more;) {
    if (counted.count >= most || base::steady_now() >= until) {
      counted.exact = false;
      return counted;
    }
    XD_TRY(const ReplayPage page, find_replayable(tx, scope, after, kCountPage));
    for (const Replayable& one : page.found) {
      ++counted.count;
      ++counted.by_endpoint[one.endpoint];
      if (counted.first.size() < kFirst) counted.first.push_back(one.id);
    }
    after = page.reached;
    more = !page.last;
  }
  return counted;
}

}  // namespace inbound
