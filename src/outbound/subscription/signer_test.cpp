#include "outbound/subscription/signer.hpp"

#include "outbound/subscription/fixture.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

constexpr std::string_view kBody = R"({"n":1})";
constexpr const char* kPrivate =
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

class Signing : public ::testing::Test {
 protected:
  void use(SigningScheme scheme, std::string config = "") {
    subscription.signing_scheme = scheme;
    subscription.signing_config = std::move(config);
  }
  void add(std::string text, std::optional<base::Time> valid_until = {}) {
    SigningSecret secret = make_secret('A', valid_until);
    secret.text = base::Secret(std::move(text));
    subscription.secrets.push_back(std::move(secret));
  }
  Lines signed_at(base::Time now) const {
    Lines lines;
    Signer::make(subscription)
        .value()
        .sign({.id = "evt_1", .timestamp = "1800000000", .type = "order.created", .body = kBody, .now = now},
              lines);
    return lines;
  }

  Subscription subscription = make_subscription(TenantId::make(kNow));
};

std::string mac(std::string_view key, std::string_view content) {
  return crypto::to_hex(crypto::hmac(crypto::Hash::sha256, key, content));
}

TEST_F(Signing, by_standard_v1a_uses_the_private_key) {
  use(SigningScheme::standard_v1a);
  add(kPrivate);

  EXPECT_EQ(signed_at(kNow), (Lines{"webhook-signature: " + crypto::WebhookPrivateKey::parse(kPrivate)->sign(
                                                                "evt_1", "1800000000", kBody)}));
}

TEST_F(Signing, goes_on_with_secrets_of_the_other_kind_of_standard_webhooks) {
  use(SigningScheme::standard_v1a);
  add(kPrivate);
  add(secret_text('A'), kNow + 1h);
  const std::string v1a = crypto::WebhookPrivateKey::parse(kPrivate)->sign("evt_1", "1800000000", kBody);
  const std::string v1 = crypto::WebhookSecret::parse(secret_text('A'))->sign("evt_1", "1800000000", kBody);

  EXPECT_EQ(signed_at(kNow), (Lines{"webhook-signature: " + v1a + " " + v1}));
  EXPECT_EQ(signed_at(kNow + 1h), (Lines{"webhook-signature: " + v1a}));
}

TEST_F(Signing, by_github_carries_the_newest_secrets_signature_alone) {
  use(SigningScheme::github);
  add("the-newest-secret");
  add("an-older-secret-of-ours", kNow + 1h);

  EXPECT_EQ(signed_at(kNow), (Lines{"X-Hub-Signature-256: sha256=" + mac("the-newest-secret", kBody),
                                    "X-GitHub-Event: order.created", "X-GitHub-Delivery: evt_1"}));
}

TEST_F(Signing, by_stripe_carries_a_signature_of_each_valid_secret) {
  use(SigningScheme::stripe);
  add(secret_text('B'));
  add("an-older-secret-of-ours", kNow + 1h);
  const std::string content = "1800000000." + std::string(kBody);

  EXPECT_EQ(signed_at(kNow), (Lines{"Stripe-Signature: t=1800000000,v1=" + mac(secret_text('B'), content) +
                                    ",v1=" + mac("an-older-secret-of-ours", content)}));
  EXPECT_EQ(signed_at(kNow + 1h),
            (Lines{"Stripe-Signature: t=1800000000,v1=" + mac(secret_text('B'), content)}));
}

TEST_F(Signing, by_a_header_follows_its_config) {
  use(SigningScheme::hmac_header,
      R"({"header":"X-Shop-Signature","algorithm":"sha512","encoding":"base64","prefix":"v0=",)"
      R"("content":"v0:{timestamp}:{body}","timestamp_header":"X-Shop-Time","id_header":"X-Shop-Id"})");
  add("0123456789abcdef");
  const std::string raw =
      crypto::hmac(crypto::Hash::sha512, "0123456789abcdef", "v0:1800000000:" + std::string(kBody));

  EXPECT_EQ(signed_at(kNow), (Lines{"X-Shop-Signature: v0=" + crypto::to_base64(raw),
                                    "X-Shop-Time: 1800000000", "X-Shop-Id: evt_1"}));
}

TEST_F(Signing, by_a_header_has_defaults_for_all_but_its_name) {
  use(SigningScheme::hmac_header, R"({"header":"X-Sig"})");
  add("0123456789abcdef");

  EXPECT_EQ(signed_at(kNow), (Lines{"X-Sig: " + mac("0123456789abcdef", kBody)}));
}

TEST_F(Signing, leaves_out_older_secrets_of_another_scheme) {
  use(SigningScheme::standard);
  add(secret_text('A'));
  add("of-the-time-of-github", kNow + 1h);

  EXPECT_EQ(signed_at(kNow).at(0),
            "webhook-signature: " +
                crypto::WebhookSecret::parse(secret_text('A'))->sign("evt_1", "1800000000", kBody));
}

TEST_F(Signing, refuses_a_newest_secret_that_does_not_fit) {
  add("of-the-time-of-github");
  EXPECT_FALSE(Signer::make(subscription));

  use(SigningScheme::github);
  EXPECT_TRUE(Signer::make(subscription));
}

TEST(SecretOfAScheme, has_a_shape) {
  const std::string shared = secret_text('A');
  const std::string own(16, 's');
  for (const auto scheme : {SigningScheme::standard, SigningScheme::standard_v1a, SigningScheme::github,
                            SigningScheme::stripe, SigningScheme::hmac_header}) {
    const bool v1a = scheme == SigningScheme::standard_v1a;
    const bool plain = !v1a && scheme != SigningScheme::standard;
    EXPECT_EQ(check_secret(scheme, shared).has_value(), !v1a) << name(scheme);
    EXPECT_EQ(check_secret(scheme, kPrivate).has_value(), v1a) << name(scheme);
    EXPECT_EQ(check_secret(scheme, own).has_value(), plain) << name(scheme);
    EXPECT_EQ(check_secret(scheme, std::string(200, 's')).has_value(), plain) << name(scheme);
    for (const std::string& bad : {std::string(15, 's'), std::string(201, 's'), std::string(16, ' '),
                                   std::string("sixteen-bytes-\xc3\xbc"), std::string()}) {
      EXPECT_FALSE(check_secret(scheme, bad)) << name(scheme) << " " << bad;
    }
    EXPECT_TRUE(check_secret(scheme, generate_secret(scheme).reveal())) << name(scheme);
  }
}

TEST(SecretOfAScheme, from_before_may_be_of_either_kind_of_standard_webhooks) {
  EXPECT_TRUE(can_go_on_signing(SigningScheme::standard, kPrivate));
  EXPECT_TRUE(can_go_on_signing(SigningScheme::standard_v1a, secret_text('A')));
  EXPECT_FALSE(can_go_on_signing(SigningScheme::standard, "of-the-time-of-github"));
  EXPECT_FALSE(can_go_on_signing(SigningScheme::github, kPrivate));
}

TEST(HeadersOfItsOwn, are_those_that_scheme_and_payload_set) {
  Subscription subscription = make_subscription(TenantId::make(kNow));
  EXPECT_EQ(headers_of_its_own(subscription), Lines{});
  subscription.payload_format = PayloadFormat::cloudevents_binary;
  subscription.signing_scheme = SigningScheme::github;
  EXPECT_EQ(headers_of_its_own(subscription),
            (Lines{"ce-*", "x-hub-signature-256", "x-github-event", "x-github-delivery"}));
  subscription.payload_format = PayloadFormat::standard;
  subscription.signing_scheme = SigningScheme::stripe;
  EXPECT_EQ(headers_of_its_own(subscription), (Lines{"stripe-signature"}));
  subscription.signing_scheme = SigningScheme::hmac_header;
  subscription.signing_config = R"({"header":"X-Sig","id_header":"X-ID"})";
  EXPECT_EQ(headers_of_its_own(subscription), (Lines{"x-sig", "x-id"}));
}

}  // namespace

}  // namespace outbound
