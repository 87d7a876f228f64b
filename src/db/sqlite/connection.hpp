// One SQLite connection with its prepared statements; used by one thread.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "db/db.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace db {

class SqliteConnection {
 public:
  enum class Role : std::uint8_t {
    writer,      ///< the only one that writes and checkpoints; commits are fsynced
    log_writer,  ///< the same for the log store: commits survive a crash of the process, not a power cut
    reader,      ///< cannot write (query_only), never checkpoints
    inspector    ///< the same of a store that nobody else has open, without making or changing any file
  };

  /// Opens the file, made by the writer when missing, and sets the connection up. Errors: unavailable,
  /// corrupt.
  static base::Result<std::unique_ptr<SqliteConnection>> open(const std::string& path, Role role);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  base::Result<std::int64_t> run(std::string_view sql, std::span<const Arg> args, const Tx::RowSink* sink);
  base::Result<void> each(std::string_view sql, std::size_t width, std::span<const Arg> args,
                          const Tx::EachSink& sink);
  base::Result<void> script(const std::string& sql);

  /// True while BEGIN … COMMIT is open; some errors end it without being asked.
  bool in_transaction() const;
  /// Frames in the write-ahead log after the last commit.
  int wal_frames() const { return wal_frames_; }
  /// Copies the log into the database file as far as readers allow. Only the writer may call it.
  base::Result<void> checkpoint();
  /// When it is closed nothing more is done to its files, which may be somebody else's under their names by
  /// then.
  void abandon();
  /// Reads that run longer than this are interrupted with unavailable. Set before each transaction of a
  /// reader.
  void set_deadline(base::Deadline deadline) { deadline_ = deadline; }

 private:
  struct Statement {
    std::string sql;
    sqlite3_stmt* handle = nullptr;
    std::vector<int>
        argument_of;  // for SQLite's parameter i+1 the index of the argument: $2 may come before $1
  };
  using Statements = std::list<Statement>;

  SqliteConnection() = default;
  base::Result<void> open_file(const std::string& path, Role role);
  base::Result<void> set_up(Role role);
  base::Result<Statement*> prepare(std::string_view sql);
  base::Result<void> bind(Statement& statement, std::span<const Arg> args);
  base::Error error(int status) const;

  sqlite3* handle_ = nullptr;
  int wal_frames_ = 0;
  base::Deadline deadline_ = base::Deadline::max();
  Statements statements_;  // most recently used first
  std::unordered_map<std::string_view, Statements::iterator> by_sql_;
};

/// True for an error after which nothing that the handle says can be believed (fsync or I/O failed).
bool is_fatal(const base::Error& error);

}  // namespace db
