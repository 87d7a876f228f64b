// A tree of values as application/x-www-form-urlencoded, for receivers that read forms.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

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

/// Appends a name or a value as it stands in such a form.
void append_form_encoded(std::string& out, std::string_view text);

}  // namespace format
