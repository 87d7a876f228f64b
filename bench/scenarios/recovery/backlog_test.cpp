#include "scenarios/recovery/backlog.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace bench {

namespace {

constexpr std::string_view kAnswer =
    R"({"data":[{"id":"0193ab00-0000-7000-8000-000000000001","created_at":"2026-01-01T00:00:00Z",)"
    R"("deliveries":1},)"
    R"({"id":"0193ab00-0000-7000-8000-000000000002","created_at":"2026-01-01T00:00:00Z","deliveries":1}]})";

TEST(Backlog, reads_the_ids_of_a_batch_in_order) {
  const std::vector<Uuid> ids = ids_of_batch(kAnswer, 2);
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids[0].bytes[15], 1);
  EXPECT_EQ(ids[1].bytes[15], 2);
}

TEST(Backlog, does_not_take_an_answer_with_errors_for_an_acknowledgement) {
  EXPECT_THROW(ids_of_batch(kAnswer, 3), std::runtime_error);
  EXPECT_THROW(ids_of_batch(R"({"data":[{"error":{"status":422}}]})", 1), std::runtime_error);
}

TEST(Backlog, has_the_same_bodies_as_single_events) {
  EventRequest request({.api_key = "k", .event_type = "order.r0.created"}, 80, 1024);
  std::string body = "[";
  request.append_body(body, 7, 1'700'000'000'000'000);
  const std::string_view whole = request.stamp(7, 1'700'000'000'000'000);
  EXPECT_EQ(body.substr(1), whole.substr(whole.size() - 1024));
}

}  // namespace

}  // namespace bench
