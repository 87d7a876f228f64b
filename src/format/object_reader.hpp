// Reading one JSON object that others wrote: every member is asked for by name, what nobody asked for is
// refused, errors are collected.
#pragma once

#include <set>

#include "format/json.hpp"

namespace format {

/// The getters return what is there, note an error for what does not fit, and return
/// nothing when it is absent or wrong; finish() then tells all of it at once.
class ObjectReader {
 public:
  /// pointer is where the object stands, "#" for the body itself. Not an object: one error.
  ObjectReader(const Value& object, std::string pointer);

  bool has(std::string_view name);  ///< present and not null
  bool is_null(std::string_view name);
  /// At most so many characters, as the document counts them: code points.
  std::optional<std::string> text(std::string_view name, std::size_t characters_max);
  std::optional<std::string> required_text(std::string_view name, std::size_t characters_max);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<bool> boolean(std::string_view name);
  std::optional<base::Time> time(std::string_view name);
  /// The member as it is, any kind; nullptr when absent or null.
  const Value* any(std::string_view name);

  /// Where a member stands: what a reader of its own begins with.
  std::string pointer_to(std::string_view name) const;
  void error(std::string_view name, std::string code, std::string detail);
  /// The same for something inside a member; path is a pointer below this object, escaped, without its first
  /// slash.
  void error_at(std::string_view path, std::string code, std::string detail);
  /// What a reader of an inner object had to say.
  void take_errors(base::Error inner);
  /// Error: invalid with everything that was noted, unknown members included.
  base::Result<void> finish();

 private:
  const Value* find(std::string_view name);
  void wrong_type(std::string_view name, const char* wanted);

  const Value& object_;
  std::string pointer_;
  std::set<std::string_view> asked_;
  base::FieldErrors errors_;
};

enum class Reading : std::uint8_t {
  whole,  ///< POST and PUT: what is absent gets its default
  patch   ///< PATCH: what is absent stays, null resets (RFC 7396)
};

/// Whether a member is to be written: present in a patch, always in a whole.
class Members {
 public:
  Members(ObjectReader& reader, Reading reading) : reader_(reader), reading_(reading) {}
  bool touches(std::string_view name) {
    const bool present = reader_.has(name);
    return reader_.is_null(name) || present || reading_ == Reading::whole;
  }

 private:
  ObjectReader& reader_;
  Reading reading_;
};

/// A member name as a part of a JSON pointer (~ and / escaped).
std::string pointer_part(std::string_view name);

}  // namespace format
