// Lists: a page of data with opaque cursors to the next and the previous one.
#pragma once

#include "api/call.hpp"
#include "format/json.hpp"

namespace api {

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
Result<PageRequest> read_page(const Call& call, std::initializer_list<std::string_view> filters = {});

/// The value of a query parameter, "" when absent.
std::string query_value(const Call& call, std::string_view name);

/// What a list says of itself besides its rows.
struct ListNotes {
  /// Where the search ended for want of time, before the page was full; nothing when it was through. The
  /// answer then says "partial": true, and the cursor in this direction goes on there, also when no row was
  /// found.
  std::optional<base::Uuid> reached{};
  std::optional<std::int64_t> total{};
  bool total_is_estimated = false;
};

/// {"data": […], "page": {"next", "prev", "limit"}} from the rows of page.rows(), which it cuts to the limit.
/// write writes one element, id_of gives its id.
template <class T, class IdOf, class Write>
http::Response list_response(const PageRequest& page, std::vector<T> rows, IdOf id_of, Write write,
                             const ListNotes& notes = {});

std::string make_cursor(const PageRequest& page, char direction, const base::Uuid& id);

template <class T, class IdOf, class Write>
http::Response list_response(const PageRequest& page, std::vector<T> rows, IdOf id_of, Write write,
                             const ListNotes& notes) {
  const bool more = rows.size() > page.limit;
  // The row too many is the farthest from where the page began: the first one when it was read backwards.
  if (more) rows.erase(page.after ? rows.begin() : rows.end() - 1);
  std::optional<base::Uuid> next;
  std::optional<base::Uuid> prev;
  if (!rows.empty()) {
    if (page.after || more) next = id_of(rows.back());
    if (page.after ? more : page.before.has_value()) prev = id_of(rows.front());
  }
  if (notes.reached) (page.after ? prev : next) = notes.reached;
  const auto write_cursor = [&](format::JsonWriter& json, char direction,
                                const std::optional<base::Uuid>& id) {
    id ? json.value(make_cursor(page, direction, *id)) : json.null();
  };
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("data").begin_array();
  for (const T& row : rows) write(json, row);
  json.end_array().key("page").begin_object().key("next");
  write_cursor(json, 'b', next);
  json.key("prev");
  write_cursor(json, 'a', prev);
  json.key("limit").value(page.limit);
  if (notes.total) json.key(notes.total_is_estimated ? "total_estimated" : "total").value(*notes.total);
  json.end_object();
  if (notes.reached) json.key("partial").value(true);
  json.end_object();
  return json_response(200, std::move(body));
}

}  // namespace api
