#include "outbound/subscription/subscription.hpp"

#include "outbound/subscription/fixture.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;

TEST(Subscription, delivers_and_takes_events_by_its_status) {
  struct Case {
    SubscriptionStatus status;
    bool is_enabled;
    bool delivers;
    bool takes_events;
  };
  for (const Case& c : {Case{SubscriptionStatus::active, true, true, true},
                        Case{SubscriptionStatus::paused, true, false, true},
                        Case{SubscriptionStatus::failed, true, false, true},
                        Case{SubscriptionStatus::failed, false, false, true},
                        Case{SubscriptionStatus::active, false, false, false},
                        Case{SubscriptionStatus::paused, false, false, false}}) {
    Subscription subscription = make_subscription(TenantId::make(kNow));
    subscription.status = c.status;
    subscription.is_enabled = c.is_enabled;

    EXPECT_EQ(subscription.delivers(), c.delivers) << name(c.status) << " " << c.is_enabled;
    EXPECT_EQ(subscription.takes_events(), c.takes_events) << name(c.status) << " " << c.is_enabled;
    EXPECT_EQ(subscription.lane_state(), c.delivers ? queue::LaneState::active : queue::LaneState::paused);
    EXPECT_EQ(subscription.lane().uuid, subscription.id.uuid);
  }
}

TEST(Subscription, has_names_for_its_choices_that_read_back) {
  for (const auto& [type, text] :
       {std::pair(AuthType::none, "NONE"), std::pair(AuthType::basic, "BASIC"),
        std::pair(AuthType::api_key, "API_KEY"), std::pair(AuthType::hmac, "HMAC")}) {
    EXPECT_EQ(name(type), text);
    EXPECT_EQ(base::parse_word<AuthType>(text), type);
  }
  for (const auto& [format, text] :
       {std::pair(PayloadFormat::standard, "STANDARD"), std::pair(PayloadFormat::entity, "ENTITY")}) {
    EXPECT_EQ(name(format), text);
    EXPECT_EQ(base::parse_word<PayloadFormat>(text), format);
  }
  EXPECT_EQ(name(SubscriptionStatus::active), "ACTIVE");
  EXPECT_EQ(name(SubscriptionStatus::paused), "PAUSED");
  EXPECT_EQ(name(SubscriptionStatus::failed), "FAILED");
  for (const char* text : {"", "basic", "KERBEROS", "STANDARD "}) {
    EXPECT_EQ(base::parse_word<AuthType>(text), std::nullopt) << text;
    EXPECT_EQ(base::parse_word<PayloadFormat>(text), std::nullopt) << text;
  }
}

TEST(SigningSecret, is_active_until_its_end) {
  EXPECT_TRUE(make_secret('A').active(kNow + 1000h));
  EXPECT_TRUE(make_secret('A', kNow).active(kNow - 1us));
  EXPECT_FALSE(make_secret('A', kNow).active(kNow));
}

TEST(SubscriptionCopy, is_equal_and_independent) {
  Subscription subscription = make_subscription(TenantId::make(kNow), {"order.*"});
  subscription.auth_type = AuthType::api_key;
  subscription.auth_config = base::Secret(R"({"value":"key-1"})");
  subscription.headers = {{"X-Shop", "north"}};
  subscription.disabled_reason = "GONE";
  subscription.disabled = kNow;
  subscription.secrets.push_back(make_secret('A', kNow + 1h));

  Subscription twin = subscription.copy();
  subscription.event_types.clear();
  subscription.auth_config = {};
  subscription.secrets.clear();

  EXPECT_EQ(twin.id, subscription.id);
  EXPECT_EQ(twin.event_types, std::vector<std::string>{"order.*"});
  EXPECT_EQ(twin.auth_config.reveal(), R"({"value":"key-1"})");
  EXPECT_EQ(twin.headers, subscription.headers);
  EXPECT_EQ(twin.disabled_reason, "GONE");
  EXPECT_EQ(twin.disabled, kNow);
  ASSERT_EQ(twin.secrets.size(), 1u);
  EXPECT_EQ(twin.secrets[0].text.reveal(), secret_text('A'));
  EXPECT_EQ(twin.secrets[0].valid_until, kNow + 1h);
}

TEST(SubscriptionStatus, says_while_it_is_being_deleted_that_it_delivers_but_takes_no_more) {
  Subscription subscription = make_subscription(TenantId::make(kNow));
  subscription.status = SubscriptionStatus::deleting;

  EXPECT_TRUE(subscription.delivers());
  EXPECT_FALSE(subscription.takes_events());
  EXPECT_EQ(subscription.lane_state(), queue::LaneState::active);
  EXPECT_EQ(name(subscription.status), "DELETING");
}

}  // namespace

}  // namespace outbound
