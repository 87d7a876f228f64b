// A pattern of event types as a condition of a statement.
#pragma once

#include "db/page.hpp"
#include "event/pattern.hpp"
#include "format/utf8.hpp"

namespace event {

/// Adds that the column's type is one that the pattern means; nothing where it is empty. The pattern outlives
/// the query.
inline void add_pattern(db::PageQuery& sql, const std::string& column, std::string_view pattern) {
  if (pattern.empty() || pattern == "*") return;
  if (!has_stem(pattern)) return sql.also((" AND " + column + " = $").c_str(), pattern);
  const std::string_view stem = stem_of(pattern);
  sql.also((" AND substr(" + column + ", 1, CAST(CAST($").c_str(), format::count_characters(stem));
  sql.also(" AS BIGINT) AS INTEGER)) = $", stem);
  sql.also((" AND " + column + " <> $").c_str(), stem);
}

}  // namespace event
