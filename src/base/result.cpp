#include "base/result.hpp"

#include <cstdio>
#include <cstdlib>

#include "base/assert.hpp"

namespace base {

std::string_view name(Code code) {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::unauthenticated: return "unauthenticated";
    case Code::forbidden: return "forbidden";
    case Code::not_found: return "not_found";
    case Code::conflict: return "conflict";
    case Code::too_large: return "too_large";
    case Code::limited: return "limited";
    case Code::circuit_open: return "circuit_open";
    case Code::timeout: return "timeout";
    case Code::unavailable: return "unavailable";
    case Code::upstream: return "upstream";
    case Code::cancelled: return "cancelled";
    case Code::corrupt: return "corrupt";
    case Code::internal: return "internal";
  }
  return "internal";
}

bool Error::retryable() const {
  switch (code) {
    case Code::limited:
    case Code::circuit_open:
    case Code::timeout:
    case Code::unavailable:
    case Code::upstream: return true;
    default: return false;
  }
}

void assertion_failed(std::string_view condition, std::string_view file, int line) {
  std::fprintf(stderr, "crossdock: assertion failed: %.*s at %.*s:%d\n", static_cast<int>(condition.size()),
               condition.data(), static_cast<int>(file.size()), file.data(), line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace base
