// Upper and lower case of all of Unicode's letters, in no language in particular.
#pragma once

#include <string_view>

#include "expr/text_builder.hpp"

namespace expr {

/// As JavaScript's toUpperCase and toLowerCase: one letter may become several (ß is SS), and a sigma at the
/// end of a word is ς (Unicode, SpecialCasing without conditions of language).
void to_upper(std::string_view text, TextBuilder& out);
void to_lower(std::string_view text, TextBuilder& out);

}  // namespace expr
