#include <gtest/gtest.h>

#include <thread>

#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/key_ring.hpp"
#include "crypto/standard_webhooks.hpp"

namespace crypto {

namespace {

TEST(Base64, follows_the_vectors_of_rfc_4648) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(to_base64(plain), encoded);
    EXPECT_EQ(from_base64(encoded), plain);
    EXPECT_EQ(from_base64url(to_base64url(plain)), plain);
  }
}

TEST(Base64, refuses_missing_padding_blanks_and_stray_bits) {
  for (const char* text : {"Zg", "Zg=", "Z g=", "Zh==", "Zm9=", "====", "Zm9v=", "Zm9v\n", "Zm-_"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

TEST(Hex, reads_either_case_and_refuses_the_rest) {
  EXPECT_EQ(to_hex(std::string("\x00\xff\x10", 3)), "00ff10");
  EXPECT_EQ(from_hex("00FF10"), std::string("\x00\xff\x10", 3));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Digest, follows_known_vectors) {
  EXPECT_EQ(to_hex(digest(Hash::sha256, "abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(digest(Hash::sha1, "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  // RFC 4231, test case 2.
  EXPECT_EQ(to_hex(hmac(Hash::sha256, "Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(HmacKey, signs_again_and_again_with_the_same_key) {
  const HmacKey key(Hash::sha256, "Jefe");
  const std::string first = key.sign({"what do ya want ", "for nothing?"});
  (void)key.sign({"something else"});
  EXPECT_EQ(key.sign({"what do ya want for nothing?"}), first);
  EXPECT_EQ(HmacKey(Hash::sha256, "").sign({"x"}), hmac(Hash::sha256, "", "x"));
}

TEST(HmacKey, keeps_to_its_own_key_among_others) {
  const HmacKey first(Hash::sha256, "first");
  const HmacKey second(Hash::sha256, std::string(200, 'k'));  // longer than a block
  const HmacKey third(Hash::sha512, "first");
  const HmacKey empty(Hash::sha256, "");
  const auto sign_all = [&] {
    std::vector<std::string> macs;
    for (const HmacKey* key : {&first, &empty, &second, &third, &first})
      macs.push_back(to_hex(key->sign({"x"})));
    return macs;
  };
  // Computed with Python's hmac module.
  const std::vector<std::string> expected = {
      "2c14667e79d0889fd7beb6959db01dcb3bd80fe43d5bce7ee726de4ab88e2ce5",
      "4cbc96099a6467ce002461f10549b4898265ebe6188b45efacc44293516e62c4",
      "a34abd1b081e75091b5f15447fb45ea6a1a7d624c190b880750d5d0f52ca715e",
      "03f6a540e00723b8481afbefcdda7f96c36083a138a1d59f9f3dd1e233e5e5fc"
      "34a54f5637463c8e5f544084b81baa63cef3bef7852fa754105ee2875e7ff841",
      "2c14667e79d0889fd7beb6959db01dcb3bd80fe43d5bce7ee726de4ab88e2ce5"};
  std::vector<std::string> elsewhere;
  std::thread([&] { elsewhere = sign_all(); }).join();
  EXPECT_EQ(sign_all(), expected);
  EXPECT_EQ(elsewhere, expected) << "a key is not bound to a thread";
}

// The vector of the specification's own JavaScript tests.
constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr const char* kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr const char* kTimestamp = "1614265330";
constexpr const char* kBody = R"({"test": 2432232314})";
constexpr const char* kSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
constexpr auto kThen = base::Time{std::chrono::seconds{1614265330}};

std::vector<WebhookSecret> secrets(std::initializer_list<std::string_view> texts) {
  std::vector<WebhookSecret> list;
  for (const std::string_view text : texts) list.push_back(*WebhookSecret::parse(text));
  return list;
}

TEST(StandardWebhooks, signs_as_the_specification_does) {
  EXPECT_EQ(WebhookSecret::parse(kSecret)->sign(kId, kTimestamp, kBody), kSignature);
}

TEST(StandardWebhooks, accepts_any_signature_that_fits_any_secret) {
  const std::string other(WebhookSecret::generate().reveal());
  const std::string both = "v1,AAAA v1a,zzzz " + std::string(kSignature);
  EXPECT_TRUE(verify_webhook(secrets({other, kSecret}), {kId, kTimestamp, both}, kBody, kThen));
}

TEST(StandardWebhooks, refuses_what_does_not_fit) {
  using namespace std::chrono_literals;
  const auto known = secrets({kSecret});
  const std::string tampered = std::string(kBody) + " ";
  EXPECT_FALSE(verify_webhook(known, {kId, kTimestamp, kSignature}, tampered, kThen));
  EXPECT_FALSE(verify_webhook(known, {"msg_2", kTimestamp, kSignature}, kBody, kThen));
  EXPECT_FALSE(verify_webhook(known, {kId, "1614265331", kSignature}, kBody, kThen));
  EXPECT_FALSE(verify_webhook(known, {kId, "16142x5330", kSignature}, kBody, kThen));
  EXPECT_FALSE(verify_webhook(known, {kId, kTimestamp, ""}, kBody, kThen));
  EXPECT_FALSE(verify_webhook(known, {kId, kTimestamp, "v1,"}, kBody, kThen));
  EXPECT_TRUE(verify_webhook(known, {kId, kTimestamp, kSignature}, kBody, kThen + 300s));
  EXPECT_FALSE(verify_webhook(known, {kId, kTimestamp, kSignature}, kBody, kThen + 301s));
  EXPECT_FALSE(verify_webhook(known, {kId, kTimestamp, kSignature}, kBody, kThen - 301s));
}

TEST(StandardWebhooks, looks_at_sixteen_signatures_at_most) {
  std::string many;
  for (int i = 0; i < 16; ++i) many += "v1,AAAA ";
  EXPECT_FALSE(verify_webhook(secrets({kSecret}), {kId, kTimestamp, many + kSignature}, kBody, kThen));
}

TEST(WebhookSecret, refuses_short_long_and_foreign_texts) {
  for (const std::string& text :
       {std::string("whsec_"), std::string("whsec_c2hvcnQ="), std::string("MfKQ9r8GKYqrTwjU"),
        "whsec_" + to_base64(std::string(65, 'x')), std::string("whsec_!!!!")}) {
    EXPECT_FALSE(WebhookSecret::parse(text)) << text;
  }
  EXPECT_TRUE(WebhookSecret::parse(WebhookSecret::generate().reveal()));
}

// The vector of another implementation's tests: key, public key and signature of the message above.
constexpr const char* kPrivate =
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
constexpr const char* kPublic = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
constexpr const char* kSignatureV1a =
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

std::vector<WebhookPublicKey> public_keys(std::initializer_list<std::string_view> texts) {
  std::vector<WebhookPublicKey> list;
  for (const std::string_view text : texts) list.push_back(*WebhookPublicKey::parse(text));
  return list;
}

TEST(StandardWebhooksV1a, signs_as_others_do) {
  const auto key = WebhookPrivateKey::parse(kPrivate);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->public_text(), kPublic);
  EXPECT_EQ(key->sign(kId, kTimestamp, kBody), kSignatureV1a);
}

TEST(StandardWebhooksV1a, takes_the_seed_alone_for_the_same_key) {
  const std::string bytes = from_base64(std::string_view(kPrivate).substr(5)).value();
  EXPECT_EQ(WebhookPrivateKey::parse("whsk_" + to_base64(bytes.substr(0, 32)))->public_text(), kPublic);
}

TEST(StandardWebhooksV1a, accepts_any_signature_that_fits_any_key) {
  const std::string other = WebhookPrivateKey::parse(WebhookPrivateKey::generate().reveal())->public_text();
  const std::string both = std::string(kSignature) + " v1a,AAAA " + kSignatureV1a;
  EXPECT_TRUE(verify_webhook(public_keys({other, kPublic}), {kId, kTimestamp, both}, kBody, kThen));
  EXPECT_FALSE(verify_webhook(public_keys({other}), {kId, kTimestamp, both}, kBody, kThen));
}

TEST(StandardWebhooksV1a, refuses_what_does_not_fit) {
  using namespace std::chrono_literals;
  const auto known = public_keys({kPublic});
  EXPECT_FALSE(verify_webhook(known, {kId, kTimestamp, kSignatureV1a}, std::string(kBody) + " ", kThen));
  EXPECT_FALSE(verify_webhook(known, {"msg_2", kTimestamp, kSignatureV1a}, kBody, kThen));
  EXPECT_FALSE(verify_webhook(known, {kId, "1614265331", kSignatureV1a}, kBody, kThen));
  EXPECT_FALSE(verify_webhook(known, {kId, kTimestamp, kSignature}, kBody, kThen));
  EXPECT_FALSE(verify_webhook(known, {kId, kTimestamp, "v1a,"}, kBody, kThen));
  EXPECT_FALSE(verify_webhook(known, {kId, kTimestamp, kSignatureV1a}, kBody, kThen + 301s));
}

TEST(WebhookPrivateKey, refuses_other_lengths_and_a_public_key_that_is_not_its_own) {
  std::string foreign = from_base64(std::string_view(kPrivate).substr(5)).value();
  foreign.back() ^= 1;
  for (const std::string& text : {std::string("whsk_"), "whsk_" + to_base64(std::string(31, 'k')),
                                  "whsk_" + to_base64(std::string(33, 'k')), "whsk_" + to_base64(foreign),
                                  "whsec_" + to_base64(std::string(32, 'k')), std::string("whsk_!!!!")}) {
    EXPECT_FALSE(WebhookPrivateKey::parse(text)) << text;
  }
  EXPECT_FALSE(WebhookPublicKey::parse(kPrivate));
  EXPECT_FALSE(WebhookPublicKey::parse("whpk_AAAA"));
}

TEST(KeyRing, opens_what_it_sealed_only_in_the_same_place) {
  const auto ring = KeyRing::parse(KeyRing::generate_entry("k1"));
  ASSERT_TRUE(ring);
  const std::string sealed = ring->seal("secret", "t|subscriptions|1|secret");
  EXPECT_EQ(ring->open(sealed, "t|subscriptions|1|secret")->reveal(), "secret");
  EXPECT_EQ(ring->open(sealed, "t|subscriptions|2|secret").error().code, base::Code::corrupt);
  EXPECT_NE(ring->seal("secret", "t|subscriptions|1|secret"), sealed);
}

TEST(KeyRing, notices_every_changed_byte_and_every_cut) {
  const auto ring = KeyRing::parse(KeyRing::generate_entry("k1"));
  const std::string sealed = ring->seal("secret", "place");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(ring->open(changed, "place")) << i;
    EXPECT_FALSE(ring->open(sealed.substr(0, i), "place")) << i;
  }
}

TEST(KeyRing, encrypts_with_the_first_key_and_opens_with_all) {
  const std::string old_entry = KeyRing::generate_entry("old");
  const std::string sealed = KeyRing::parse(old_entry)->seal("secret", "place");
  const auto rotated = KeyRing::parse(KeyRing::generate_entry("new") + "," + old_entry);
  ASSERT_TRUE(rotated);
  EXPECT_TRUE(rotated->seal("x", "place").starts_with("v1.new."));
  EXPECT_EQ(rotated->open(sealed, "place")->reveal(), "secret");
  EXPECT_EQ(KeyRing::parse(KeyRing::generate_entry("new"))->open(sealed, "place").error().code,
            base::Code::invalid);
}

TEST(KeyRing, refuses_malformed_texts) {
  for (const char* text :
       {"", "k1", "k1:", "k1:AAAA", ":AAAA", "k 1:AAAA", ",",
        "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}) {
    EXPECT_FALSE(KeyRing::parse(text)) << text;
  }
}

}  // namespace

}  // namespace crypto
