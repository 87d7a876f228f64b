#include "event/event.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace event {

namespace {

TEST(EventType, is_made_of_parts_between_dots) {
  const std::string longest(base::limits::kEventTypeBytesMax, 'a');
  for (const std::string& type :
       {std::string("order.created"), std::string("order"), std::string("order.line.added"),
        std::string("workitem_status_changed"), std::string("Order-2.CREATED"),
        std::string("com.acme/order.v1"), std::string("a.b.c.d.e"), std::string("1"), std::string("-"),
        std::string("/"), longest}) {
    EXPECT_TRUE(check_type(type)) << type;
  }
  for (const std::string& type :
       {std::string(), std::string("."), std::string(".order"), std::string("order."),
        std::string("order..created"), std::string("order created"), std::string("order.*"), std::string("*"),
        std::string("ordér"), std::string("order:created"), std::string("order\n"), std::string("order\0", 6),
        std::string("order,x"), longest + "a"}) {
    const auto checked = check_type(type);
    ASSERT_FALSE(checked) << type;
    EXPECT_EQ(checked.error().code, base::Code::invalid);
  }
}

TEST(SubjectType, is_the_beginning_of_the_subject_or_else_of_the_type) {
  const struct {
    const char* type;
    const char* subject;
    const char* expected;
  } cases[] = {
      {"order.created", "", "order"},
      {"workitem_created", "", "workitem"},
      {"workitem_status_changed", "", "workitem"},
      {"order", "", "order"},
      {"order-line.added", "", "order-line"},
      {"com/acme.order", "", "com/acme"},
      {"order.created", "invoice/42", "invoice"},
      {"order.created", "invoice", "invoice"},
      {"order.created", "invoice/42/line/7", "invoice"},
      {"order.created", "my_thing.v1/42", "my_thing.v1"},
  };
  for (const auto& c : cases) {
    const Event event{.type = c.type, .subject = c.subject};
    EXPECT_EQ(subject_type(event), c.expected) << c.type << " " << c.subject;
  }
}

TEST(Event, counts_the_bytes_that_it_holds) {
  const Event small{.type = "a"};
  const Event large{.type = "a", .data = std::string(1000, 'x'), .changes = std::string(500, 'y')};
  EXPECT_EQ(large.bytes() - small.bytes(), 1500u);
}

}  // namespace

}  // namespace event
