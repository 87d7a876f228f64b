#include "api/core/page.hpp"

#include <charconv>

#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;

constexpr std::size_t kFilterHashBytes = 6;

/// Everything of the query but limit and cursor, in the order of names.
std::string hash_of_filters(const Call& call, std::vector<std::pair<std::string, std::string>> members) {
  std::erase_if(members,
                [](const auto& member) { return member.first == "limit" || member.first == "cursor"; });
  std::ranges::sort(members);
  std::string text(call.request.path);
  for (const auto& [name, value] : members) text.append("\n").append(name).append("=").append(value);
  return crypto::digest(crypto::Hash::sha256, text).substr(0, kFilterHashBytes);
}

Result<void> read_cursor(PageRequest& page, std::string_view text) {
  const auto refuse = [](const char* why) { return fail(Code::invalid, why, "CURSOR_MISMATCH"); };
  const auto bytes = crypto::from_base64url(text);
  if (!bytes || bytes->size() != 1 + 16 + kFilterHashBytes ||
      (bytes->front() != 'a' && bytes->front() != 'b')) {
    return refuse("this is not a cursor; take page.next or page.prev of an answer as it is");
  }
  if (bytes->substr(17) != page.filter_hash) {
    return refuse("the cursor belongs to another list or other filters; begin again without it");
  }
  base::Uuid id;
  std::memcpy(id.bytes.data(), bytes->data() + 1, id.bytes.size());
  (bytes->front() == 'b' ? page.before : page.after) = id;
  return {};
}

}  // namespace

std::string query_value(const Call& call, std::string_view name) {
  for (auto& [key, value] : http::parse_query(call.request.query)) {
    if (key == name) return value;
  }
  return {};
}

Result<PageRequest> read_page(const Call& call, std::span<const std::string_view> filters) {
  auto members = http::parse_query(call.request.query);
  PageRequest page;
  page.filter_hash = hash_of_filters(call, members);
  for (const auto& [name, value] : members) {
    if (name == "limit") {
      std::int64_t limit = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), limit);
      if (error != std::errc{} || end != value.data() + value.size() || limit < 1) {
        return fail(Code::invalid, "limit is a number from 1 to 250", "BAD_REQUEST");
      }
      page.limit = std::min<std::size_t>(static_cast<std::size_t>(limit), base::limits::kPageMax);
    } else if (name == "cursor") {
      XD_DO(read_cursor(page, value));
    } else if (std::ranges::find(filters, name) == filters.end()) {
      return fail(Code::invalid, "this list has no parameter '" + name.substr(0, 50) + "'", "BAD_REQUEST");
    }
  }
  return page;
}

PagePiece fit_rows(const PageRequest& page, std::size_t rows,
                   const std::function<std::string(std::size_t)>& write_row) {
  PagePiece piece;
  std::size_t bytes = 0;
  // The row too many is the farthest from where the page began: the first one when it was read backwards.
  for (std::size_t taken = 0; taken < rows; ++taken) {
    std::string text = write_row(page.after ? rows - 1 - taken : taken);
    bytes += text.size();
    piece.more = taken == page.limit || (taken > 0 && bytes > base::limits::kPageBytesMax);
    if (piece.more) break;
    piece.elements.push_back(std::move(text));
  }
  if (page.after) {
    std::ranges::reverse(piece.elements);
    piece.begin = rows - piece.elements.size();
  }
  return piece;
}

http::Response list_answer(const PageRequest& page, const std::vector<std::string>& elements,
                           std::optional<base::Uuid> next, std::optional<base::Uuid> prev,
                           const ListNotes& notes) {
  const auto cursor = [&](format::JsonWriter& json, char direction, const std::optional<base::Uuid>& id) {
    if (!id) return void(json.null());
    std::string bytes(1, direction);
    bytes.append(reinterpret_cast<const char*>(id->bytes.data()), id->bytes.size());
    json.value(crypto::to_base64url(bytes + page.filter_hash));
  };
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("data").begin_array();
  for (const std::string& element : elements) json.raw(element);
  json.end_array().key("page").begin_object().key("next");
  cursor(json, 'b', next);
  json.key("prev");
  cursor(json, 'a', prev);
  json.key("limit").value(page.limit);
  if (notes.total) json.key(notes.total_is_estimated ? "total_estimated" : "total").value(*notes.total);
  json.end_object();
  if (notes.reached) json.key("partial").value(true);
  json.end_object();
  return json_response(200, std::move(body));
}

}  // namespace api
