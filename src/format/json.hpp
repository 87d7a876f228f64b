// JSON in and out (RFC 8259): strict, bounded, and able to give back the bytes it read.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "base/limits.hpp"
#include "format/value.hpp"

namespace format {

struct JsonLimits {
  std::size_t depth_max = base::limits::kJsonDepthMax;
  std::size_t members_max = base::limits::kJsonMembersMax;
};

/// Reads one JSON text. Refused: anything after it, a byte order mark, comments, duplicate keys in one
/// object, lone surrogates, invalid UTF-8, NaN, depth or count over the limits. Takes the text because the
/// tree refers to it. Error: invalid, reason MALFORMED_JSON (TOO_DEEP, TOO_MANY_MEMBERS for the limits), with
/// line and column and what was expected.
base::Result<Document> parse_json(std::string text, JsonLimits limits = {});

/// Of what is received: of a deep text a part may be meant.
inline constexpr std::size_t kLooseJsonDepthMax = 512;

/// Reads what senders take for JSON, for we cannot make them change it: as parse_json(), but a byte order
/// mark before it is skipped, half of a surrogate pair is U+FFFD, and of members with one key the last
/// counts, as in JavaScript. Where one of the latter two was met, raw bytes are those of the text as we would
/// write it.
base::Result<Document> parse_loose_json(std::string text,
                                        JsonLimits limits = {.depth_max = kLooseJsonDepthMax});

/// Writes JSON into a string, member by member: commas and escapes are its business, nesting is the caller's.
///   JsonWriter json(out);
///   json.begin_object().key("id").value(id).key("n").value(3).end_object();
/// Strings must be UTF-8; a byte that is not is replaced by U+FFFD. Control characters (below U+0020), and
/// U+2028/2029, are escaped.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(std::integral auto number) {
    if constexpr (std::same_as<decltype(number), bool>) {
      return boolean(number);
    } else if constexpr (std::unsigned_integral<decltype(number)>) {
      return natural(number);
    } else {
      return integer(number);
    }
  }
  JsonWriter& value(char character) = delete;  ///< a text or a number? say which
  JsonWriter& value(double number);            ///< shortest form that reads back the same; not finite: null
  JsonWriter& value(const base::Uuid& uuid);
  template <class Tag>
  JsonWriter& value(const base::Id<Tag>& id) {
    return value(id.uuid);
  }
  JsonWriter& value(base::Time time);  ///< RFC 3339, milliseconds
  JsonWriter& null();
  template <class T>
  JsonWriter& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : null();
  }
  /// A piece that is JSON already, as it stands.
  JsonWriter& raw(std::string_view json);
  /// A tree as it was parsed: its raw bytes where it has them.
  JsonWriter& value(const Value& tree);

 private:
  JsonWriter& integer(std::int64_t number);
  JsonWriter& natural(std::uint64_t number);
  JsonWriter& boolean(bool flag);
  void separate();

  std::string& out_;
  bool needs_comma_ = false;
};

/// The text as a JSON string, in quotes.
std::string json_string(std::string_view text);

}  // namespace format
