#include "db/dialect.hpp"

#include <gtest/gtest.h>

namespace db {
namespace {

struct Case {
  const char* name;
  std::string_view sql;
  std::string_view on_sqlite;
  std::string_view on_postgres;
};

class Dialect : public testing::TestWithParam<Case> {};

TEST_P(Dialect, activates_the_parts_of_one_engine) {
  EXPECT_EQ(activate(GetParam().sql, Engine::sqlite), GetParam().on_sqlite);
  EXPECT_EQ(activate(GetParam().sql, Engine::postgres), GetParam().on_postgres);
}

constexpr Case kCases[] = {
    {"nothing", "", "", ""},
    {"plain", "SELECT 1;", "SELECT 1;", "SELECT 1;"},
    {"suffix", "CREATE TABLE t (a BIGINT) /*sqlite WITHOUT ROWID*/;",
     "CREATE TABLE t (a BIGINT)  WITHOUT ROWID;", "CREATE TABLE t (a BIGINT) /*sqlite WITHOUT ROWID*/;"},
    {"both_engines", "a /*sqlite b*/ /*postgres c*/ d", "a  b /*postgres c*/ d", "a /*sqlite b*/  c d"},
    {"side_by_side", "/*postgres a*//*postgres b*/", "/*postgres a*//*postgres b*/", " a b"},
    {"several_lines", "/*postgres\nA;\nB;\n*/C;", "/*postgres\nA;\nB;\n*/C;", "\nA;\nB;\nC;"},
    {"empty_part", "a/*postgres*/b", "a/*postgres*/b", "ab"},
    {"other_word", "/*postgresql a*/ /*sqlite3 b*/", "/*postgresql a*/ /*sqlite3 b*/",
     "/*postgresql a*/ /*sqlite3 b*/"},
    {"space_before_the_word", "/* postgres a*/", "/* postgres a*/", "/* postgres a*/"},
    {"in_a_string", "'/*postgres a*/' /*postgres b*/", "'/*postgres a*/' /*postgres b*/",
     "'/*postgres a*/'  b"},
    {"after_a_doubled_quote", "'it''s /*sqlite a*/'", "'it''s /*sqlite a*/'", "'it''s /*sqlite a*/'"},
    {"in_a_name", R"("/*sqlite a*/")", R"("/*sqlite a*/")", R"("/*sqlite a*/")"},
    {"in_a_line_comment", "-- it's /*sqlite a*/\n/*sqlite b*/", "-- it's /*sqlite a*/\n b",
     "-- it's /*sqlite a*/\n/*sqlite b*/"},
    {"quote_in_a_comment", "/* it's */ /*sqlite a*/", "/* it's */  a", "/* it's */ /*sqlite a*/"},
    {"in_a_dollar_body", "$$ /*postgres a*/ $$ /*postgres b*/", "$$ /*postgres a*/ $$ /*postgres b*/",
     "$$ /*postgres a*/ $$  b"},
    {"in_a_tagged_body", "$f$ $$ /*postgres a*/ $f$/*postgres b*/", "$f$ $$ /*postgres a*/ $f$/*postgres b*/",
     "$f$ $$ /*postgres a*/ $f$ b"},
    {"after_parameters", "$1 /*postgres a*/ $2", "$1 /*postgres a*/ $2", "$1  a $2"},
    {"dollar_in_a_name", "a$b /*postgres c*/ d$b", "a$b /*postgres c*/ d$b", "a$b  c d$b"},
    {"body_inside_a_part", "/*postgres DO $$ BEGIN 'x'; END $$;*/", "/*postgres DO $$ BEGIN 'x'; END $$;*/",
     " DO $$ BEGIN 'x'; END $$;"},
    {"never_closed", "a /*postgres b", "a /*postgres b", "a /*postgres b"},
    {"string_never_closed", "'a /*postgres b*/", "'a /*postgres b*/", "'a /*postgres b*/"},
    {"opening_at_the_end", "a /*sqlite", "a /*sqlite", "a /*sqlite"},
};

INSTANTIATE_TEST_SUITE_P(Texts, Dialect, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace db
