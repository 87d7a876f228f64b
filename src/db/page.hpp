// A page of a list that is ordered by id, newest first.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "db/arg.hpp"

namespace db {

struct Page {
  std::optional<base::Uuid> before{};  ///< older than this
  std::optional<base::Uuid> after{};   ///< newer than this: then the oldest of them, still given newest first
  std::size_t limit = 50;
};

/// A SELECT put together from a constant beginning, conditions and a page.
class PageQuery {
 public:
  /// sql ends in WHERE and a first condition; args are those it uses. The page outlives the query.
  PageQuery(std::string sql, std::vector<Arg> args, const Page& page, std::string id_column = "id")
      : sql_(std::move(sql)), args_(std::move(args)), page_(page), id_column_(std::move(id_column)) {}

  /// Adds text and, behind it, the parameter: also(" AND type = $", type).
  void also(const char* text, const Arg& arg) {
    args_.push_back(arg);
    sql_.append(text).append(std::to_string(args_.size()));
  }
  void also(const char* text) { sql_ += text; }

  /// Runs it with `tx.query(sql, args, sink)` and puts the rows in order.
  template <class Transaction, class T, class Read>
  auto run(Transaction& tx, std::vector<T>& rows, Read read) {
    if (page_.before) also((" AND " + id_column_ + " < $").c_str(), *page_.before);
    if (page_.after) also((" AND " + id_column_ + " > $").c_str(), *page_.after);
    sql_ += " ORDER BY " + id_column_ + (page_.after ? "" : " DESC");
    also(" LIMIT $", page_.limit);
    auto result = tx.query(sql_, args_, [&](const Row& row) { rows.push_back(read(row)); });
    if (page_.after) std::ranges::reverse(rows);
    return result;
  }

 private:
  std::string sql_;
  std::vector<Arg> args_;
  const Page& page_;
  std::string id_column_;
};

}  // namespace db
