// Every scheme that is known signs and verifies, and nothing that was changed passes.
#include "inbound/scheme/preset.hpp"

#include <gtest/gtest.h>

#include <set>

#include "inbound/receive/fixture.hpp"

namespace inbound {

namespace {

using crypto::Check;
using crypto::Location;
using crypto::PublicAlgorithm;
using crypto::Scheme;
using crypto::SchemeKey;
using namespace std::chrono_literals;

const SchemeConfig kConfig = {{"webhook_id", "1JE4291016473214C"},
                              {"key_id", "K1"},
                              {"verify_token", "meatyhamhock"},
                              {"topic_arn", "arn:t"},
                              {"client_id", "c"}};

Scheme scheme_of(const std::string& name) {
  auto scheme = preset_scheme(name, kConfig);
  if (!scheme) {
    std::string why = scheme.error().message;
    for (const auto& field : scheme.error().fields) why += "; " + field.pointer + ": " + field.detail;
    ADD_FAILURE() << name << ": " << why;
    return {};
  }
  if (auto checked = check_patterns(*scheme); !checked)
    ADD_FAILURE() << name << ": " << checked.error().fields[0].detail;
  return std::move(*scheme);
}

/// A sender: what it signs with, and what a receiver knows of it.
struct Sender {
  std::optional<crypto::PrivateKey> private_key{};
  std::string secret{};
  SchemeKey key;
};

std::optional<PublicAlgorithm> pair_of(const Scheme& scheme) {
  if (scheme.kind == Scheme::Kind::jwt && !scheme.token_algorithms.empty())
    return scheme.token_algorithms.front();
  if (scheme.kind != Scheme::Kind::public_key) return std::nullopt;
  return std::get<PublicAlgorithm>(scheme.algorithm.cases.back().second);
}

std::string secret_of(const Scheme& scheme, const std::string& seed, const crypto::PrivateKey* key) {
  using Encoding = Scheme::KeyRule::Encoding;
  const std::string bytes = crypto::digest(crypto::Hash::sha256, seed);
  const std::string spki = key == nullptr ? "" : key->public_spki();
  switch (scheme.key.encoding) {
    case Encoding::base64: return scheme.key.strip + crypto::to_base64(bytes);
    case Encoding::hex: return crypto::to_hex(bytes);
    case Encoding::ed25519_hex: return crypto::to_hex(spki.substr(spki.size() - 32));
    case Encoding::ed25519_base64: return scheme.key.strip + crypto::to_base64(spki.substr(spki.size() - 32));
    case Encoding::spki_base64: return crypto::to_base64(spki);
    case Encoding::pem:
      return "-----BEGIN PUBLIC KEY-----\n" + crypto::to_base64(spki) + "\n-----END PUBLIC KEY-----\n";
    case Encoding::utf8: break;
  }
  return "user:the secret of " + seed;
}

enum class Who : std::uint8_t { sender, other };

Sender make_sender(const Scheme& scheme, Who who) {
  const bool other = who == Who::other;
  std::optional<crypto::PrivateKey> pair;
  if (const auto algorithm = pair_of(scheme)) {
    const bool ed = *algorithm == PublicAlgorithm::ed25519;
    const bool ec = *algorithm == PublicAlgorithm::ecdsa_sha256 || *algorithm == PublicAlgorithm::es256;
    pair = private_key(ed   ? (other ? kOtherEdKey : kEdKey)
                       : ec ? (other ? kOtherEcKey : kEcKey)
                            : (other ? kOtherRsaKey : kRsaKey));
  }
  std::string secret = secret_of(scheme, other ? "somebody else" : "the sender", pair ? &*pair : nullptr);
  using Source = Scheme::KeyRule::Source;
  if (scheme.key.source == Source::certificate || scheme.key.source == Source::key_set) {
    auto key = SchemeKey(std::move(*crypto::PublicKey::from_spki(pair->public_spki())));
    return {std::move(pair), std::move(secret), std::move(key)};
  }
  auto key = SchemeKey::make(scheme, secret);
  if (!key) {
    ADD_FAILURE() << key.error().message;
    key = SchemeKey::make(Scheme{}, "none");
  }
  return {std::move(pair), std::move(secret), std::move(*key)};
}

std::string seconds_of(base::Time at) { return std::to_string(base::to_micros(at) / 1'000'000); }

std::string hmac_base64(std::string_view hex_key, std::string_view text) {
  return crypto::to_base64(crypto::hmac(crypto::Hash::sha256, *crypto::from_hex(hex_key), text));
}

/// What each sender of these puts its signature into by itself, or needs in its request.
Sent make_request(const std::string& name, const Sender& sender, base::Time at) {
  Sent sent;
  sent.body =
      R"({"id":"e1","event_id":"e1","eventId":"e1","request_id":"e1","update_id":1,"event":{"id":"e1"},)"
      R"("action":{"id":"e1"},"type":"order.created"})";
  const std::string& secret = sender.secret;
  if (name == "twilio_form") {
    sent.body = "MessageSid=SM1&From=%2B15551234&Body=Hi+there&Media=b&Media=a&Media=b";
  } else if (name == "twilio_json") {
    sent.url += "?bodySHA256=" + crypto::to_hex(crypto::digest(crypto::Hash::sha256, sent.body));
    sent.headers.emplace_back("I-Twilio-Idempotency-Token", "token-1");
  } else if (name == "hubspot_v1" || name == "hubspot_v3") {
    sent.body = R"([{"eventId":1,"objectId":7},{"eventId":2,"objectId":8}])";
    sent.url += "?a=%2Fb%20c";
  } else if (name == "sendgrid_events") {
    sent.body = R"([{"sg_event_id":"a","event":"open"},{"sg_event_id":"b","event":"click"}])";
  } else if (name == "okta") {
    sent.body = R"({"data":{"events":[{"uuid":"u1"},{"uuid":"u2"}]}})";
  } else if (name == "linear") {
    sent.headers.emplace_back("Linear-Delivery", "d1");
    sent.body =
        R"({"action":"create","webhookTimestamp":)" + std::to_string(base::to_micros(at) / 1000) + "}";
  } else if (name == "ms_graph") {
    sent.body = R"({"value":[{"id":"n1","clientState":")" + secret + R"("},{"id":"n2","clientState":")" +
                secret + R"("}]})";
  } else if (name == "zoho_crm") {
    sent.body =
        R"({"token":")" + secret + R"(","channel_id":"c","operation":"update","ids":["1"],"server_time":5})";
  } else if (name == "query_token") {
    sent.url += "?code=user%3Athe+secret+of+" +
                std::string(secret.ends_with("else") ? "somebody+else" : "the+sender");
  } else if (name == "mailgun") {
    const std::string token = "tok1";
    const std::string mac =
        crypto::to_hex(crypto::hmac(crypto::Hash::sha256, secret, seconds_of(at) + token));
    sent.body = R"({"signature":{"timestamp":")" + seconds_of(at) + R"(","token":"tok1","signature":")" +
                mac + R"("},"event-data":{"id":"m1"}})";
  } else if (name == "adyen_payments") {
    const auto item = [&](const std::string& reference) {
      const std::string mac = hmac_base64(secret, reference + "::Shop:order-1:1000:EUR:AUTHORISATION:true");
      return R"({"NotificationRequestItem":{"pspReference":")" + reference +
             R"(","merchantAccountCode":"Shop","merchantReference":"order-1",)"
             R"("amount":{"value":1000,"currency":"EUR"},)"
             R"("eventCode":"AUTHORISATION","success":"true","additionalData":{"hmacSignature":")" +
             mac + R"("}}})";
    };
    sent.body = R"({"notificationItems":[)" + item("psp1") + "," + item("psp2") + "]}";
  } else if (name == "aws_sns") {
    const std::string text =
        "Message\nHi\nMessageId\nm-1\nTimestamp\n2026-11-22T16:48:00.000Z\nTopicArn\narn:"
        "t\nType\nNotification\n";
    const auto signature = sender.private_key->sign(PublicAlgorithm::rsa_sha256, text);
    sent.body = R"({"Type":"Notification","MessageId":"m-1","TopicArn":"arn:t","Message":"Hi",)"
                R"("Timestamp":"2026-11-22T16:48:00.000Z","SignatureVersion":"2","Signature":")" +
                crypto::to_base64(*signature) + R"("})";
  } else if (name == "salesforce") {
    sent.body =
        "<e:Envelope xmlns:e=\"s\"><e:Body><notifications xmlns=\"o\"><OrganizationId>" + secret +
        "</OrganizationId><Notification><Id>n1</Id></Notification></notifications></e:Body></e:Envelope>";
  } else if (name == "paypal_local") {
    sent.headers.emplace_back("paypal-transmission-id", "t-1");
  }
  return sent;
}

bool signs_by_itself(const std::string& name) {
  static const std::set<std::string> names = {"ms_graph", "zoho_crm",       "query_token", "salesforce",
                                              "mailgun",  "adyen_payments", "aws_sns"};
  return names.contains(name);
}

/// The request as the sender sends it at that time.
Sent send(const std::string& name, const Scheme& scheme, const Sender& sender, base::Time at) {
  Sent sent = make_request(name, sender, at);
  if (signs_by_itself(name)) return sent;
  const http::Request request = sent.request();
  const Message message(request, sent.url);
  const SchemeKey* const keys[] = {&sender.key};
  const auto headers =
      sign(scheme, keys, message,
           {.id = "msg_1", .at = at, .private_key = sender.private_key ? &*sender.private_key : nullptr});
  if (!headers) {
    ADD_FAILURE() << name << ": " << headers.error().message;
    return sent;
  }
  for (const auto& header : *headers) sent.headers.push_back(header);
  return sent;
}

Check verify_with(const Scheme& scheme, const Sender& sender, const Sent& sent, base::Time now = kNow) {
  const SchemeKey* const keys[] = {&sender.key};
  return verify(scheme, keys, sent, now);
}

/// Whether what is signed has to do with the body.
bool covers_body(const std::string& name, const Scheme& scheme) {
  return scheme.kind != Scheme::Kind::token && scheme.kind != Scheme::Kind::basic && name != "mailgun";
}

std::vector<std::string> signed_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) {
    if (preset.name != "unsigned") names.push_back(preset.name);
  }
  return names;
}

class EachPreset : public ::testing::TestWithParam<std::string> {
 protected:
  const Scheme scheme = scheme_of(GetParam());
  const Sender sender = make_sender(scheme, Who::sender);
};

INSTANTIATE_TEST_SUITE_P(Presets, EachPreset, ::testing::ValuesIn(signed_names()),
                         [](const auto& info) { return info.param; });

TEST_P(EachPreset, verifies_what_its_sender_signs) {
  const Sent sent = send(GetParam(), scheme, sender, kNow);
  const Check checked = verify_with(scheme, sender, sent);
  EXPECT_TRUE(checked.passed()) << name(checked.step) << ": " << checked.detail;
  EXPECT_EQ(checked.key, 0u);
}

TEST_P(EachPreset, names_each_event_of_a_request) {
  const Sent sent = send(GetParam(), scheme, sender, kNow);
  const auto ids = ids_of(scheme, sent);
  ASSERT_FALSE(ids.empty());
  if (scheme.id.empty() && !scheme.id_hash) return;
  const bool may_lack = !scheme.id_hash && scheme.id.front().in == Location::In::header;
  for (const std::string& id : ids) EXPECT_TRUE(!id.empty() || may_lack);
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), ids.size());
}

TEST_P(EachPreset, refuses_another_secret) {
  const Sent sent = send(GetParam(), scheme, make_sender(scheme, Who::other), kNow);
  const Check checked = verify_with(scheme, sender, sent);
  EXPECT_EQ(name(checked.step), "signature_differs") << checked.detail;
}

TEST_P(EachPreset, refuses_a_body_of_which_one_bit_was_changed) {
  if (!covers_body(GetParam(), scheme)) return;  // its signature does not cover the body
  Sent sent = send(GetParam(), scheme, sender, kNow);
  // A letter of a value, so that it stays JSON, or a form: what is refused is the change.
  const std::size_t at = sent.body.find_first_of("rAHe", sent.body.find_first_of(":=") + 1);
  ASSERT_NE(at, std::string::npos);
  sent.body[at] ^= 1;
  EXPECT_FALSE(verify_with(scheme, sender, sent).passed());
}

TEST_P(EachPreset, refuses_a_request_without_a_signature) {
  Sent sent = make_request(GetParam(), sender, kNow);
  if (signs_by_itself(GetParam())) sent = Sent{};
  const Check checked = verify_with(scheme, sender, sent);
  EXPECT_EQ(name(checked.step), "signature_missing") << checked.detail;
}

TEST_P(EachPreset, refuses_what_is_older_or_newer_than_it_tolerates) {
  if (!scheme.timestamp || scheme.timestamp->tolerance == 0s) return;  // it has no age
  const auto tolerance = scheme.timestamp->tolerance;
  for (const auto off : {-tolerance - 1s, tolerance + 1s}) {
    const Check checked = verify_with(scheme, sender, send(GetParam(), scheme, sender, kNow + off));
    EXPECT_EQ(name(checked.step), "timestamp_outside") << checked.detail;
  }
  for (const auto off : {-tolerance, tolerance}) {
    EXPECT_TRUE(verify_with(scheme, sender, send(GetParam(), scheme, sender, kNow + off)).passed());
  }
}

TEST_P(EachPreset, takes_any_of_the_secrets_during_a_rotation) {
  const Sender other = make_sender(scheme, Who::other);
  const SchemeKey* const keys[] = {&other.key, &sender.key};
  const Check checked = verify(scheme, keys, send(GetParam(), scheme, sender, kNow));
  EXPECT_TRUE(checked.passed()) << checked.detail;
  EXPECT_EQ(checked.key, 1u);
}

TEST_P(EachPreset, takes_hexadecimal_in_either_case) {
  if (scheme.encoding != Scheme::Encoding::hex || scheme.signature.front().in != Location::In::header ||
      scheme.kind == Scheme::Kind::token || scheme.kind == Scheme::Kind::jwt) {
    return;  // it has no hexadecimal
  }
  Sent sent = send(GetParam(), scheme, sender, kNow);
  std::string& value = sent.headers.back().second;
  const std::size_t begin = value.rfind('=') == std::string::npos ? 0 : value.rfind('=') + 1;
  for (std::size_t i = value.rfind('/', value.size()) == std::string::npos ? begin : value.rfind('/') + 1;
       i < value.size(); ++i) {
    value[i] = static_cast<char>(std::toupper(value[i]));
  }
  EXPECT_TRUE(verify_with(scheme, sender, sent).passed());
}

TEST(Presets, have_a_title_and_say_what_to_enter) {
  EXPECT_GE(presets().size(), 70u);
  for (const Preset& preset : presets()) {
    EXPECT_FALSE(preset.title.empty()) << preset.name;
    EXPECT_FALSE(preset.secret.empty()) << preset.name;
  }
}

TEST(Presets, name_what_is_missing_in_the_settings) {
  const auto scheme = preset_scheme("meta", {});
  ASSERT_FALSE(scheme);
  ASSERT_EQ(scheme.error().fields.size(), 1u);
  EXPECT_EQ(scheme.error().fields[0].code, "REQUIRED");
  EXPECT_EQ(preset_scheme("nobody", {}).error().code, base::Code::not_found);
}

}  // namespace

}  // namespace inbound
