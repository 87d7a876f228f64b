#include "db/sqlite/connection.hpp"

#include <sqlite3.h>

#include <charconv>
#include <filesystem>

#include "base/assert.hpp"
#include "db/dialect.hpp"
#include "db/mutant.hpp"

namespace db {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::size_t kStatementsMax = 256;
constexpr const char* kFatalReason = "STORAGE_BROKEN";

class SqliteRow final : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* handle) : handle_(handle) {}
  bool is_null(int column) const override { return type(column) == SQLITE_NULL; }
  std::int64_t integer(int column) const override {
    XD_ASSERT(type(column) == SQLITE_INTEGER || is_null(column));
    return sqlite3_column_int64(handle_, column);
  }
  double real(int column) const override { return sqlite3_column_double(handle_, column); }
  std::string_view text(int column) const override {
    XD_ASSERT(type(column) == SQLITE_TEXT || is_null(column));
    return bytes(column);
  }
  std::string_view blob(int column) const override {
    XD_ASSERT(type(column) == SQLITE_BLOB || is_null(column));
    return bytes(column);
  }
  base::Uuid uuid(int column) const override {
    base::Uuid uuid;
    if (is_null(column)) return uuid;
    const std::string_view content = blob(column);
    XD_ASSERT(content.size() == uuid.bytes.size());
    std::memcpy(uuid.bytes.data(), content.data(), content.size());
    return uuid;
  }

 private:
  int type(int column) const {
    XD_ASSERT(column >= 0 && column < sqlite3_column_count(handle_));
    return sqlite3_column_type(handle_, column);
  }
  std::string_view bytes(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
    return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
  }

  sqlite3_stmt* handle_;
};

/// Resets the statement however the scope is left, so that it holds no read transaction open.
class Resetting {
 public:
  explicit Resetting(sqlite3_stmt* handle) : handle_(handle) {}
  ~Resetting() { sqlite3_reset(handle_); }
  Resetting(const Resetting&) = delete;
  Resetting& operator=(const Resetting&) = delete;

 private:
  sqlite3_stmt* handle_;
};

/// Of the constraints those that depend on other rows; NOT NULL and CHECK are the statement's own fault.
bool is_conflict(int status) {
  return status == SQLITE_CONSTRAINT_UNIQUE || status == SQLITE_CONSTRAINT_PRIMARYKEY ||
         status == SQLITE_CONSTRAINT_FOREIGNKEY || status == SQLITE_CONSTRAINT_ROWID;
}

base::Error internal(Code code, std::string message, std::string reason = {}) {
  return {code, std::move(message), std::move(reason), {}, true};
}

int bind_one(sqlite3_stmt* handle, int position, const Arg& arg) {
  const std::string_view bytes = arg.bytes();
  switch (arg.kind()) {
    case Arg::Kind::null: return sqlite3_bind_null(handle, position);
    case Arg::Kind::integer: return sqlite3_bind_int64(handle, position, arg.integer());
    case Arg::Kind::real: return sqlite3_bind_double(handle, position, arg.real());
    case Arg::Kind::text:
      return sqlite3_bind_text64(handle, position, bytes.empty() ? "" : bytes.data(), bytes.size(),
                                 SQLITE_STATIC, SQLITE_UTF8);
    case Arg::Kind::blob:
    case Arg::Kind::uuid:
      return sqlite3_bind_blob64(handle, position, bytes.empty() ? "" : bytes.data(), bytes.size(),
                                 SQLITE_STATIC);
  }
  return SQLITE_MISUSE;
}

/// RFC 3986: what has a meaning of its own in a URI is escaped.
std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) uri += c == '?' ? "%3f" : c == '#' ? "%23" : c == '%' ? "%25" : std::string(1, c);
  return uri + "?immutable=1";
}

}  // namespace

bool is_fatal(const base::Error& error) { return error.reason == kFatalReason; }

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path, Role role) {
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection);
  // Counting what it allocates would take a lock for each allocation.
  static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)configured;
  XD_DO(connection->open_file(path, role));
  XD_DO(connection->set_up(role));
  return connection;
}

Result<void> SqliteConnection::open_file(const std::string& path, Role role) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  std::string name = path;
  std::error_code no_log;
  const bool has_log = std::filesystem::file_size(path + "-wal", no_log) > 0 && !no_log;
  if (role == Role::inspector && !has_log) {
    // Taken for one that cannot change, it needs no log and no shared memory, which would be made otherwise.
    flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    name = immutable_uri(path);
  } else if (role != Role::reader && role != Role::inspector) {
    flags |= SQLITE_OPEN_CREATE;
  }
  const int status = sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr);
  if (status == SQLITE_OK) return {};
  return fail(Code::unavailable, "cannot open the database " + path + ": " + sqlite3_errstr(status) +
                                     "; check that the directory exists and is writable");
}

Result<void> SqliteConnection::set_up(Role role) {
  sqlite3_busy_timeout(handle_, 5000);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (role == Role::reader || role == Role::inspector) {
    // Before the first look, so that the index of the log lies in this process and not in a file.
    if (role == Role::inspector) XD_DO(script("PRAGMA locking_mode=EXCLUSIVE;"));
    // Debian's SQLite can corrupt the log when two connections checkpoint at once; a reader never does.
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_progress_handler(
        handle_, 10'000,
        [](void* self) -> int {
          return base::steady_now() > static_cast<SqliteConnection*>(self)->deadline_ ? 1 : 0;
        },
        this);
    return script(
        "PRAGMA query_only=ON; PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; PRAGMA cache_size=-4096;");
  }
  // Pages of 4 KiB: what is in no order touches one for each row, which is written whole, twice. Larger ones
  // hold rows of 1 KiB with less waste; with 8 KiB webhooks came in 4 % slower.
  XD_DO(script(
      "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;"
      "PRAGMA foreign_keys=ON; PRAGMA secure_delete=OFF; PRAGMA mmap_size=0; PRAGMA wal_autocheckpoint=0;"
      "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY;"));
  sqlite3_wal_hook(
      handle_,
      [](void* self, sqlite3*, const char*, int frames) -> int {
        static_cast<SqliteConnection*>(self)->wal_frames_ = frames;
        return SQLITE_OK;
      },
      this);
  const bool durable = role == Role::writer && !mutant("synchronous_normal");
  return script(durable ? "PRAGMA synchronous=FULL;" : "PRAGMA synchronous=NORMAL;");
}

SqliteConnection::~SqliteConnection() {
  for (const Statement& statement : statements_) sqlite3_finalize(statement.handle);
  if (handle_ != nullptr) XD_ASSERT(sqlite3_close(handle_) == SQLITE_OK);
}

Result<std::int64_t> SqliteConnection::run(std::string_view sql, std::span<const Arg> args,
                                           const Tx::RowSink* sink) {
  XD_TRY(Statement * statement, prepare(sql));
  const Resetting resetting(statement->handle);
  XD_DO(bind(*statement, args));
  std::int64_t rows = 0;
  const SqliteRow row(statement->handle);
  int status = sqlite3_step(statement->handle);
  for (; status == SQLITE_ROW; status = sqlite3_step(statement->handle)) {
    ++rows;
    if (sink != nullptr) (*sink)(row);
  }
  if (status != SQLITE_DONE) return std::unexpected(error(status));
  return sink != nullptr ? rows : static_cast<std::int64_t>(sqlite3_changes64(handle_));
}

Result<void> SqliteConnection::each(std::string_view sql, std::size_t width, std::span<const Arg> args,
                                    const Tx::EachSink& sink) {
  XD_ASSERT(width > 0 && args.size() % width == 0);
  if (args.empty()) return {};
  XD_TRY(Statement * statement, prepare(sql));
  const bool returns_rows = sqlite3_column_count(statement->handle) > 0;
  const SqliteRow row(statement->handle);
  for (std::size_t i = 0; i * width < args.size(); ++i) {
    const Resetting resetting(statement->handle);
    XD_DO(bind(*statement, args.subspan(i * width, width)));
    int status = sqlite3_step(statement->handle);
    const bool has_row = status == SQLITE_ROW;
    if (has_row && sink) sink(i, 1, &row);
    while (status == SQLITE_ROW) status = sqlite3_step(statement->handle);
    if (status != SQLITE_DONE) return std::unexpected(error(status));
    if (!has_row && sink) sink(i, returns_rows ? 0 : sqlite3_changes64(handle_), nullptr);
  }
  return {};
}

Result<void> SqliteConnection::script(const std::string& sql) {
  const int status = sqlite3_exec(handle_, activate(sql, Engine::sqlite).c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return std::unexpected(error(status));
  return {};
}

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Result<void> SqliteConnection::checkpoint() {
  int frames_in_log = 0;
  int frames_copied = 0;
  const int status =
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, &frames_in_log, &frames_copied);
  if (status != SQLITE_OK && status != SQLITE_BUSY) return std::unexpected(error(status));
  // A log that was copied whole is begun anew by the next commit; otherwise a reader still needs the rest of
  // it.
  wal_frames_ = frames_in_log - frames_copied;
  return {};
}

void SqliteConnection::abandon() { sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

Result<SqliteConnection::Statement*> SqliteConnection::prepare(std::string_view sql) {
  if (const auto found = by_sql_.find(sql); found != by_sql_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return &statements_.front();
  }
  if (statements_.size() >= kStatementsMax) {
    sqlite3_finalize(statements_.back().handle);
    by_sql_.erase(statements_.back().sql);
    statements_.pop_back();
  }
  sqlite3_stmt* handle = nullptr;
  const int status = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (status != SQLITE_OK) return std::unexpected(error(status));
  statements_.push_front({std::string(sql), handle, {}});
  Statement& statement = statements_.front();
  by_sql_.emplace(statement.sql, statements_.begin());
  const int count = sqlite3_bind_parameter_count(handle);
  for (int i = 1; i <= count; ++i) {
    const std::string_view parameter = sqlite3_bind_parameter_name(handle, i);
    int number = 0;
    std::from_chars(parameter.data() + 1, parameter.data() + parameter.size(), number);
    XD_ASSERT(number >= 1);
    statement.argument_of.push_back(number - 1);
  }
  return &statement;
}

Result<void> SqliteConnection::bind(Statement& statement, std::span<const Arg> args) {
  for (std::size_t i = 0; i < statement.argument_of.size(); ++i) {
    const auto argument = static_cast<std::size_t>(statement.argument_of[i]);
    if (argument >= args.size()) {
      return std::unexpected(
          internal(Code::invalid, "statement has more parameters than arguments: " + statement.sql));
    }
    const int status = bind_one(statement.handle, static_cast<int>(i) + 1, args[argument]);
    if (status != SQLITE_OK) return std::unexpected(error(status));
  }
  return {};
}

base::Error SqliteConnection::error(int status) const {
  const std::string message = std::string("SQLite: ") + sqlite3_errmsg(handle_);
  switch (status & 0xff) {
    case SQLITE_CONSTRAINT: return internal(is_conflict(status) ? Code::conflict : Code::invalid, message);
    case SQLITE_FULL:
      return internal(Code::unavailable, message + "; free space on the disk", "STORAGE_FULL");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return internal(Code::unavailable, message);
    case SQLITE_INTERRUPT: return read_too_long();
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return internal(Code::corrupt, message, kFatalReason);
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
    case SQLITE_READONLY: return internal(Code::invalid, message);
    default: return internal(Code::internal, message);
  }
}

}  // namespace db
