#include "core/print.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>

namespace bench {

std::string print(const char* format, ...) {
  std::array<char, 512> text{};
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  return text.data();
}

}  // namespace bench
