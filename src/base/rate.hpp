// A rate: so many of something within a window of time.
#pragma once

#include <chrono>
#include <cstddef>

namespace base {

struct Rate {
  std::size_t requests = 0;
  std::chrono::microseconds window{};
  bool operator==(const Rate&) const = default;
};

}  // namespace base
