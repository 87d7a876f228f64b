#include "http/byte_budget.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace http {

namespace {

TEST(ByteBudget, leaves_as_much_to_others_as_one_payer_may_hold) {
  const struct {
    std::size_t by_payer, by_all, more;
    bool may;
  } cases[] = {
      {0, 0, 50, true},    // a half for one alone
      {0, 0, 51, false},   //
      {49, 49, 1, true},   //
      {50, 50, 1, false},  //
      {33, 66, 1, false},  // two at full force
      {32, 65, 1, true},   //
      {0, 66, 17, true},   // a third one finds half of what is left
      {0, 66, 18, false},  //
      {0, 100, 0, true},   //
      {0, 100, 1, false},  //
      {0, 99, 2, false},   // also where numbers would wrap around
      {0, 0, 101, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(may_hold(c.by_payer, c.by_all, 100, c.more), c.may)
        << c.by_payer << "/" << c.by_all << "+" << c.more;
  }
}

class Budget : public ::testing::Test {
 protected:
  std::unique_ptr<ByteBudget::Share> share(Payer payer, const std::string& name) {
    return std::make_unique<ByteBudget::Share>(budget, payer, [this, name] { gone.push_back(name); });
  }

  ByteBudget budget{100};
  std::vector<std::string> gone;
};

TEST_F(Budget, takes_back_what_a_share_held) {
  {
    const auto one = share(1, "one");
    EXPECT_TRUE(one->take(20));
    EXPECT_TRUE(one->take(30));
    EXPECT_EQ(budget.bytes(), 50u);
  }
  EXPECT_EQ(budget.bytes(), 0u);
  EXPECT_TRUE(share(1, "again")->take(50));
  EXPECT_TRUE(gone.empty());
}

TEST_F(Budget, makes_what_its_payer_has_kept_waiting_the_longest_give_way) {
  const auto first = share(1, "first");
  const auto second = share(1, "second");
  const auto third = share(1, "third");
  ASSERT_TRUE(first->take(20) && second->take(20));

  EXPECT_TRUE(third->take(25));

  EXPECT_EQ(gone, std::vector<std::string>{"first"});
  EXPECT_EQ(first->bytes(), 0u);
  EXPECT_EQ(budget.bytes(), 45u);
}

TEST_F(Budget, spares_what_waits_for_nobody_and_what_others_hold) {
  const auto settled = share(1, "settled");
  ASSERT_TRUE(settled->take(30));
  settled->settle();
  const auto neighbour = share(2, "neighbour");
  ASSERT_TRUE(neighbour->take(30));
  const auto more = share(1, "more");

  EXPECT_FALSE(more->take(20));

  EXPECT_TRUE(gone.empty());
  EXPECT_EQ(budget.bytes(), 60u);
}

TEST_F(Budget, finds_room_for_who_holds_little_while_others_take_all_they_can_get) {
  std::vector<std::unique_ptr<ByteBudget::Share>> shares;
  for (int i = 0; i < 50; ++i) {
    for (const Payer greedy : {1, 2, 3}) {
      shares.push_back(share(greedy, "greedy"));
      (void)shares.back()->take(1);
    }
  }

  EXPECT_TRUE(share(4, "modest")->take(10));
}

}  // namespace

}  // namespace http
