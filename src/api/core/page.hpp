// Lists: a page of data with opaque cursors to the next and the previous one.
#pragma once

#include "api/core/call.hpp"
#include "base/words.hpp"
#include "format/json.hpp"

namespace api {

/// A search for what has no index ends after this, and says where (ListNotes::reached).
inline constexpr auto kSearchTime = std::chrono::milliseconds{50};

/// Which page of a list is asked for. Lists are newest first, in the order of ids.
struct PageRequest {
  std::optional<base::Uuid> before{};  ///< the next page: older than this
  std::optional<base::Uuid> after{};   ///< the previous page: newer than this
  std::size_t limit = base::limits::kPageDefault;
  std::string filter_hash{};  ///< binds cursors to the filters

  /// What to read: one row more than asked for tells whether there is another page.
  db::Page rows() const { return {before, after, limit + 1}; }
};

/// Reads limit and cursor of the query, and refuses parameters that the list does not know (filters names
/// those it does). Error: invalid with BAD_REQUEST or CURSOR_MISMATCH.
Result<PageRequest> read_page(const Call& call, std::span<const std::string_view> filters);
inline Result<PageRequest> read_page(const Call& call, std::initializer_list<std::string_view> filters = {}) {
  return read_page(call, std::span(filters.begin(), filters.end()));
}

/// The value of a query parameter, "" when absent.
std::string query_value(const Call& call, std::string_view name);

/// The words of a query parameter that is a list, "FAILED,PENDING", each once. Error: invalid with
/// BAD_REQUEST, which says the words there are.
template <base::Worded E>
Result<std::vector<E>> query_words(const Call& call, std::string_view name);

/// What a list says of itself besides its rows.
struct ListNotes {
  /// Where the search ended for want of time, before the page was full; nothing when it was through. The
  /// answer then says "partial": true, and the cursor in this direction goes on there, also when no row was
  /// found.
  std::optional<base::Uuid> reached{};
  std::optional<std::int64_t> total{};
  bool total_is_estimated = false;
};

/// {"data": […], "page": {"next", "prev", "limit"}} from the rows of page.rows(), which it cuts to the limit,
/// and to kPageBytesMax: one row is always shown, and the cursor tells that there are more. write writes one
/// element, id_of gives its id.
template <class T, class IdOf, class Write>
http::Response list_response(const PageRequest& page, const std::vector<T>& rows, IdOf id_of, Write write,
                             const ListNotes& notes = {});

/// The rows of a list as they are shown, and which of them.
struct PagePiece {
  std::vector<std::string> elements{};  ///< JSON, newest first
  std::size_t begin = 0;                ///< of the rows that were read
  bool more = false;                    ///< beyond the end that the page did not begin at
};
/// The number of rows in it is the answer's: at most the limit, and as many as there is room for, from where
/// the page begins. write_row gives the JSON of a row.
PagePiece fit_rows(const PageRequest& page, std::size_t rows,
                   const std::function<std::string(std::size_t)>& write_row);

/// The answer from its rows and the ids of the pages around it.
http::Response list_answer(const PageRequest& page, const std::vector<std::string>& elements,
                           std::optional<base::Uuid> next, std::optional<base::Uuid> prev,
                           const ListNotes& notes);

template <base::Worded E>
Result<std::vector<E>> query_words(const Call& call, std::string_view name) {
  std::vector<E> words;
  const std::string text = query_value(call, name);
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const auto word = base::parse_word<E>(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (!word) {
      return base::fail(base::Code::invalid, std::string(name) + " is a list of " + base::all_words<E>(),
                        "BAD_REQUEST");
    }
    if (std::ranges::find(words, *word) == words.end()) words.push_back(*word);
  }
  return words;
}

template <class T, class IdOf, class Write>
http::Response list_response(const PageRequest& page, const std::vector<T>& rows, IdOf id_of, Write write,
                             const ListNotes& notes) {
  const PagePiece piece = fit_rows(page, rows.size(), [&](std::size_t row) {
    std::string text;
    format::JsonWriter json(text);
    write(json, rows[row]);
    return text;
  });
  const std::size_t shown = piece.elements.size();
  // Where a page is cut for want of room, the rows are not all there are of what was searched.
  ListNotes told = notes;
  if (piece.more && shown < page.limit) told.reached.reset();
  std::optional<base::Uuid> next;
  std::optional<base::Uuid> prev;
  if (shown > 0) {
    if (page.after || piece.more) next = id_of(rows[piece.begin + shown - 1]);
    if (page.after ? piece.more : page.before.has_value()) prev = id_of(rows[piece.begin]);
  }
  if (told.reached) (page.after ? prev : next) = told.reached;
  return list_answer(page, piece.elements, next, prev, told);
}

}  // namespace api
