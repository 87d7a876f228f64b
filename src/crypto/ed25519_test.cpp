#include "crypto/ed25519.hpp"

#include <gtest/gtest.h>

#include "crypto/encoding.hpp"

namespace crypto {

namespace {

std::string bytes(std::string_view hex) { return from_hex(hex).value(); }

/// RFC 8032 §7.1, tests 1 to 3.
struct Vector {
  std::string seed;
  std::string public_key;
  std::string message;
  std::string signature;
};
const Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
     "d25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
     "4a7c15e9716ed28dc027beceea1ec40a"}};

TEST(Ed25519, signs_as_rfc_8032_does) {
  for (const Vector& vector : kVectors) {
    const auto key = Ed25519Key::from_seed(bytes(vector.seed));
    ASSERT_TRUE(key);
    EXPECT_EQ(to_hex(key->public_key()), vector.public_key);
    EXPECT_EQ(to_hex(key->sign(bytes(vector.message))), vector.signature);
  }
}

TEST(Ed25519, verifies_what_was_signed_and_nothing_else) {
  const Vector& vector = kVectors[2];
  const std::string key = bytes(vector.public_key);
  const std::string message = bytes(vector.message);
  const std::string signature = bytes(vector.signature);

  EXPECT_TRUE(verify_ed25519(key, message, signature));
  EXPECT_FALSE(verify_ed25519(key, message + "x", signature));
  EXPECT_FALSE(verify_ed25519(bytes(kVectors[1].public_key), message, signature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string changed = signature;
    changed[i] ^= 1;
    EXPECT_FALSE(verify_ed25519(key, message, changed)) << i;
  }
}

TEST(Ed25519, refuses_what_is_no_key_and_no_signature) {
  EXPECT_FALSE(Ed25519Key::from_seed(std::string(31, 'k')));
  EXPECT_FALSE(Ed25519Key::from_seed(std::string(33, 'k')));
  const std::string key = bytes(kVectors[0].public_key);
  EXPECT_FALSE(verify_ed25519(key.substr(1), "", bytes(kVectors[0].signature)));
  EXPECT_FALSE(verify_ed25519(key, "", bytes(kVectors[0].signature).substr(1)));
  EXPECT_FALSE(verify_ed25519(key, "", ""));
  EXPECT_FALSE(verify_ed25519(std::string(32, '\xff'), "", bytes(kVectors[0].signature)));
}

TEST(Ed25519, takes_no_key_of_small_order_or_in_another_form) {
  // For the neutral point, R = 0·B and S = 0 fit every text.
  const std::string neutral = bytes("0100000000000000000000000000000000000000000000000000000000000000");
  EXPECT_FALSE(verify_ed25519(neutral, "any text", neutral + std::string(32, '\0')));
  for (const char* weak : {"0000000000000000000000000000000000000000000000000000000000000000",
                           "0000000000000000000000000000000000000000000000000000000000000080",
                           "0100000000000000000000000000000000000000000000000000000000000000",
                           "0100000000000000000000000000000000000000000000000000000000000080",
                           "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                           "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                           "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                           "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
                           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", ""}) {
    EXPECT_TRUE(is_weak_ed25519(bytes(weak))) << weak;
  }
  for (const Vector& vector : kVectors) EXPECT_FALSE(is_weak_ed25519(bytes(vector.public_key)));
}

}  // namespace

}  // namespace crypto
