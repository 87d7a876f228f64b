#include "hub/signature.hpp"

#include <gtest/gtest.h>

namespace bench {

namespace {

// The example of the Standard Webhooks libraries.
constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::string_view kTimestamp = "1614265330";
constexpr std::string_view kBody = R"({"test": 2432232314})";
constexpr std::string_view kSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

TEST(Signature, is_the_one_of_the_standard) {
  EXPECT_TRUE(is_signed(kSignature, *key_of_secret(kSecret), kId, kTimestamp, kBody));
}

TEST(Signature, is_found_among_several) {
  const std::string header = "v1,AAAA v1a,BBBB " + std::string(kSignature);
  EXPECT_TRUE(is_signed(header, *key_of_secret(kSecret), kId, kTimestamp, kBody));
}

TEST(Signature, does_not_hold_for_anything_else) {
  const std::string key = *key_of_secret(kSecret);
  EXPECT_FALSE(is_signed(kSignature, key, kId, kTimestamp, R"({"test": 2432232315})"));
  EXPECT_FALSE(is_signed(kSignature, key, kId, "1614265331", kBody));
  EXPECT_FALSE(is_signed(kSignature, key, "msg_other", kTimestamp, kBody));
  EXPECT_FALSE(is_signed(kSignature, "another key", kId, kTimestamp, kBody));
  EXPECT_FALSE(is_signed(kSignature.substr(3), key, kId, kTimestamp, kBody));
  EXPECT_FALSE(is_signed("", key, kId, kTimestamp, kBody));
}

TEST(Signature, needs_an_id_and_a_time) {
  const std::string key = "key";
  EXPECT_FALSE(is_signed("v1," + sign_webhook(key, "", "1", "x"), key, "", "1", "x"));
  EXPECT_FALSE(is_signed("v1," + sign_webhook(key, "a", "", "x"), key, "a", "", "x"));
}

TEST(Secret, is_read_with_every_padding) {
  for (const std::string_view key : {"a", "ab", "abc", "abcd"}) {
    EXPECT_EQ(key_of_secret("whsec_" + to_base64(key)), key);
  }
}

TEST(Secret, is_not_read_from_anything_else) {
  for (const std::string_view text : {"", "whsec_", "whsec_abc", "whsec_ab!=", "YWJj"}) {
    EXPECT_FALSE(key_of_secret(text)) << text;
  }
}

}  // namespace

}  // namespace bench
