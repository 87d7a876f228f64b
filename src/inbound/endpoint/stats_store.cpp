#include <bit>
#include <cstring>

#include "inbound/endpoint/endpoint.hpp"

namespace inbound {

using base::Result;

namespace {

/// On SQLite a row of endpoint_counts has what one transaction counts. All are added up when they have
/// become as heavy as this, where each endpoint's entry weighs 1 and a row 50: that takes about ten
/// milliseconds where endpoints are thousands, and comes once in some seconds of full load.
constexpr std::int64_t kWeightMax = 100'000;
constexpr std::int64_t kRowWeight = 50;

/// An entry of a row: the endpoint's id, and as integers of the processor's order, little-endian on all that
/// this runs on, received, processed and failed (4 bytes each) and the time of the last one in microseconds
/// (8).
static_assert(std::endian::native == std::endian::little);
constexpr std::size_t kEntryBytes = 16 + 3 * 4 + 8;

template <class T>
void write_number(std::string& to, std::int64_t value) {
  const T number = static_cast<T>(value);
  to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

template <class T>
std::int64_t read_number(const char*& from) {
  T number;
  std::memcpy(&number, from, sizeof number);
  from += sizeof number;
  return number;
}

std::string write_counts(const std::map<EndpointId, EndpointStats>& counts) {
  std::string text;
  text.reserve(counts.size() * kEntryBytes);
  for (const auto& [id, more] : counts) {
    text.append(reinterpret_cast<const char*>(id.uuid.bytes.data()), id.uuid.bytes.size());
    for (const std::int64_t count : {more.received, more.processed, more.failed})
      write_number<std::int32_t>(text, count);
    write_number<std::int64_t>(text, base::to_micros(more.last_received.value_or(base::Time{})));
  }
  return text;
}

void include(EndpointStats& stats, const EndpointStats& more) {
  stats.received += more.received;
  stats.processed += more.processed;
  stats.failed += more.failed;
  stats.last_received = std::max(stats.last_received, more.last_received);
}

/// visit(endpoint, more) for all that is counted and not added up yet; several times for one endpoint.
template <class Visit>
Result<void> each_counted(db::Tx& tx, const Visit& visit) {
  XD_DO(tx.query("SELECT counts FROM endpoint_counts", {}, [&](const db::Row& row) {
    const std::string_view counts = row.blob(0);
    for (std::size_t at = 0; at + kEntryBytes <= counts.size(); at += kEntryBytes) {
      EndpointId id;
      std::memcpy(id.uuid.bytes.data(), counts.data() + at, id.uuid.bytes.size());
      const char* from = counts.data() + at + id.uuid.bytes.size();
      EndpointStats more;
      more.received = read_number<std::int32_t>(from);
      more.processed = read_number<std::int32_t>(from);
      more.failed = read_number<std::int32_t>(from);
      if (const std::int64_t last = read_number<std::int64_t>(from); last != 0)
        more.last_received = base::from_micros(last);
      visit(id, more);
    }
  }));
  return {};
}

Result<void> add(db::Tx& tx, const std::map<EndpointId, EndpointStats>& more) {
  std::vector<db::Arg> args;
  args.reserve(more.size() * 5);
  for (const auto& [id, stats] : more) {
    args.insert(args.end(), {id, stats.received, stats.processed, stats.failed, stats.last_received});
  }
  return tx.each(
      "UPDATE endpoint_stats SET total_received = total_received + $2, total_processed = total_processed + "
      "$3,"
      " total_failed = total_failed + $4, last_received_at = CASE WHEN last_received_at IS NULL"
      " OR last_received_at < CAST($5 AS BIGINT) THEN CAST($5 AS BIGINT) ELSE last_received_at END"
      " WHERE endpoint_id = $1",
      5, args);
}

/// Straight into their row, for they are rare.
Result<void> add_conflicts(db::Tx& tx, const std::map<EndpointId, EndpointStats>& more) {
  std::vector<db::Arg> args;
  for (const auto& [id, stats] : more) {
    if (stats.conflicts > 0) args.insert(args.end(), {id, stats.conflicts});
  }
  if (args.empty()) return {};
  return tx.each("UPDATE endpoint_stats SET total_conflicts = total_conflicts + $2 WHERE endpoint_id = $1", 2,
                 args);
}

}  // namespace

Result<void> add_to_stats(db::Tx& tx, const std::map<EndpointId, EndpointStats>& more) {
  XD_DO(add_conflicts(tx, more));
  if (tx.engine() == db::Engine::postgres) return add(tx, more);
  std::int64_t weight = kRowWeight + static_cast<std::int64_t>(more.size());
  XD_DO(tx.query("SELECT weight FROM endpoint_counts ORDER BY seq DESC LIMIT 1", {},
                 [&](const db::Row& row) { weight += row.integer(0); }));
  const std::string counts = write_counts(more);
  XD_DO(tx.exec("INSERT INTO endpoint_counts (weight, counts) VALUES ($1, $2)",
                {weight, db::Arg::blob(counts)}));
  if (weight < kWeightMax) return {};
  std::unordered_map<EndpointId, EndpointStats> sums;
  XD_DO(each_counted(tx, [&](EndpointId id, const EndpointStats& one) { include(sums[id], one); }));
  XD_DO(add(tx, {sums.begin(), sums.end()}));
  XD_DO(tx.exec("DELETE FROM endpoint_counts"));
  return {};
}

namespace {

/// Of the endpoints that args names.
Result<void> add_refused(db::Tx& tx, const std::vector<db::Arg>& args,
                         std::map<EndpointId, EndpointStats>& found) {
  std::string list;
  for (std::size_t i = 1; i <= args.size(); ++i) list += (i == 1 ? "$" : ", $") + std::to_string(i);
  if (list.empty()) return {};
  XD_DO(
      tx.query("SELECT endpoint_id, reason, count FROM endpoint_refusals WHERE endpoint_id IN (" + list + ")",
               args, [&](const db::Row& row) {
                 const auto own = found.find(row.id<EndpointId>(0));
                 if (own != found.end()) own->second.refused[row.string(1)] = row.integer(2);
               }));
  return {};
}

}  // namespace

Result<std::map<EndpointId, EndpointStats>> find_endpoint_stats(db::Tx& tx, std::span<const EndpointId> ids) {
  std::vector<db::Arg> args(ids.begin(), ids.end());
  std::map<EndpointId, EndpointStats> found;
  XD_DO(
      tx.each("SELECT endpoint_id, total_received, total_processed, total_failed, last_received_at,"
              " total_conflicts FROM endpoint_stats WHERE endpoint_id = $1",
              1, args, [&](std::size_t, std::int64_t, const db::Row* row) {
                if (row == nullptr) return;
                found[row->id<EndpointId>(0)] = {.received = row->integer(1),
                                                 .processed = row->integer(2),
                                                 .failed = row->integer(3),
                                                 .conflicts = row->integer(5),
                                                 .last_received = row->maybe_time(4)};
              }));
  XD_DO(add_refused(tx, args, found));
  if (tx.engine() == db::Engine::postgres) return found;
  XD_DO(each_counted(tx, [&](EndpointId id, const EndpointStats& one) {
    if (const auto own = found.find(id); own != found.end()) include(own->second, one);
  }));
  return found;
}

Result<EndpointStats> find_endpoint_stats(db::Tx& tx, EndpointId id) {
  XD_TRY(const auto found, find_endpoint_stats(tx, std::span(&id, 1)));
  return found.empty() ? EndpointStats{} : found.begin()->second;
}

}  // namespace inbound
