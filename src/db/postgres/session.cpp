// How a connection to PostgreSQL begins: whom to connect to, and the settings of the session.
#include <libpq-fe.h>

#include "db/postgres/connection.hpp"
#include "db/postgres/error.hpp"

namespace db {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr int kServerVersionMin = 150000;

/// Refuses what libpq cannot read. libpq's own message would quote the URL, and with it a password.
Result<void> check_url(const std::string& url) {
  char* message = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(url.c_str(), &message);
  PQfreemem(message);
  if (parsed == nullptr) {
    return fail(Code::invalid,
                "the database URL cannot be read; it looks like postgresql://user@host:5432/name");
  }
  PQconninfoFree(parsed);
  return {};
}

}  // namespace

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const PostgresOptions& options) {
  XD_DO(check_url(options.url));
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(options.statement_timeout));
  XD_DO(connection->connect(options));
  XD_DO(connection->enter_pipeline());
  XD_DO(connection->set_up(options));
  return connection;
}

Result<void> PostgresConnection::connect(const PostgresOptions& options) {
  // What stands before dbname may be overridden by the URL, what stands behind it may not. A peer that
  // vanished without a word is noticed by the keepalives, or while it owes us an acknowledgement by
  // tcp_user_timeout.
  const std::array<const char*, 10> keys = {
      "application_name", "connect_timeout", "keepalives_idle", "keepalives_interval",  "keepalives_count",
      "tcp_user_timeout", "dbname",          "client_encoding", "target_session_attrs", nullptr};
  const std::array<const char*, 10> values = {options.application_name.c_str(),
                                              "2",
                                              "5",
                                              "2",
                                              "3",
                                              "10000",
                                              options.url.c_str(),
                                              "UTF8",
                                              "read-write",
                                              nullptr};
  handle_ = PQconnectdbParams(keys.data(), values.data(), /*expand_dbname=*/1);
  if (handle_ == nullptr) throw std::bad_alloc();
  if (PQstatus(handle_) != CONNECTION_OK) return std::unexpected(broken());
  if (PQserverVersion(handle_) < kServerVersionMin) {
    return fail(Code::unavailable, "PostgreSQL 15 or newer is needed; the server's version number is " +
                                       std::to_string(PQserverVersion(handle_)));
  }
  const char* encoding = PQparameterStatus(handle_, "server_encoding");
  if (encoding == nullptr || std::string_view(encoding) != "UTF8") {
    return fail(Code::unavailable, "the database's encoding must be UTF8");
  }
  PQsetNoticeReceiver(handle_, &on_notice, this);
  return {};
}

Result<void> PostgresConnection::enter_pipeline() {
  if (PQsetnonblocking(handle_, 1) != 0 || PQenterPipelineMode(handle_) != 1)
    return std::unexpected(broken());
  return {};
}

Result<void> PostgresConnection::set_up(const PostgresOptions& options) {
  const std::string schema = options.schema.empty() ? "" : quote(options.schema);
  if (!schema.empty()) send(("SET search_path TO " + schema).c_str());
  send(("SET statement_timeout = " + std::to_string(options.statement_timeout.count())).c_str());
  send("SET lock_timeout = 2000");
  // A closure never waits for anything but the store, so one that is idle for long belongs to a node that
  // hangs.
  send("SET idle_in_transaction_session_timeout = 10000");
  send("SET idle_session_timeout = 0");
  send("SET TIME ZONE 'UTC'");
  send("SET client_min_messages = warning");
  // Compiling costs more than it gains for queries that touch few rows, and its cost model takes no note of
  // that.
  send("SET jit = off");
  // Every statement is written for an index. A plan that was made while a table was, or seemed to be, empty
  // is a scan from end to end, and is kept when the table has grown (docs/adr/0011).
  send("SET enable_seqscan = off");
  send(
      "SELECT set_config('synchronous_commit', 'on', false)"
      " WHERE current_setting('synchronous_commit') = 'off'");
  send("SELECT current_setting('fsync') = 'on', current_schema() IS NULL");
  const Answers answers = exchange();
  if (answers.error) return std::unexpected(*answers.error);
  const PostgresRow facts(answers.results.back().get(), 0);
  durable_ = facts.flag(0);
  const bool missing = facts.flag(1);
  return missing && !schema.empty() ? create_schema(schema) : Result<void>{};
}

Result<void> PostgresConnection::create_schema(const std::string& quoted) {
  send(("CREATE SCHEMA IF NOT EXISTS " + quoted).c_str());
  const Answers answers = exchange();
  // Another node that creates it at the same moment gives a conflict, and the schema.
  if (answers.error && answers.error->code != Code::conflict) return std::unexpected(*answers.error);
  return {};
}

std::string PostgresConnection::quote(const std::string& name) const {
  char* quoted = PQescapeIdentifier(handle_, name.data(), name.size());
  if (quoted == nullptr) throw std::bad_alloc();
  std::string text(quoted);
  PQfreemem(quoted);
  return text;
}

}  // namespace db
