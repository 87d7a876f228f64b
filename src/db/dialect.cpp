#include "db/dialect.hpp"

#include <algorithm>

namespace db {

namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Length of sql up to and with the mark, looked for from the position; all of it when the mark is missing.
std::size_t through(std::string_view sql, std::string_view mark, std::size_t from) {
  const std::size_t found = sql.find(mark, from);
  return found == std::string_view::npos ? sql.size() : found + mark.size();
}

/// "$$" or "$tag$" at the start of sql; empty for anything else, as a parameter ($1).
std::string_view dollar_quote(std::string_view sql) {
  const std::size_t end = sql.find('$', 1);
  if (sql.front() != '$' || end == std::string_view::npos) return {};
  const std::string_view tag = sql.substr(1, end - 1);
  const bool starts_like_number = !tag.empty() && tag.front() >= '0' && tag.front() <= '9';
  if (starts_like_number || !std::ranges::all_of(tag, is_name_char)) return {};
  return sql.substr(0, end + 1);
}

/// Length of the string, name, body or comment that begins here and is to be kept whole; 0 when none does.
std::size_t opaque_length(std::string_view sql, char before) {
  // A doubled quote inside ends one literal and begins the next: the same text in the end.
  if (sql.front() == '\'' || sql.front() == '"') return through(sql, sql.substr(0, 1), 1);
  if (sql.starts_with("--")) return through(sql, "\n", 2);
  if (sql.starts_with("/*")) return through(sql, "*/", 2);
  if (sql.front() == '$' && !is_name_char(before)) {
    const std::string_view quote = dollar_quote(sql);
    if (!quote.empty()) return through(sql, quote, quote.size());
  }
  return 0;
}

}  // namespace

std::string activate(std::string_view sql, Engine engine) {
  const std::string opening = engine == Engine::postgres ? "/*postgres" : "/*sqlite";
  std::string active;
  active.reserve(sql.size());
  while (!sql.empty()) {
    const bool is_part =
        sql.starts_with(opening) && sql.size() > opening.size() && !is_name_char(sql[opening.size()]);
    const std::size_t closing = is_part ? sql.find("*/", opening.size()) : std::string_view::npos;
    if (closing != std::string_view::npos) {
      active.append(sql.substr(opening.size(), closing - opening.size()));
      sql.remove_prefix(closing + 2);
      continue;
    }
    const std::size_t opaque = opaque_length(sql, active.empty() ? ' ' : active.back());
    const std::size_t kept = opaque == 0 ? 1 : opaque;
    active.append(sql.substr(0, kept));
    sql.remove_prefix(kept);
  }
  return active;
}

}  // namespace db
