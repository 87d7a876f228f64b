// A page of a list that is ordered by id, newest first.
#pragma once

#include <algorithm>
#include <concepts>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.hpp"
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
  /// Text must live until the query has run, which a temporary does not.
  template <std::same_as<std::string> Text>
  void also(const char* text, Text&& arg) = delete;
  void also(const char* text) { sql_ += text; }

  /// Runs it with `tx.query(sql, args, sink)` and puts the rows in order.
  template <class Transaction, class T, class Read>
  base::Result<void> run(Transaction& tx, std::vector<T>& rows, Read read) {
    XD_DO(run_piece(tx, page_, [&](const Row& row) { rows.push_back(read(row)); }));
    if (page_.after) std::ranges::reverse(rows);
    return {};
  }

  /// The same for rows that may be as large as a body: it reads few at a time, and no more once they hold
  /// kPageBytesMax and there are two of them, so that the caller sees that there are more than he can show.
  /// weigh gives the bytes of a row, id_of its id.
  template <class Transaction, class T, class Read, class Weigh, class IdOf>
  base::Result<void> run_within_bytes(Transaction& tx, std::vector<T>& rows, Read read, Weigh weigh,
                                      IdOf id_of) {
    using namespace base::limits;
    std::size_t bytes = 0;
    std::size_t largest = 0;
    const auto is_full = [&] { return bytes > kPageBytesMax && rows.size() > 1; };
    Page piece = page_;
    while (rows.size() < page_.limit && !is_full()) {
      const std::size_t before = rows.size();
      // Twice as many as so far: a page of one large row costs no more than it has to.
      piece.limit = largest > kPageBytesMax / kPageRowsPerRead
                        ? 1
                        : std::min({page_.limit - before, before + 1, kPageRowsPerRead});
      PageQuery query(sql_, args_, piece, id_column_);
      XD_DO(query.run_piece(tx, piece, [&](const Row& row) {
        if (is_full()) return;
        rows.push_back(read(row));
        const std::size_t weight = weigh(rows.back());
        largest = std::max(largest, weight);
        bytes += weight;
      }));
      if (rows.size() - before < piece.limit) break;
      (page_.after ? piece.after : piece.before) = id_of(rows.back());
    }
    if (page_.after) std::ranges::reverse(rows);
    return {};
  }

 private:
  /// Gives the rows to sink in the order of reading.
  template <class Transaction, class Sink>
  base::Result<void> run_piece(Transaction& tx, const Page& page, const Sink& sink) {
    if (page.before) also((" AND " + id_column_ + " < $").c_str(), *page.before);
    if (page.after) also((" AND " + id_column_ + " > $").c_str(), *page.after);
    sql_ += " ORDER BY " + id_column_ + (page.after ? "" : " DESC");
    also(" LIMIT $", page.limit);
    XD_DO(tx.query(sql_, args_, sink));
    return {};
  }

  std::string sql_;
  std::vector<Arg> args_;
  const Page& page_;
  std::string id_column_;
};

}  // namespace db
