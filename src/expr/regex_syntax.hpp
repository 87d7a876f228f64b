// JavaScript's regular expressions, of which JSONata's are made, in the words of RE2.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "format/regex.hpp"

namespace expr {

/// flags: any of i and m. Error: what is wrong, or what RE2 cannot do, because it takes time that is linear
/// in the text whatever the expression: look ahead, look behind, refer back to a group.
std::expected<format::Regex, std::string> compile_regex(std::string_view pattern, std::string_view flags);

}  // namespace expr
