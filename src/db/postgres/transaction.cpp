#include "db/postgres/transaction.hpp"

#include <libpq-fe.h>

#include <charconv>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "db/dialect.hpp"

namespace db {

namespace {

using base::Code;
using base::Result;

/// One exchange of each() holds about so much, so that neither side has to keep more in memory.
constexpr std::size_t kExchangeBytes = 1 << 20;
constexpr std::size_t kExchangeCommands = 1024;
constexpr std::size_t kSqlShownMax = 200;

/// The number in "INSERT 0 5": rows that the command changed.
std::int64_t rows_changed(pg_result* result) {
  const std::string_view tuples = PQcmdTuples(result);
  std::int64_t rows = 0;
  std::from_chars(tuples.data(), tuples.data() + tuples.size(), rows);
  return rows;
}

}  // namespace

Result<void> PostgresTx::perform(Db::Work& work) {
  Result<void> outcome = run_closure(work);
  // A closure that overlooked an error would have its other changes refused by the server anyway.
  if (outcome && error_) outcome = std::unexpected(*error_);
  if (!outcome) {
    if (begun_) connection_.rollback();
    return outcome;
  }
  // A read has what it came for; should the connection break now, that is no error of this read.
  if (begun_) outcome = connection_.commit();
  if (kind_ == Kind::read) outcome = {};
  if (!outcome) {
    if (!connection_.lost()) connection_.rollback();
    return outcome;
  }
  for (auto& hook : hooks_) {
    try {
      hook();
    } catch (...) {  // edge: it is committed, so the caller must hear of success
      base::report_uncaught("database commit hook", std::current_exception());
    }
  }
  return outcome;
}

Result<void> PostgresTx::run_closure(Db::Work& work) {
  try {
    return work(*this);
  } catch (...) {  // edge: a database thread must survive a closure
    base::report_uncaught("database closure", std::current_exception());
    return base::fail(Code::internal, "a database closure threw; see the log");
  }
}

Result<std::int64_t> PostgresTx::run(std::string_view sql, std::span<const Arg> args, const RowSink* sink) {
  XD_DO(begin());
  auto statement = connection_.prepare(sql);
  if (!statement) return give_up(statement.error(), sql);
  if (auto encoded = params_.assign(args, (*statement)->types); !encoded)
    return give_up(encoded.error(), sql);
  connection_.send(**statement, params_);
  PostgresConnection::Answers answers = connection_.exchange();
  if (answers.error) return give_up(error_of(answers), sql);
  pg_result* const result = answers.results.back().get();
  if (sink == nullptr) return rows_changed(result);
  const int rows = PQntuples(result);
  for (int row = 0; row < rows; ++row) (*sink)(PostgresRow(result, row));
  return rows;
}

Result<void> PostgresTx::each(std::string_view sql, std::size_t width, std::span<const Arg> args,
                              const EachSink& sink) {
  XD_ASSERT(width > 0 && args.size() % width == 0);
  const std::size_t count = args.size() / width;
  for (std::size_t next = 0; next < count;) {
    XD_TRY(next, send_some(sql, width, args, next, sink));
  }
  return {};
}

Result<std::size_t> PostgresTx::send_some(std::string_view sql, std::size_t width, std::span<const Arg> args,
                                          std::size_t next, const EachSink& sink) {
  XD_DO(begin());
  auto statement = connection_.prepare(sql);
  if (!statement) return give_up(statement.error(), sql);
  const std::size_t begins = connection_.sent();  // in the buffer still: BEGIN, and the time limit of a read
  const std::size_t first = next;
  const std::size_t count = args.size() / width;
  Result<void> encoded;
  for (std::size_t bytes = 0; next < count && bytes < kExchangeBytes && next - first < kExchangeCommands;
       ++next) {
    encoded = params_.assign(args.subspan(next * width, width), (*statement)->types);
    if (!encoded) break;
    connection_.send(**statement, params_);
    bytes += params_.bytes();
  }
  const PostgresConnection::Answers answers = connection_.exchange();
  for (std::size_t i = begins; sink && i < answers.results.size(); ++i) {
    pg_result* const result = answers.results[i].get();
    const PostgresRow row(result, 0);
    const bool has_row = PQntuples(result) > 0;
    const std::int64_t rows = PQresultStatus(result) == PGRES_TUPLES_OK ? has_row : rows_changed(result);
    sink(first + i - begins, rows, has_row ? &row : nullptr);
  }
  if (answers.error) return give_up(error_of(answers), sql);
  if (!encoded) return give_up(encoded.error(), sql);
  return next;
}

Result<void> PostgresTx::script(std::string_view sql) {
  XD_DO(begin());
  connection_.send("SET LOCAL statement_timeout = 0");
  connection_.send("SET LOCAL lock_timeout = 0");
  connection_.send("SET LOCAL enable_seqscan = on");  // migrations do read whole tables
  const PostgresConnection::Answers answers = connection_.exchange();
  if (answers.error) return give_up(error_of(answers), sql);
  if (auto done = connection_.script(activate(sql, Engine::postgres)); !done)
    return give_up(done.error(), sql);
  return {};
}

Result<void> PostgresTx::begin() {
  if (error_) return std::unexpected(*error_);
  if (begun_ && kind_ == Kind::read && base::steady_now() > until_) error_ = read_too_long();
  if (error_) return std::unexpected(*error_);
  if (std::exchange(begun_, true)) return {};
  if (kind_ == Kind::write) {
    connection_.send("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
    return {};
  }
  connection_.send("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  until_ = base::steady_now() + time_;
  if (time_ < connection_.statement_timeout()) {
    connection_.send(("SET LOCAL statement_timeout = " + std::to_string(time_.count())).c_str());
  }
  return {};
}

/// Keeps the error for the rest of the transaction. A mistake in the SQL is shown with it; SQL holds no
/// values.
std::unexpected<base::Error> PostgresTx::give_up(base::Error error, std::string_view sql) {
  error.internal = error.reason != "READ_TOO_LONG";
  if (error.code == Code::invalid) error.message.append(", in: ").append(sql.substr(0, kSqlShownMax));
  error_ = std::move(error);
  return std::unexpected(*error_);
}

base::Error PostgresTx::error_of(const PostgresConnection::Answers& answers) {
  // In a write this means that the server has become a standby, as after a failover: another one is to be
  // found.
  if (answers.sqlstate == "25006" && kind_ == Kind::write) {
    connection_.lose(
        {Code::unavailable, "the PostgreSQL server no longer takes writes: " + answers.error->message});
    return {Code::unavailable, answers.error->message};
  }
  if (answers.sqlstate == "57014" && kind_ == Kind::read) return read_too_long();
  return *answers.error;
}

}  // namespace db
