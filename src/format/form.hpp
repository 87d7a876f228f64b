// application/x-www-form-urlencoded: what forms say, and a tree of values as a form, for receivers that read
// those.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "format/value.hpp"

namespace format {

/// One name=value for each string, number, boolean and null, in the order of the document. A member of an
/// inner object is named outer[inner], an element of an array outer[0], at any depth; a root that is no
/// object is named root_name. Numbers stand as they were written, booleans as true and false, null as the
/// empty text; an object or array without anything in it leaves nothing. Names and values are encoded as by
/// the URL Standard's serializer (a blank is '+', a bracket %5B and %5D), so that a form that is decoded
/// shows the names above. Error: too_large, where it would be longer than bytes_max.
base::Result<std::string> to_form(const Value& root, std::string_view root_name, std::size_t bytes_max);

/// A member of a form. The raw ones refer to its text.
struct FormField {
  std::string name{};
  std::string value{};
  std::string_view raw_name{};
  std::string_view raw_value{};
};

inline constexpr std::size_t kFormMembersMax = 10'000;
/// The members in their order, decoded. Error: too_large, for more than kFormMembersMax.
base::Result<std::vector<FormField>> parse_form(std::string_view text);

/// A name or a value, decoded as by the URL Standard: '+' is a blank, an escape that is none stays as it
/// stands; so does %00, which no text may hold.
std::string form_decoded(std::string_view text);

/// Members of an object in their order, of which some may have one name.
using NamedJson = std::vector<std::pair<std::string, std::string>>;
/// The object of them, as JSON: what has one name is an array, at the place of the first. The values are
/// JSON.
std::string object_json(const NamedJson& members);

/// Appends a name or a value as it stands in such a form.
void append_form_encoded(std::string& out, std::string_view text);

}  // namespace format
