// A text with holes that are filled from a request: what is signed, what an event is known by, what a
// handshake is answered.
#pragma once

#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "crypto/digest.hpp"
#include "crypto/location.hpp"

namespace crypto {

/// What holes are filled with.
struct Ingredients {
  const RequestView& request;
  std::string_view timestamp{};               ///< {ts}, as it is sent
  std::string_view id{};                      ///< {id}
  std::string_view secret{};                  ///< {secret}
  std::string_view url{};                     ///< {url}: the request's, or a variant of it
  std::string_view token{};                   ///< for jwt: and jwt_head:
  std::span<const std::string_view> items{};  ///< for item:
  const HmacKey* key = nullptr;               ///< for hmac_hex and hmac_base64

  /// The values at a place; the first one where one is wanted.
  std::vector<std::string> find(const Location& location) const;
};

/// "{ts}.{body}". Holes: {body} {ts} {id} {method} {url} {path} {query} {secret} {form_sorted}
/// {lines:A,B,C}, any {place}, the first one that is there of {place|place}, and a function of one of them:
/// {sha256(x)} and {sha1(x)} in hex, {crc32(x)} in decimal, {json(x)} as a JSON string, {text(x)} as it is,
/// {hmac_hex(x)}, {hmac_base64(x)}. A brace that begins no word is itself. What is not there is empty.
/// Immutable.
class Recipe {
 public:
  /// Error: invalid, for a hole that there is not, or more than 32 of them.
  static base::Result<Recipe> parse(std::string_view text);

  /// Pieces that are signed one after the other; they refer into `owned` and into the ingredients.
  struct Made {
    std::vector<std::string_view> pieces;
    std::deque<std::string> owned;

    std::string text() const;
  };
  /// Nothing, and a problem of the request's work(), where it would be more than bytes_max, or than that is
  /// left to make; it is not made then.
  Made make(const Ingredients& ingredients,
            std::size_t bytes_max = std::numeric_limits<std::size_t>::max()) const;
  /// SHA-256 of it in hex. Made once for a request and its elements where it is the same for all of them.
  std::string hash(const Ingredients& ingredients) const;

  /// Whether it makes nothing, whatever comes.
  bool is_empty() const;
  /// Whether it has {body}: the signature covers all that came.
  bool has_body() const;
  bool has_secret() const;
  /// Whether it makes a signature of what it is asked with.
  bool signs() const;
  /// Whether all that it signs are parameters of the URL.
  bool signs_queries_alone() const;
  /// Whether all that an answer signs is part of this, or of the body or URL that is.
  bool covers(const Recipe& answer) const;

 private:
  enum class From : std::uint8_t {
    body,
    timestamp,
    id,
    method,
    url,
    path,
    query,
    secret,
    form_sorted,
    lines,
    place
  };
  enum class Function : std::uint8_t { none, sha256, sha1, crc32, json, text, hmac_hex, hmac_base64 };
  struct Hole {
    From from = From::body;
    Function function = Function::none;
    std::vector<Location> places{};  // of place and lines
    std::string text{};              // as it stands in the template

    /// Whether it is filled with the same for a request and all its elements, whatever the key.
    bool is_of_request() const;
  };
  struct Piece {
    std::string literal{};  // before the hole
    std::optional<Hole> hole{};
  };

  static bool signs_hole(const Piece& piece);
  static base::Result<Hole> parse_hole(std::string_view text);
  static base::Result<Hole> parse_source(std::string_view text);
  static std::string_view fill(const Hole& hole, const Ingredients& ingredients, std::size_t bytes_max,
                               Made& made);
  static std::string_view whole(const Hole& hole, const Ingredients& ingredients);
  static std::string made_of(const Hole& hole, const Ingredients& ingredients);
  static std::string apply(Function function, std::string_view value, const Ingredients& ingredients);

  std::string text_;
  std::vector<Piece> pieces_;
};

}  // namespace crypto
