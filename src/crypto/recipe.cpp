#include "crypto/recipe.hpp"

#include <algorithm>
#include <array>

#include "crypto/encoding.hpp"

namespace crypto {

namespace {

using base::Code;
using base::fail;

constexpr std::size_t kTextBytesMax = 2000;
constexpr std::size_t kHolesMax = 32;

bool begins_word(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }

/// A JSON string as JavaScript's JSON.stringify writes it (RFC 8259 §7).
std::string json_quoted(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\b') {
      out += "\\b";
    } else if (c == '\f') {
      out += "\\f";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::size_t json_quoted_bytes(std::string_view text) {
  std::size_t bytes = 2;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_short = c == '"' || c == '\\' || (byte >= '\b' && byte <= '\r' && c != '\v');
    bytes += is_short ? 2 : byte < 0x20 ? 6 : 1;
  }
  return bytes;
}

/// Twilio's: the names in order, each followed by its value; of a name that comes several times each
/// different value once, in order.
std::string sorted_form(const RequestView::Fields& form) {
  RequestView::Fields fields = form;
  std::ranges::sort(fields);
  fields.erase(std::ranges::unique(fields).begin(), fields.end());
  std::string out;
  for (const auto& [name, value] : fields) out.append(name).append(value);
  return out;
}

}  // namespace

std::vector<std::string> Ingredients::find(const Location& location) const {
  switch (location.in) {
    case Location::In::constant: return {location.name};
    case Location::In::item: {
      for (const std::string_view item : items) {
        if (item.starts_with(location.name)) return {std::string(item.substr(location.name.size()))};
      }
      return {};
    }
    case Location::In::jwt:
    case Location::In::jwt_head: {
      const std::size_t dot = token.find('.');
      if (dot == std::string_view::npos) return {};
      if (!request.work().take(token.size())) return {};
      const std::string_view rest = token.substr(dot + 1);
      const auto json = from_base64url(location.in == Location::In::jwt ? rest.substr(0, rest.find('.'))
                                                                        : token.substr(0, dot));
      return json ? request.find_in_json(*json, location.name) : std::vector<std::string>{};
    }
    default: return request.find(location);
  }
}

base::Result<Recipe> Recipe::parse(std::string_view text) {
  if (text.size() > kTextBytesMax) return fail(Code::invalid, "a template has at most 2,000 bytes");
  Recipe recipe;
  recipe.text_ = text;
  Piece piece;
  std::size_t holes = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('}', at);
    if (text[at] != '{' || at + 1 == text.size() || !begins_word(text[at + 1]) ||
        end == std::string_view::npos) {
      piece.literal += text[at++];
      continue;
    }
    XD_TRY(piece.hole, parse_hole(text.substr(at + 1, end - at - 1)));
    piece.hole->text = text.substr(at + 1, end - at - 1);
    if (++holes > kHolesMax) return fail(Code::invalid, "a template has at most 32 holes");
    recipe.pieces_.push_back(std::move(piece));
    piece = {};
    at = end + 1;
  }
  if (!piece.literal.empty()) recipe.pieces_.push_back(std::move(piece));
  return recipe;
}

base::Result<Recipe::Hole> Recipe::parse_hole(std::string_view text) {
  struct Named {
    std::string_view name;
    Function function;
  };
  static constexpr std::array kFunctions = {Named{"sha256", Function::sha256},
                                            Named{"sha1", Function::sha1},
                                            Named{"crc32", Function::crc32},
                                            Named{"json", Function::json},
                                            Named{"text", Function::text},
                                            Named{"hmac_hex", Function::hmac_hex},
                                            Named{"hmac_base64", Function::hmac_base64}};
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')')) return parse_source(text);
  const auto named = std::ranges::find(kFunctions, text.substr(0, open), &Named::name);
  if (named == kFunctions.end()) {
    return fail(Code::invalid, "there is no function " + std::string(text.substr(0, open)) +
                                   "; there are sha256, sha1, crc32, json, text, hmac_hex and hmac_base64");
  }
  XD_TRY(Hole hole, parse_source(text.substr(open + 1, text.size() - open - 2)));
  hole.function = named->function;
  return hole;
}

base::Result<Recipe::Hole> Recipe::parse_source(std::string_view text) {
  struct Named {
    std::string_view name;
    From from;
  };
  static constexpr std::array kSources = {
      Named{"body", From::body},     Named{"ts", From::timestamp},  Named{"id", From::id},
      Named{"method", From::method}, Named{"url", From::url},       Named{"path", From::path},
      Named{"query", From::query},   Named{"secret", From::secret}, Named{"form_sorted", From::form_sorted}};
  if (const auto named = std::ranges::find(kSources, text, &Named::name); named != kSources.end()) {
    return Hole{.from = named->from};
  }
  if (text.starts_with("lines:")) {
    Hole hole{.from = From::lines};
    for (std::string_view rest = text.substr(6); !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      hole.places.push_back({Location::In::json, std::string(rest.substr(0, comma))});
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return hole;
  }
  if (text.find(':') == std::string_view::npos) {
    return fail(Code::invalid,
                "there is no {" + std::string(text.substr(0, 40)) +
                    "}; there are body, ts, id, method, url, path, query, secret, form_sorted, "
                    "lines:…, places such as header:NAME, and functions of these");
  }
  Hole hole{.from = From::place};
  for (std::string_view rest = text; !rest.empty();) {
    std::size_t end = rest.find('|');
    // A bar that no place follows is part of the name.
    while (end != std::string_view::npos && !Location::parse(rest.substr(end + 1)))
      end = rest.find('|', end + 1);
    XD_TRY(Location place, Location::parse(rest.substr(0, end)));
    hole.places.push_back(std::move(place));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return hole;
}

std::string_view Recipe::whole(const Hole& hole, const Ingredients& ingredients) {
  switch (hole.from) {
    case From::body: return ingredients.request.body();
    case From::timestamp: return ingredients.timestamp;
    case From::id: return ingredients.id;
    case From::method: return ingredients.request.method();
    case From::url: return ingredients.url;
    case From::path: return ingredients.request.path();
    case From::query: return ingredients.request.query();
    case From::secret: return ingredients.secret;
    default: return {};
  }
}

std::string Recipe::made_of(const Hole& hole, const Ingredients& ingredients) {
  if (hole.from == From::form_sorted) return sorted_form(ingredients.request.form());
  if (hole.from == From::place) {
    for (const Location& place : hole.places) {
      if (auto values = ingredients.find(place); !values.empty()) return std::move(values[0]);
    }
    return {};
  }
  std::string out;
  for (const Location& line : hole.places) {
    const auto values = ingredients.find(line);
    if (!values.empty()) out.append(line.name).append("\n").append(values[0]).append("\n");
  }
  return out;
}

std::string Recipe::apply(Function function, std::string_view value, const Ingredients& ingredients) {
  switch (function) {
    case Function::sha256: return to_hex(digest(Hash::sha256, value));
    case Function::sha1: return to_hex(digest(Hash::sha1, value));
    case Function::crc32: return std::to_string(crc32(value));
    case Function::json: return json_quoted(value);
    case Function::hmac_hex: return ingredients.key == nullptr ? "" : to_hex(ingredients.key->sign({value}));
    case Function::hmac_base64:
      return ingredients.key == nullptr ? "" : to_base64(ingredients.key->sign({value}));
    case Function::text:
    case Function::none: return std::string(value);
  }
  return {};
}

bool Recipe::Hole::is_of_request() const {
  if (function == Function::hmac_hex || function == Function::hmac_base64) return false;
  if (from == From::place) {
    return std::ranges::all_of(places, [](const Location& place) {
      return place.in == Location::In::header || place.in == Location::In::query ||
             place.in == Location::In::form || place.in == Location::In::xml;
    });
  }
  return from == From::body || from == From::method || from == From::path || from == From::query ||
         from == From::form_sorted;
}

std::string_view Recipe::fill(const Hole& hole, const Ingredients& ingredients, std::size_t bytes_max,
                              Made& made) {
  const bool whole_text = hole.from < From::form_sorted;
  if (whole_text && hole.function == Function::none) return whole(hole, ingredients);
  Work& work = ingredients.request.work();
  const bool is_kept = hole.is_of_request();
  if (const std::string* known = is_kept ? work.find(hole.text) : nullptr) return *known;
  std::string found = whole_text ? std::string() : made_of(hole, ingredients);
  const std::string_view value = whole_text ? whole(hole, ingredients) : std::string_view(found);
  const bool quotes = hole.function == Function::json;
  const std::size_t bytes = quotes ? json_quoted_bytes(value) : value.size();
  const bool is_as_long = quotes || hole.function == Function::text || hole.function == Function::none;
  if (is_as_long && bytes > bytes_max) {
    work.give_up("a template makes more than " + std::to_string(bytes_max) + " bytes of it");
    return {};
  }
  if (!work.take(bytes)) return {};
  std::string text =
      hole.function == Function::none ? std::move(found) : apply(hole.function, value, ingredients);
  return is_kept ? work.keep(hole.text, std::move(text)) : made.owned.emplace_back(std::move(text));
}

Recipe::Made Recipe::make(const Ingredients& ingredients, std::size_t bytes_max) const {
  Work& work = ingredients.request.work();
  Made made;
  made.pieces.reserve(pieces_.size() * 2);
  std::size_t bytes = 0;
  const auto add = [&](std::string_view piece) {
    bytes += piece.size();
    if (bytes > bytes_max)
      work.give_up("a template makes more than " + std::to_string(bytes_max) + " bytes of it");
    // Whoever asked copies or hashes it.
    if (work.take(piece.size())) made.pieces.push_back(piece);
  };
  for (const Piece& piece : pieces_) {
    if (!piece.literal.empty()) add(piece.literal);
    if (piece.hole && !work.has_problem()) add(fill(*piece.hole, ingredients, bytes_max, made));
    if (work.has_problem()) return {};
  }
  return made;
}

std::string Recipe::hash(const Ingredients& ingredients) const {
  const bool is_kept = std::ranges::all_of(
      pieces_, [](const Piece& piece) { return !piece.hole || piece.hole->is_of_request(); });
  const std::string name = "hash:" + text_;  // no hole begins so
  Work& work = ingredients.request.work();
  if (const std::string* known = is_kept ? work.find(name) : nullptr) return *known;
  std::string hash = to_hex(digest(Hash::sha256, make(ingredients).text()));
  if (is_kept) work.keep(name, hash);
  return hash;
}

std::string Recipe::Made::text() const {
  std::string out;
  for (const std::string_view piece : pieces) out += piece;
  return out;
}

bool Recipe::has_body() const {
  return std::ranges::any_of(pieces_,
                             [](const Piece& piece) { return piece.hole && piece.hole->from == From::body; });
}

bool Recipe::signs_hole(const Piece& piece) {
  return piece.hole &&
         (piece.hole->function == Function::hmac_hex || piece.hole->function == Function::hmac_base64);
}

bool Recipe::signs() const { return std::ranges::any_of(pieces_, signs_hole); }

bool Recipe::signs_queries_alone() const {
  return std::ranges::all_of(pieces_, [](const Piece& piece) {
    return !signs_hole(piece) || (piece.hole->from == From::place &&
                                  std::ranges::all_of(piece.hole->places, [](const Location& place) {
                                    return place.in == Location::In::query;
                                  }));
  });
}

bool Recipe::covers(const Recipe& answer) const {
  const auto has = [&](auto&& what) {
    return std::ranges::any_of(pieces_, [&](const Piece& piece) { return piece.hole && what(*piece.hole); });
  };
  const auto covered = [&](const Location& place) {
    if (has([&](const Hole& hole) { return std::ranges::find(hole.places, place) != hole.places.end(); }))
      return true;
    using In = Location::In;
    if (place.in == In::json || place.in == In::form || place.in == In::xml) return has_body();
    return place.in == In::query &&
           has([](const Hole& hole) { return hole.from == From::url || hole.from == From::query; });
  };
  return std::ranges::all_of(answer.pieces_, [&](const Piece& piece) {
    if (!signs_hole(piece)) return true;
    const Hole& hole = *piece.hole;
    if (hole.places.empty()) return has([&](const Hole& own) { return own.from == hole.from; });
    return std::ranges::all_of(hole.places, covered);
  });
}

bool Recipe::is_empty() const {
  return std::ranges::all_of(pieces_,
                             [](const Piece& piece) { return piece.literal.empty() && !piece.hole; });
}

bool Recipe::has_secret() const {
  return std::ranges::any_of(
      pieces_, [](const Piece& piece) { return piece.hole && piece.hole->from == From::secret; });
}

}  // namespace crypto
