// Waiting for what has no signal to wait for.
#pragma once

#include <chrono>
#include <thread>

namespace testing {

/// Asks again and again until the condition holds, at most ten seconds; whether it came to hold.
template <class Condition>
[[nodiscard]] bool eventually(Condition holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    // tidy: allow sleep what it looks at does not tell
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace testing
