// Which of some names somebody meant who mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// The name with the fewest typing errors between (a letter too many, too few, another one, or two swapped),
/// where those are no more than about a third of the word, one of a short word; "" where none is that near.
/// Of equals the first.
std::string near_name(std::string_view word, const std::vector<std::string>& names);

}  // namespace cli
