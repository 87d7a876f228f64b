#include "db/postgres/error.hpp"

#include <gtest/gtest.h>

namespace db {
namespace {

using base::Code;

TEST(PostgresError, has_the_code_of_its_sqlstate) {
  const std::pair<const char*, Code> cases[] = {
      {"23505", Code::conflict},    {"23503", Code::conflict},    {"23P01", Code::conflict},
      {"23502", Code::invalid},     {"23514", Code::invalid},     {"22P02", Code::invalid},
      {"22003", Code::invalid},     {"42601", Code::invalid},     {"42P01", Code::invalid},
      {"25006", Code::invalid},     {"40001", Code::unavailable}, {"40P01", Code::unavailable},
      {"55P03", Code::unavailable}, {"57014", Code::unavailable}, {"57P01", Code::unavailable},
      {"57P02", Code::unavailable}, {"57P03", Code::unavailable}, {"08006", Code::unavailable},
      {"53300", Code::unavailable}, {"53200", Code::unavailable}, {"53100", Code::unavailable},
      {"58030", Code::unavailable}, {"XX001", Code::corrupt},     {"XX002", Code::corrupt},
      {"XX000", Code::internal},    {"P0001", Code::internal},    {"55000", Code::internal},
  };
  for (const auto& [sqlstate, code] : cases) {
    EXPECT_EQ(postgres_error(sqlstate, "m").code, code) << sqlstate;
  }
}

TEST(PostgresError, names_the_sqlstate_and_the_message) {
  EXPECT_EQ(postgres_error("42P01", "relation \"t\" does not exist").message,
            "PostgreSQL 42P01: relation \"t\" does not exist");
}

TEST(PostgresError, keeps_values_out_of_its_message) {
  const base::Error error = postgres_error("22P02", "invalid input syntax for type bigint: \"s3cret\"");
  EXPECT_EQ(error.message.find("s3cret"), std::string::npos);
  EXPECT_NE(error.message.find("22P02"), std::string::npos);
}

TEST(PostgresError, says_when_the_disk_is_full) {
  EXPECT_EQ(postgres_error("53100", "could not extend file").reason, "STORAGE_FULL");
  EXPECT_EQ(postgres_error("53200", "out of memory").reason, "");
}

TEST(PostgresError, without_a_sqlstate_is_a_lost_connection) {
  const base::Error error = postgres_error("", "server closed the connection\n\tunexpectedly\n");
  EXPECT_EQ(error.code, Code::unavailable);
  EXPECT_EQ(error.message, "PostgreSQL: server closed the connection unexpectedly");
}

}  // namespace
}  // namespace db
