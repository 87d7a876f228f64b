// Assertions about the program itself, on in every build; input from outside is never asserted.
#pragma once

#include <string_view>

namespace base {

/// Prints the failed condition with its place and aborts. Never returns.
[[noreturn]] void assertion_failed(std::string_view condition, std::string_view file, int line);

}  // namespace base

#define XD_ASSERT(condition) \
  (static_cast<bool>(condition) ? void() : ::base::assertion_failed(#condition, __FILE__, __LINE__))
