// Reading request bodies: every member is asked for by name, what nobody asked for is refused, errors are
// collected.
#pragma once

#include <set>

#include "api/call.hpp"
#include "format/json.hpp"

namespace api {

/// The body as JSON. Errors: invalid with MALFORMED_JSON or UNSUPPORTED_MEDIA_TYPE.
Result<format::Document> read_json(Call& call);
/// The same for bodies that may be large: those are parsed beside the shard.
base::Task<format::Document> read_large_json(Call& call);

/// One object of a request. The getters return what is there, note an error for what does not fit, and return
/// nothing when it is absent or wrong; finish() then tells all of it at once.
class Input {
 public:
  /// pointer is where the object stands, "#" for the body itself. Not an object: one error.
  Input(const format::Value& object, std::string pointer);

  bool has(std::string_view name);  ///< present and not null
  bool is_null(std::string_view name);
  /// At most so many characters, as the document counts them: code points.
  std::optional<std::string> text(std::string_view name, std::size_t characters_max);
  std::optional<std::string> required_text(std::string_view name, std::size_t characters_max);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<bool> boolean(std::string_view name);
  std::optional<base::Time> time(std::string_view name);
  /// The member as it is, any kind; nullptr when absent or null.
  const format::Value* any(std::string_view name);

  void error(std::string_view name, std::string code, std::string detail);
  /// The same for something inside a member; path is a pointer below this object, escaped, without its first
  /// slash.
  void error_at(std::string_view path, std::string code, std::string detail);
  /// What an Input of an inner object had to say.
  void take_errors(base::Error& inner);
  /// Error: invalid with everything that was noted, unknown members included.
  Result<void> finish();

 private:
  const format::Value* find(std::string_view name);
  void wrong_type(std::string_view name, const char* wanted);

  const format::Value& object_;
  std::string pointer_;
  std::set<std::string_view> asked_;
  base::FieldErrors errors_;
};

/// A member name as a part of a JSON pointer (~ and / escaped).
std::string pointer_part(std::string_view name);

/// A token of RFC 9110 of at most 100 bytes.
bool is_header_name(std::string_view name);
/// Visible ASCII and blanks, at most 4 KiB.
bool is_header_value(std::string_view value);

}  // namespace api
