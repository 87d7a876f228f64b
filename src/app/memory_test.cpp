#include "app/memory.hpp"

#include <gtest/gtest.h>

namespace app {

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

/// At which of so many looks it is due while the process holds the same.
std::vector<int> due_while_nothing_changes(MemoryRule& rule, std::uint64_t bytes, int looks) {
  std::vector<int> due;
  for (int look = 1; look <= looks; ++look) {
    if (!rule.is_due(bytes)) continue;
    due.push_back(look);
    rule.done(bytes);
  }
  return due;
}

TEST(MemoryRule, is_due_ever_more_seldom_while_nothing_changes) {
  MemoryRule rule;
  rule.done(500 * kMiB);

  EXPECT_EQ(due_while_nothing_changes(rule, 500 * kMiB, 200),
            (std::vector<int>{1, 3, 7, 15, 31, 63, 123, 183}));
}

TEST(MemoryRule, is_due_at_once_when_the_process_has_grown_or_shrunk) {
  MemoryRule rule;
  rule.done(100 * kMiB);
  due_while_nothing_changes(rule, 100 * kMiB, 200);

  EXPECT_FALSE(rule.is_due(110 * kMiB));
  EXPECT_TRUE(rule.is_due(120 * kMiB));
  rule.done(120 * kMiB);
  EXPECT_EQ(due_while_nothing_changes(rule, 120 * kMiB, 28), (std::vector<int>{1, 3, 7, 15}));
  EXPECT_FALSE(rule.is_due(130 * kMiB));
  EXPECT_TRUE(rule.is_due(110 * kMiB)) << "what caused the peak has ended";
}

}  // namespace

}  // namespace app
