#include "scenarios/inbound/store.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

#include "scenarios/inbound/request.hpp"

namespace bench {

namespace {

constexpr int kPatienceMs = 10'000;

[[noreturn]] void give_up(sqlite3* database, const std::string& what) {
  throw std::runtime_error(what + ": " + (database != nullptr ? sqlite3_errmsg(database) : "no memory"));
}

/// A statement on its way through its rows.
class Rows {
 public:
  Rows(sqlite3* database, const char* sql) : database_(database) {
    if (sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK) give_up(database, sql);
  }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows() { sqlite3_finalize(statement_); }

  bool next() {
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) give_up(database_, "cannot read the server's store");
    return code == SQLITE_ROW;
  }
  std::uint64_t number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
  }
  std::string_view bytes(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace

void InboundStore::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

InboundStore::InboundStore(const std::filesystem::path& data) {
  sqlite3* database = nullptr;
  const std::string path = data / "core.db";
  const int code = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY, nullptr);
  database_.reset(database);
  if (code != SQLITE_OK) give_up(database, "cannot open " + path);
  sqlite3_busy_timeout(database, kPatienceMs);
}

std::uint64_t InboundStore::count(const char* sql) const {
  Rows rows(database_.get(), sql);
  return rows.next() ? rows.number(0) : 0;
}

std::uint64_t InboundStore::processed_so_far() const {
  // One statement, so that nothing is added up between two looks. What is not added up yet are entries of 36
  // bytes: the endpoint's id, then as int32_t what it received, processed and failed, and a time.
  constexpr std::size_t kEntryBytes = 36;
  constexpr std::size_t kProcessedAt = 20;
  Rows rows(database_.get(),
            "SELECT NULL, COALESCE(sum(total_processed) + sum(total_failed), 0) FROM endpoint_stats"
            " UNION ALL SELECT counts, 0 FROM endpoint_counts");
  std::uint64_t sum = 0;
  while (rows.next()) {
    sum += rows.number(1);
    const std::string_view counts = rows.bytes(0);
    for (std::size_t at = 0; at + kEntryBytes <= counts.size(); at += kEntryBytes) {
      std::int32_t ended[2];
      std::memcpy(ended, counts.data() + at + kProcessedAt, sizeof ended);
      sum += static_cast<std::uint64_t>(ended[0]) + static_cast<std::uint64_t>(ended[1]);
    }
  }
  return sum;
}

void InboundStore::enter_received(Ledger& ledger) const {
  constexpr std::uint64_t kNobodys = std::numeric_limits<std::uint64_t>::max();
  const std::int64_t now = now_ns();
  Rows rows(database_.get(),
            "SELECT r.id, r.external_id, e.endpoint_path FROM received_events r"
            " JOIN webhook_endpoints e ON e.id = r.endpoint_id");
  while (rows.next()) {
    Uuid id;
    const std::string_view bytes = rows.bytes(0);
    if (bytes.size() != id.bytes.size()) throw std::runtime_error("a stored id has not 16 bytes");
    std::ranges::copy(bytes, reinterpret_cast<char*>(id.bytes.data()));
    const auto seq = seq_of_delivery(rows.bytes(1));
    const auto endpoint = endpoint_number(rows.bytes(2));
    ledger.receive(seq && endpoint ? *seq : kNobodys, endpoint.value_or(0), id, now);
  }
}

Processed InboundStore::processed() const {
  return {.stored = count("SELECT count(*) FROM received_events"),
          .processed = count("SELECT count(*) FROM received_results WHERE status = 'PROCESSED'"),
          .other = count("SELECT count(*) FROM received_results WHERE status <> 'PROCESSED'"),
          .published = count("SELECT count(*) FROM received_results r JOIN events e"
                             " ON e.tenant_id = r.tenant_id AND e.id = r.event_id"),
          .events = count("SELECT count(*) FROM events WHERE origin = 'inbound'")};
}

}  // namespace bench
