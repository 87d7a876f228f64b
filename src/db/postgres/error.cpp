#include "db/postgres/error.hpp"

#include <algorithm>
#include <array>

namespace db {

namespace {

using base::Code;

struct Rule {
  std::string_view prefix;  // of the SQLSTATE: two characters name a class
  Code code;
};

/// The first rule that fits decides. Codes: PostgreSQL documentation, appendix A.
constexpr std::array kRules = {
    Rule{"08", Code::unavailable},     // connection exception
    Rule{"0A", Code::invalid},         // feature not supported
    Rule{"21", Code::invalid},         // cardinality violation
    Rule{"22", Code::invalid},         // data exception
    Rule{"23502", Code::invalid},      // null where none may be
    Rule{"23514", Code::invalid},      // check
    Rule{"23", Code::conflict},        // unique, foreign key, exclusion
    Rule{"25006", Code::invalid},      // write in a read-only transaction
    Rule{"26", Code::unavailable},     // prepared statement gone: the session is not ours any more
    Rule{"3D", Code::unavailable},     // no such database
    Rule{"3F", Code::invalid},         // no such schema
    Rule{"40", Code::unavailable},     // serialization failure, deadlock
    Rule{"42", Code::invalid},         // syntax error or access rule violation
    Rule{"53", Code::unavailable},     // memory, disk, connections
    Rule{"54", Code::invalid},         // over a limit of the server
    Rule{"55006", Code::unavailable},  // object in use
    Rule{"55P03", Code::unavailable},  // lock not available
    Rule{"57", Code::unavailable},     // cancelled, shutting down, starting up
    Rule{"58", Code::unavailable},     // I/O error
    Rule{"28", Code::unavailable},     // not let in
    Rule{"XX001", Code::corrupt},      // data corrupted
    Rule{"XX002", Code::corrupt},      // index corrupted
};

Code code_of(std::string_view sqlstate) {
  const auto rule =
      std::ranges::find_if(kRules, [&](const Rule& r) { return sqlstate.starts_with(r.prefix); });
  return rule == kRules.end() ? Code::internal : rule->code;
}

/// libpq breaks and indents its messages for a terminal.
std::string on_one_line(std::string_view message) {
  std::string line;
  for (const char c : message) {
    const bool blank = c == '\n' || c == '\t' || c == ' ';
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

base::Error internal(base::Error error) {
  error.internal = true;
  return error;
}

}  // namespace

base::Error postgres_error(std::string_view sqlstate, std::string_view message) {
  if (sqlstate.empty()) return internal({Code::unavailable, "PostgreSQL: " + on_one_line(message)});
  std::string text = "PostgreSQL " + std::string(sqlstate) + ": ";
  text += sqlstate.starts_with("22") ? "a value does not fit its type or its use" : message;
  if (sqlstate == "53100") {
    return internal({Code::unavailable, text + "; free space on the server's disk", "STORAGE_FULL"});
  }
  return internal({code_of(sqlstate), text});
}

base::Error outcome_unknown(std::string_view why) {
  return internal(
      {Code::unavailable, "whether the commit happened is unknown: " + std::string(why), "OUTCOME_UNKNOWN"});
}

}  // namespace db
