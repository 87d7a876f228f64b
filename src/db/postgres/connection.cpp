#include "db/postgres/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <cerrno>

#include "base/assert.hpp"
#include "db/postgres/error.hpp"

namespace db {

namespace {

using base::Code;
using base::Result;

constexpr std::size_t kStatementsMax = 256;
constexpr int kBinary = 1;
/// The server ends a statement after the statement timeout. One that has not even said so this much later is
/// gone.
constexpr std::chrono::milliseconds kGrace{5'000};

std::string_view field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string_view{} : text;
}

base::Error error_of(const PGresult* result) {
  const std::string_view message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  return postgres_error(field(result, PG_DIAG_SQLSTATE),
                        message.empty() ? PQresultErrorMessage(result) : message);
}

/// True when the session is not what we made of it: a pooler gave us another one, or the schema has changed
/// under a prepared statement. A new connection heals both.
bool is_stale(const PGresult* error) {
  return field(error, PG_DIAG_SQLSTATE) == "26000" ||
         field(error, PG_DIAG_SOURCE_FUNCTION) == "RevalidateCachedQuery";
}

}  // namespace

void PostgresClear::operator()(pg_result* result) const { PQclear(result); }

PostgresConnection::PostgresConnection(std::chrono::milliseconds statement_timeout)
    : statement_timeout_(statement_timeout), patience_(statement_timeout + kGrace) {}

PostgresConnection::~PostgresConnection() { PQfinish(handle_); }

void PostgresConnection::lose(base::Error why) {
  if (!lost_) lost_ = std::move(why);
}

bool PostgresConnection::usable() {
  while (!lost()) {
    pollfd socket{PQsocket(handle_), POLLIN, 0};
    const int ready = socket.fd < 0 ? -1 : poll(&socket, 1, 0);
    if (ready == 0) return true;
    if (ready < 0 && socket.fd >= 0 && errno == EINTR) continue;
    // Something came although nothing was asked: a changed setting, a farewell, or the end.
    if (ready < 0 || PQconsumeInput(handle_) != 1) {
      lose(broken());
    } else {
      (void)PQisBusy(handle_);  // takes it apart, which moves the buffer on
    }
  }
  return false;
}

void PostgresConnection::send(const char* command) {
  ++sent_;
  if (lost()) return;
  if (PQsendQueryParams(handle_, command, 0, nullptr, nullptr, nullptr, nullptr, kBinary) != 1)
    lose(broken());
}

void PostgresConnection::send(const Statement& statement, const PostgresParams& params) {
  ++sent_;
  if (lost()) return;
  const int accepted = PQsendQueryPrepared(handle_, statement.name.c_str(), params.count(), params.values(),
                                           params.lengths(), params.formats(), kBinary);
  if (accepted != 1) lose(broken());
}

PostgresConnection::Answers PostgresConnection::exchange() { return exchange(patience_); }

PostgresConnection::Answers PostgresConnection::exchange(Patience patience) {
  Answers answers;
  answers.results.reserve(std::exchange(sent_, 0));
  if (!lost() && PQpipelineSync(handle_) != 1) lose(broken());
  bool ended = false;  // the answer of one command, which no result at all marks
  while (!lost()) {
    if (Result<void> waited = wait(patience); !waited) {
      lose(std::move(waited).error());
      break;
    }
    PostgresResult result(PQgetResult(handle_));
    if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) break;
    // What arrived before the connection broke is still given out; after that there is nothing but nothing.
    if (!result && (ended || PQstatus(handle_) == CONNECTION_BAD)) lose(answers.error.value_or(broken()));
    ended = !result;
    if (result) take(std::move(result), answers);
  }
  if (lost() && !answers.error) answers.error = lost_;
  return answers;
}

void PostgresConnection::take(PostgresResult result, Answers& answers) {
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      if (!answers.error) answers.results.push_back(std::move(result));
      return;
    case PGRES_PIPELINE_ABORTED: return;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH: return lose({Code::invalid, "COPY cannot be used through the store's door"});
    default:
      if (answers.error) return;
      answers.error = error_of(result.get());
      answers.sqlstate = field(result.get(), PG_DIAG_SQLSTATE);
      if (is_stale(result.get())) {
        answers.error->code = Code::unavailable;
        lose(*answers.error);
      }
  }
}

/// Sends and receives until a result can be had without blocking, or the connection is broken, which the
/// result will tell. Error: unavailable when the server stays silent for too long.
Result<void> PostgresConnection::wait(Patience patience) {
  while (PQisBusy(handle_) == 1) {
    const int flushed = PQflush(handle_);
    if (flushed < 0 || PQsocket(handle_) < 0) return {};
    pollfd socket{PQsocket(handle_), static_cast<short>(flushed == 1 ? POLLIN | POLLOUT : POLLIN), 0};
    const int ready = poll(&socket, 1, patience ? static_cast<int>(patience->count()) : -1);
    if (ready == 0) {
      return base::fail(Code::unavailable,
                        "PostgreSQL has been silent for " + std::to_string(patience->count()) + " ms");
    }
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0 || PQconsumeInput(handle_) != 1) return {};
  }
  return {};
}

Result<const PostgresConnection::Statement*> PostgresConnection::prepare(std::string_view sql) {
  if (const auto known = by_sql_.find(sql); known != by_sql_.end()) {
    statements_.splice(statements_.begin(), statements_, known->second);
    return &statements_.front();
  }
  if (statements_.size() == kStatementsMax) {
    send(("DEALLOCATE " + statements_.back().name).c_str());
    by_sql_.erase(statements_.back().sql);
    statements_.pop_back();
  }
  Statement statement{std::string(sql), "s" + std::to_string(++statements_made_), {}};
  sent_ += 2;
  if (!lost() && (PQsendPrepare(handle_, statement.name.c_str(), statement.sql.c_str(), 0, nullptr) != 1 ||
                  PQsendDescribePrepared(handle_, statement.name.c_str()) != 1)) {
    lose(broken());
  }
  const Answers answers = exchange();
  if (answers.error) return std::unexpected(*answers.error);
  const PGresult* description = answers.results.back().get();
  for (int i = 0; i < PQnparams(description); ++i) statement.types.push_back(PQparamtype(description, i));
  statements_.push_front(std::move(statement));
  by_sql_.emplace(statements_.front().sql, statements_.begin());
  return &statements_.front();
}

Result<void> PostgresConnection::script(const std::string& sql) {
  XD_ASSERT(sent_ == 0);
  patience_ = std::nullopt;
  if (!lost() && (PQexitPipelineMode(handle_) != 1 || PQsendQuery(handle_, sql.c_str()) != 1)) lose(broken());
  Answers answers;
  while (!lost()) {
    (void)wait(patience_);
    PostgresResult result(PQgetResult(handle_));
    if (PQstatus(handle_) == CONNECTION_BAD) lose(broken());
    if (!result) break;
    take(std::move(result), answers);
  }
  if (answers.error) lost_ = lost_ ? answers.error : lost_;
  if (lost()) return std::unexpected(*lost_);
  const bool still_open = PQtransactionStatus(handle_) == PQTRANS_INTRANS;
  if (PQenterPipelineMode(handle_) != 1) lose(broken());
  if (answers.error) return std::unexpected(*answers.error);
  if (!still_open) return base::fail(Code::invalid, "a script must not end the transaction it runs in");
  return {};
}

Result<void> PostgresConnection::commit() {
  XD_ASSERT(sent_ == 0);
  if (lost()) return std::unexpected(*lost_);
  replication_wait_cancelled_ = false;
  send("COMMIT");
  // The server's statement timeout does not end a commit that waits for a standby, so this does.
  const Answers answers = exchange(patience_ ? Patience(statement_timeout_) : patience_);
  patience_ = statement_timeout_ + kGrace;
  if (lost()) return std::unexpected(outcome_unknown(lost_->message));
  if (answers.error) return std::unexpected(*answers.error);
  if (replication_wait_cancelled_) {
    return std::unexpected(outcome_unknown("the wait for the synchronous standby was cancelled"));
  }
  const std::string_view tag = PQcmdStatus(answers.results.front().get());
  if (tag != "COMMIT")
    return base::fail(Code::internal, "PostgreSQL answered COMMIT with " + std::string(tag));
  return {};
}

void PostgresConnection::rollback() {
  patience_ = statement_timeout_ + kGrace;
  const bool ended = sent_ == 0 && PQtransactionStatus(handle_) == PQTRANS_IDLE;
  if (lost() || ended) return;
  send("ROLLBACK");
  const Answers answers = exchange();
  if (answers.error) return lose(*answers.error);
  if (PQtransactionStatus(handle_) != PQTRANS_IDLE) lose({Code::internal, "PostgreSQL did not roll back"});
}

base::Error PostgresConnection::broken() const { return postgres_error("", PQerrorMessage(handle_)); }

/// A commit whose wait for the standby was cancelled is reported as done, with nothing but a warning.
void PostgresConnection::on_notice(void* connection, const pg_result* notice) {
  if (field(notice, PG_DIAG_SOURCE_FUNCTION) == "SyncRepWaitForLSN" ||
      field(notice, PG_DIAG_MESSAGE_PRIMARY).contains("synchronous replication")) {
    static_cast<PostgresConnection*>(connection)->replication_wait_cancelled_ = true;
  }
}

}  // namespace db
