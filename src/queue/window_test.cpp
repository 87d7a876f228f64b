#include "queue/window.hpp"

#include <gtest/gtest.h>

namespace queue {

namespace {

Window after(std::string_view signals, Window window = {}) {
  for (const char signal : signals) {
    window.on(signal == 's' ? Signal::success : signal == 'o' ? Signal::overload : Signal::neutral);
  }
  return window;
}

Window grown_to(std::size_t size) {
  Window window;
  while (window.size() < size) window.on(Signal::success);
  return window;
}

TEST(Window, grows_by_one_after_a_window_of_successes_and_is_halved_by_overload) {
  const struct {
    std::string_view signals;  // s: success, o: overload, n: neutral
    std::size_t size;
  } cases[] = {
      {"", 2},        {"s", 2},        {"ss", 3},   {"ssss", 3},        {"sssss", 4}, {"sssssssss", 5},
      {"n", 2},       {"nnnnnnnn", 2}, {"sns", 3},  {"o", 1},           {"oo", 1},    {"os", 2},
      {"sssss o", 2}, {"sssss oo", 1}, {"ss o", 1}, {"sssssssss o", 2},
  };
  for (const auto& c : cases) EXPECT_EQ(after(c.signals).size(), c.size) << c.signals;
}

TEST(Window, counts_successes_anew_after_overload) {
  const Window almost_five = after("ssss", grown_to(5));

  EXPECT_EQ(after("o", almost_five).size(), 2u);
  EXPECT_EQ(after("os", almost_five).size(), 2u);
  EXPECT_EQ(after("oss", almost_five).size(), 3u);
}

TEST(Window, never_grows_over_its_limit) {
  const Window full = grown_to(base::limits::kLaneWindowMax);

  EXPECT_EQ(after(std::string(1000, 's'), full).size(), base::limits::kLaneWindowMax);
  EXPECT_EQ(after("o", full).size(), base::limits::kLaneWindowMax / 2);
}

TEST(Window, never_shrinks_to_nothing) { EXPECT_EQ(after(std::string(100, 'o')).size(), 1u); }

}  // namespace

}  // namespace queue
