#include "base/limits.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/subscription/fixture.hpp"

namespace outbound {

namespace {

const TenantId kAcme = TenantId::make(kNow);

TEST(FanoutTask, does_not_hold_a_large_event_while_it_waits) {
  const event::EventPtr small = make_event(kAcme);
  auto large = std::make_shared<event::Event>(*small);
  large->data = "\"" + std::string(base::limits::kFanoutHeldBytes, 'x') + "\"";

  EXPECT_EQ(event::make_fanout_task(small, kNow).payload, small);
  EXPECT_EQ(event::make_fanout_task(small, kNow).payload_bytes, small->bytes());
  EXPECT_FALSE(event::make_fanout_task(large, kNow).payload);
  EXPECT_EQ(event::make_fanout_task(large, kNow).payload_bytes, 0u);
}

TEST(DeliveryTask, carries_what_a_replay_needs) {
  const Subscription subscription = make_subscription(kAcme);
  const DeliveryArgs args{2, DeliveryId::make(kNow), "https://example.org/"};

  const queue::Task task = make_delivery_task(subscription, make_event(kAcme), kNow, &args);

  const DeliveryArgs read = read_args(task.args);
  EXPECT_EQ(read.replay_no, 2);
  EXPECT_EQ(read.replay_of, args.replay_of);
  EXPECT_EQ(read.url, "https://example.org/");
}

TEST(DeliveryTask, has_the_lane_of_its_subscription_unless_it_goes_elsewhere) {
  Subscription subscription = make_subscription(kAcme);
  subscription.ordering = Ordering::per_key;
  const DeliveryArgs again{.replay_no = 1};
  const DeliveryArgs elsewhere{.replay_no = 1, .url = "https://example.org/"};

  const queue::Task own = make_delivery_task(subscription, make_event(kAcme), kNow, &again);
  const queue::Task detour = make_delivery_task(subscription, make_event(kAcme), kNow, &elsewhere);

  EXPECT_EQ(own.lane, subscription.lane());
  EXPECT_FALSE(is_detour(own.lane));
  EXPECT_NE(detour.lane, subscription.lane());
  EXPECT_TRUE(is_detour(detour.lane));
  EXPECT_EQ(detour.order_key, "") << "it holds up no delivery of its key";
  for (const queue::Task& task : {own, detour}) EXPECT_EQ(subscription_of(task.lane), subscription.id);
}

}  // namespace

}  // namespace outbound
