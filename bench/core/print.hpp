// Figures as text.
#pragma once

#include <string>

namespace bench {

/// What printf would print, of which at most 511 characters.
[[gnu::format(printf, 1, 2)]] std::string print(const char* format, ...);

}  // namespace bench
