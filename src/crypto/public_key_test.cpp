#include "crypto/public_key.hpp"

#include <gtest/gtest.h>

#include "crypto/encoding.hpp"

namespace crypto {

namespace {

// The key and the signature of RFC 7515 appendix A.3, and the modulus of its A.2.
constexpr std::string_view kEcX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr std::string_view kEcY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr std::string_view kEcSigned =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
    "Ijp0cnVlfQ";
constexpr std::string_view kEcSignature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
constexpr std::string_view kRsaN =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-"
    "SFd2"
    "lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
    "UTo7WTB"
    "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"
    "h9iaGNj8q2ethFkMLs91kz"
    "k2PAcDTW9gb54h4FRWyuXpoQ";
std::string bytes(std::string_view text) { return *from_base64url(text); }

TEST(PublicKey, of_a_point_on_p256_verifies_the_published_token) {
  const auto key = PublicKey::from_p256(bytes(kEcX), bytes(kEcY));
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_TRUE(key->fits(PublicAlgorithm::es256, kEcSigned, bytes(kEcSignature)));
  EXPECT_FALSE(key->fits(PublicAlgorithm::es256, std::string(kEcSigned) + "x", bytes(kEcSignature)));
  EXPECT_FALSE(key->fits(PublicAlgorithm::rsa_sha256, kEcSigned, bytes(kEcSignature)));
}

TEST(PublicKey, is_refused_where_its_numbers_are_none) {
  std::string x = bytes(kEcX);
  EXPECT_FALSE(PublicKey::from_p256(x, bytes(kEcX))) << "this point is not on the curve";
  EXPECT_FALSE(PublicKey::from_p256("", ""));
  EXPECT_FALSE(PublicKey::from_p256(x.substr(1), bytes(kEcY)));
  EXPECT_FALSE(PublicKey::from_p256(std::string(32, '\xff'), std::string(32, '\xff')));
  EXPECT_FALSE(PublicKey::from_rsa("", "x"));
  EXPECT_FALSE(PublicKey::from_rsa(std::string(2000, 'x'), bytes("AQAB")));
  const auto small = PublicKey::from_rsa(bytes(kRsaN).substr(128), bytes("AQAB"));
  EXPECT_FALSE(small && small->fits(PublicAlgorithm::rsa_sha256, "x", std::string(128, 'x')));
}

TEST(PublicKey, for_which_anybody_can_sign_is_none) {
  EXPECT_FALSE(PublicKey::from_rsa(bytes(kRsaN), "\x01")) << "what is signed is the signature";
  EXPECT_FALSE(PublicKey::from_rsa(bytes(kRsaN), "\x02"));
  EXPECT_TRUE(PublicKey::from_rsa(bytes(kRsaN), "\x03"));
  std::string neutral(32, '\0');
  neutral[0] = 1;
  EXPECT_FALSE(PublicKey::from_ed25519(neutral));
  const std::string spki = *from_hex("302a300506032b6570032100");  // RFC 8410 §4
  EXPECT_FALSE(PublicKey::from_spki(spki + neutral));
  EXPECT_FALSE(PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\n" + to_base64(spki + neutral) +
                                   "\n-----END PUBLIC KEY-----\n"));
}

TEST(PublicKey, suits_algorithms_of_its_kind) {
  const auto point = PublicKey::from_p256(bytes(kEcX), bytes(kEcY));
  EXPECT_TRUE(point->suits(PublicAlgorithm::es256));
  EXPECT_TRUE(point->suits(PublicAlgorithm::ecdsa_sha256));
  EXPECT_FALSE(point->suits(PublicAlgorithm::rsa_sha256));
  EXPECT_FALSE(point->suits(PublicAlgorithm::ed25519));
  const auto rsa = PublicKey::from_rsa(bytes(kRsaN), bytes("AQAB"));
  EXPECT_TRUE(rsa->suits(PublicAlgorithm::rsa_sha256));
  EXPECT_FALSE(rsa->suits(PublicAlgorithm::es256));
}

}  // namespace

}  // namespace crypto
