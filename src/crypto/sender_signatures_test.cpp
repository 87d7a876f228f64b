#include "crypto/sender_signatures.hpp"

#include <gtest/gtest.h>

#include "crypto/encoding.hpp"

namespace crypto {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kBody = R"({"id":"evt_1"})";
constexpr auto kThen = base::Time{std::chrono::seconds{1614265330}};

HmacKey sha256(std::string_view secret) { return {Hash::sha256, secret}; }

std::string with_a_flipped_bit(std::string text, std::size_t at) {
  text[at] ^= 1;
  return text;
}

// GitHub, "Validating webhook deliveries": the example of its documentation.
TEST(GithubSignature, is_that_of_the_published_example) {
  const HmacKey key = sha256("It's a Secret to Everybody");
  constexpr std::string_view kSignature =
      "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

  EXPECT_EQ(sign_github(key, "Hello, World!"), kSignature);
  EXPECT_TRUE(verify_github(key, kSignature, "Hello, World!"));
}

TEST(GithubSignature, refuses_what_does_not_fit) {
  const HmacKey key = sha256("0123456789abcdef");
  const std::string good = sign_github(key, kBody);
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(verify_github(key, with_a_flipped_bit(good, i), kBody)) << i;
  }
  for (std::size_t i = 0; i < kBody.size(); ++i) {
    EXPECT_FALSE(verify_github(key, good, with_a_flipped_bit(std::string(kBody), i))) << i;
  }
  EXPECT_FALSE(verify_github(sha256("0123456789abcdeg"), good, kBody));
  EXPECT_FALSE(verify_github(key, good.substr(7), kBody));
  EXPECT_FALSE(verify_github(key, "sha256=", kBody));
  EXPECT_FALSE(verify_github(key, "", kBody));
}

TEST(StripeSignature, holds_the_time_and_one_code_for_each_key) {
  const HmacKey fresh = sha256("whsec_fresh_fresh_fresh");
  const HmacKey old = sha256("whsec_old_old_old_old");
  const HmacKey* const both[] = {&fresh, &old};

  EXPECT_EQ(
      sign_stripe(both, "1614265330", kBody),
      "t=1614265330,v1=" +
          to_hex(hmac(Hash::sha256, "whsec_fresh_fresh_fresh", "1614265330." + std::string(kBody))) +
          ",v1=" + to_hex(hmac(Hash::sha256, "whsec_old_old_old_old", "1614265330." + std::string(kBody))));
}

TEST(StripeSignature, fits_any_of_the_keys_within_the_tolerance) {
  const HmacKey fresh = sha256("whsec_fresh_fresh_fresh");
  const HmacKey old = sha256("whsec_old_old_old_old");
  const HmacKey* const both[] = {&fresh, &old};
  const std::string value = sign_stripe(both, "1614265330", kBody);

  for (const HmacKey* key : both) {
    EXPECT_TRUE(verify_stripe(std::span(&key, 1), value, kBody, kThen + 300s));
    EXPECT_FALSE(verify_stripe(std::span(&key, 1), value, kBody, kThen + 301s));
    EXPECT_FALSE(verify_stripe(std::span(&key, 1), value, kBody, kThen - 301s));
  }
}

TEST(StripeSignature, refuses_what_does_not_fit) {
  const HmacKey key = sha256("whsec_fresh_fresh_fresh");
  const HmacKey* const keys[] = {&key};
  const std::string good = sign_stripe(keys, "1614265330", kBody);
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(verify_stripe(keys, with_a_flipped_bit(good, i), kBody, kThen)) << i;
  }
  EXPECT_FALSE(verify_stripe(keys, good, std::string(kBody) + " ", kThen));
  EXPECT_FALSE(verify_stripe(keys, good.substr(good.find(',') + 1), kBody, kThen)) << "without a time";
  EXPECT_FALSE(verify_stripe(keys, "t=1614265330", kBody, kThen));
  EXPECT_FALSE(verify_stripe({}, good, kBody, kThen));
  std::string many = "t=1614265330";
  for (int i = 0; i < 16; ++i) many += ",v1=00";
  EXPECT_FALSE(verify_stripe(keys, many + good.substr(good.find(',')), kBody, kThen));
}

HmacHeader make_header(std::string_view content) {
  HmacHeader header;
  header.content = SignedContent::parse(content).value();
  return header;
}

constexpr SignedContent::Message kMessage{.id = "msg_1", .timestamp = "1614265330", .body = kBody};

TEST(HmacHeader, signs_its_content) {
  const HmacKey key = sha256("0123456789abcdef");
  for (const auto& [content, filled] : {std::pair<std::string, std::string>("{body}", kBody),
                                        {"v0:{timestamp}:{body}", "v0:1614265330:" + std::string(kBody)},
                                        {"{id}{timestamp}{body}", "msg_11614265330" + std::string(kBody)},
                                        {"{body}|{id}|end", std::string(kBody) + "|msg_1|end"}}) {
    EXPECT_EQ(make_header(content).value(key, kMessage),
              to_hex(hmac(Hash::sha256, "0123456789abcdef", filled)))
        << content;
  }
}

TEST(HmacHeader, has_an_algorithm_an_encoding_and_a_prefix) {
  HmacHeader header = make_header("{body}");
  header.algorithm = Hash::sha512;
  header.encoding = HmacHeader::Encoding::base64;
  header.prefix = "v2=";
  const HmacKey key(Hash::sha512, "0123456789abcdef");

  const std::string value = header.value(key, kMessage);

  EXPECT_EQ(value, "v2=" + to_base64(hmac(Hash::sha512, "0123456789abcdef", kBody)));
  EXPECT_TRUE(header.verify(key, value, kMessage));
}

// Motive's published example.
TEST(HmacHeader, makes_motives_example) {
  HmacHeader header = make_header("{body}");
  header.algorithm = Hash::sha1;
  const HmacKey key(Hash::sha1, "d9d36bea41c44ae49d1bfc4a48ba2abe");

  EXPECT_EQ(header.value(key, {.id = "", .timestamp = "", .body = R"(["fault_code_closed"])"}),
            "f04a8386a21a6cba0447024e83b3f0983352bb72");
}

TEST(HmacHeader, refuses_what_does_not_fit) {
  HmacHeader header = make_header("{id}.{timestamp}.{body}");
  header.prefix = "v1=";
  const HmacKey key = sha256("0123456789abcdef");
  const std::string good = header.value(key, kMessage);
  ASSERT_TRUE(header.verify(key, good, kMessage));

  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(header.verify(key, with_a_flipped_bit(good, i), kMessage)) << i;
  }
  EXPECT_FALSE(header.verify(key, good, {.id = "msg_2", .timestamp = "1614265330", .body = kBody}));
  EXPECT_FALSE(header.verify(key, good, {.id = "msg_1", .timestamp = "1614265331", .body = kBody}));
  EXPECT_FALSE(header.verify(key, good, {.id = "msg_1", .timestamp = "1614265330", .body = "{}"}));
  EXPECT_FALSE(header.verify(sha256("another key of ours"), good, kMessage));
  EXPECT_FALSE(header.verify(key, "", kMessage));
}

TEST(SignedContent, refuses_other_braces_and_what_leaves_the_body_out) {
  for (const std::string& text :
       {std::string(), std::string("{id}"), std::string("{body}{body}"), std::string("{id}{id}{body}"),
        std::string("{body"), std::string("body}"), std::string("{url}{body}"), std::string("{{body}}"),
        std::string("{body}") + std::string(195, 'x')}) {
    EXPECT_FALSE(SignedContent::parse(text)) << text;
  }
}

}  // namespace

}  // namespace crypto
