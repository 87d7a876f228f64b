// One connection to PostgreSQL: its session, its prepared statements, and commands exchanged in batches.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "db/db.hpp"
#include "db/postgres/values.hpp"

struct pg_conn;
struct pg_result;

namespace db {

struct PostgresClear {
  void operator()(pg_result* result) const;
};
using PostgresResult = std::unique_ptr<pg_result, PostgresClear>;

/// Used by one thread. Commands are put into a buffer (send) and go out together, with one wait for all
/// answers (exchange): PostgreSQL's pipeline mode. The socket does not block, so that answers are taken in
/// while commands still go out; two sides that both only write would wait for each other for ever.
///
/// Once lost() the connection is only good for being destroyed.
class PostgresConnection {
 public:
  struct Statement {
    std::string sql;
    std::string name;
    std::vector<PgType> types;  ///< of its parameters, as the server inferred them
  };
  struct Answers {
    std::vector<PostgresResult> results;  ///< of the commands before the first that failed, in order
    std::optional<base::Error> error;     ///< of that one
    std::string sqlstate;                 ///< likewise; empty when the connection was lost
  };

  /// Connects to a server that can be written to and sets the session up; creates the schema when it is
  /// missing. Blocks, for some seconds at most for each host of the URL. Errors: invalid (the URL cannot be
  /// read), unavailable.
  static base::Result<std::unique_ptr<PostgresConnection>> open(const PostgresOptions& options);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  bool lost() const { return lost_.has_value(); }
  const base::Error& why_lost() const { return *lost_; }
  /// Declares the connection lost, for what the server said that it can no longer do.
  void lose(base::Error why);
  /// Looks whether the server has hung up since the last exchange; does not wait.
  bool usable();
  /// After so long the server ends a statement of its own accord.
  std::chrono::milliseconds statement_timeout() const { return statement_timeout_; }
  /// False when the server runs without fsync.
  bool durable() const { return durable_; }

  /// Puts a command without parameters into the buffer.
  void send(const char* command);
  /// Puts one execution into the buffer.
  void send(const Statement& statement, const PostgresParams& params);
  /// Commands in the buffer.
  std::size_t sent() const { return sent_; }
  /// Sends what is in the buffer and waits for all answers. After a command that fails the server skips the
  /// rest.
  Answers exchange();

  /// The prepared statement of the text, valid until the next call. The first time exchanges what is in the
  /// buffer and asks the server to prepare; later costs nothing.
  base::Result<const Statement*> prepare(std::string_view sql);

  /// Runs several commands, outside of pipeline mode; the buffer is empty. Waits however long it takes, here
  /// and until the transaction has ended.
  base::Result<void> script(const std::string& sql);

  /// Ends the transaction. An error with reason OUTCOME_UNKNOWN means that it may have been committed.
  base::Result<void> commit();
  /// Ends the transaction without a trace; a connection on which that fails is lost.
  void rollback();

 private:
  using Statements = std::list<Statement>;
  using Patience = std::optional<std::chrono::milliseconds>;  // how long the server may be silent

  explicit PostgresConnection(std::chrono::milliseconds statement_timeout);
  base::Result<void> connect(const PostgresOptions& options);
  base::Result<void> set_up(const PostgresOptions& options);
  base::Result<void> create_schema(const std::string& quoted);
  base::Result<void> enter_pipeline();
  std::string quote(const std::string& name) const;

  Answers exchange(Patience patience);
  void take(PostgresResult result, Answers& answers);
  base::Result<void> wait(Patience patience);
  base::Error broken() const;
  static void on_notice(void* connection, const pg_result* notice);

  pg_conn* handle_ = nullptr;
  std::chrono::milliseconds statement_timeout_;
  Patience patience_;
  std::optional<base::Error> lost_;
  std::size_t sent_ = 0;
  bool durable_ = true;
  bool replication_wait_cancelled_ = false;
  Statements statements_;  // most recently used first
  std::unordered_map<std::string_view, Statements::iterator> by_sql_;
  std::uint64_t statements_made_ = 0;
};

}  // namespace db
