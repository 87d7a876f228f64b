#include "db/sqlite/checkpoint.hpp"

#include <gtest/gtest.h>

namespace db {

namespace {

TEST(Checkpoint, comes_after_three_mebibytes_of_small_commits) {
  EXPECT_FALSE(is_checkpoint_due(790, 799));
  EXPECT_TRUE(is_checkpoint_due(795, 800));
  EXPECT_FALSE(is_checkpoint_due(0, 0));
}

TEST(Checkpoint, waits_for_eight_commits_where_they_are_large) {
  EXPECT_FALSE(is_checkpoint_due(700, 900)) << "1,600 is eight like this one";
  EXPECT_TRUE(is_checkpoint_due(1'400, 1'600));
  EXPECT_FALSE(is_checkpoint_due(5'399, 6'399));
  EXPECT_TRUE(is_checkpoint_due(5'400, 6'400)) << "never more than that, however large they are";
  EXPECT_TRUE(is_checkpoint_due(0, 20'000));
}

TEST(Checkpoint, takes_a_log_that_began_anew_for_the_commit_alone) {
  EXPECT_FALSE(is_checkpoint_due(3'000, 200));
  EXPECT_FALSE(is_checkpoint_due(3'000, 900)) << "it is one commit of 900";
}

}  // namespace

}  // namespace db
