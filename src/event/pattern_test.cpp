#include "event/pattern.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace event {

namespace {

TEST(Pattern, star_matches_every_type) {
  for (const std::string_view type : {"order", "order.created", "workitem_created", "a.b.c.d"}) {
    EXPECT_TRUE(pattern_matches("*", type)) << type;
  }
}

TEST(Pattern, matches_the_type_that_it_names_and_no_other) {
  EXPECT_TRUE(pattern_matches("order.created", "order.created"));
  for (const std::string_view type : {"order.create", "order.created.late", "Order.created", "order", ""}) {
    EXPECT_FALSE(pattern_matches("order.created", type)) << type;
  }
}

TEST(Pattern, with_a_star_at_its_end_matches_all_below_but_not_the_type_itself) {
  EXPECT_TRUE(pattern_matches("order.*", "order.created"));
  EXPECT_TRUE(pattern_matches("order.*", "order.line.added"));
  EXPECT_TRUE(pattern_matches("order.line.*", "order.line.added"));
  for (const std::string_view type :
       {"order", "order.", "orders.created", "order_created", "my.order.x", ""}) {
    EXPECT_FALSE(pattern_matches("order.*", type)) << type;
  }
  EXPECT_FALSE(pattern_matches("order.line.*", "order.created"));
}

TEST(Pattern, with_an_underscore_before_its_star_matches_all_that_go_on_behind_it) {
  for (const std::string_view type : {"workitem_created", "workitem_state_changed", "workitem_x.y"}) {
    EXPECT_TRUE(pattern_matches("workitem_*", type)) << type;
  }
  for (const std::string_view type :
       {"workitem_", "workitem", "workitem.created", "workitems_x", "a.workitem_x"}) {
    EXPECT_FALSE(pattern_matches("workitem_*", type)) << type;
  }
  EXPECT_TRUE(pattern_matches("a.b_*", "a.b_c"));
}

TEST(Pattern, is_a_type_or_a_type_with_all_below_or_all) {
  for (const std::string_view pattern : {"*", "order", "order.created", "order.*", "order.line.*",
                                         "ORDER_CREATED", "a-b/c.d_1", "workitem_*", "a.b_*"}) {
    EXPECT_TRUE(check_pattern(pattern)) << pattern;
  }
}

TEST(Pattern, is_refused_when_a_star_or_a_dot_stands_elsewhere) {
  for (const std::string_view pattern :
       {"", ".", ".*", "**", "*.*", "*.created", "order*", "order-*", "order_**", "order._.*x",
        "order.*.added", "order.", "order..*", "order.**", "order..created", ".order", "order created",
        "order,created", "ördér"}) {
    const auto checked = check_pattern(pattern);
    ASSERT_FALSE(checked) << pattern;
    EXPECT_EQ(checked.error().code, base::Code::invalid) << pattern;
  }
}

TEST(Pattern, is_as_long_as_a_type_may_be) {
  const std::string longest(base::limits::kEventTypeBytesMax, 'a');
  EXPECT_TRUE(check_pattern(longest));
  EXPECT_TRUE(check_pattern(longest + ".*"));
  EXPECT_FALSE(check_pattern(longest + "a"));
  EXPECT_FALSE(check_pattern(longest + "a.*"));
  EXPECT_TRUE(check_pattern(longest.substr(1) + "_*"));
  EXPECT_FALSE(check_pattern(longest + "_*"));
}

}  // namespace

}  // namespace event
