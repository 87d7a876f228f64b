#include "crypto/certificate.hpp"

#include <gtest/gtest.h>

#include "testing/imposter_certificate.hpp"

namespace crypto {

namespace {

using ::testing::Certificate;
using ::testing::make_certificate;
using namespace std::chrono_literals;

const base::Time kToday = base::SystemClock().now();
const Certificate kGood = make_certificate("DNS:client.test", false);
const Certificate kOther = make_certificate("DNS:other.test", false);
const Certificate kExpired = make_certificate("DNS:old.test", true);

std::string why(const base::Result<void>& result) { return result ? "" : result.error().message; }

TEST(CertificateChain, is_taken_where_its_first_certificate_is_valid_now) {
  EXPECT_EQ(why(check_certificate_chain(kGood.pem, kToday)), "");
  EXPECT_EQ(why(check_certificate_chain(kGood.pem + kExpired.pem, kToday)), "");
  EXPECT_EQ(why(check_certificate_chain("some words\n" + kGood.pem, kToday)), "");
}

TEST(CertificateChain, is_refused_out_of_its_time) {
  EXPECT_TRUE(why(check_certificate_chain(kExpired.pem, kToday)).contains("expired"));
  EXPECT_TRUE(why(check_certificate_chain(kGood.pem, kToday + 48h)).contains("expired"));
  EXPECT_TRUE(why(check_certificate_chain(kGood.pem, kToday - 72h)).contains("not valid yet"));
}

TEST(CertificateChain, is_refused_where_it_cannot_be_read) {
  const std::string garbled = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_TRUE(why(check_certificate_chain("", kToday)).contains("no certificate"));
  EXPECT_TRUE(why(check_certificate_chain("nonsense", kToday)).contains("no certificate"));
  EXPECT_TRUE(why(check_certificate_chain(kGood.key_pem, kToday)).contains("no certificate"));
  EXPECT_TRUE(why(check_certificate_chain(garbled, kToday)).contains("certificate 1 cannot be read"));
  EXPECT_TRUE(why(check_certificate_chain(kGood.pem + garbled, kToday)).contains("certificate 2"));
  EXPECT_FALSE(check_certificate_chain(kGood.pem.substr(0, 200), kToday));
}

TEST(PrivateKey, belongs_to_the_first_certificate) {
  EXPECT_EQ(why(check_private_key(kGood.pem + kOther.pem, kGood.key_pem)), "");
  EXPECT_TRUE(why(check_private_key(kGood.pem, kOther.key_pem)).contains("does not belong"));
}

TEST(PrivateKey, is_refused_where_it_cannot_be_read_or_is_locked) {
  // Made by: openssl pkey -aes256 -passout pass:x
  const std::string locked =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhh3Ar9OJR1vgICCAAw\n"
      "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEFBm8hMXP71+qqR3Nf3sgTUEQMgF\n"
      "CvC6w5C/+sTiMSG8/yaFElWA5k3ZCVEyW0TS7p3/BKw8iL5LFInSBZ7qDc2hVSmO\n"
      "+nrPY5O9eFvvv7E+UcU=\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  for (const std::string& text : {std::string(), std::string("nonsense"), kGood.pem, locked}) {
    EXPECT_TRUE(why(check_private_key(kGood.pem, text)).contains("no private key")) << text;
  }
}

TEST(Authorities, need_one_that_is_valid_now) {
  EXPECT_EQ(why(check_authorities(kExpired.pem + kGood.pem, kToday)), "");
  EXPECT_TRUE(why(check_authorities(kExpired.pem, kToday)).contains("valid now"));
  EXPECT_TRUE(why(check_authorities("", kToday)).contains("no certificate"));
}

TEST(Authorities, hold_no_private_key) {
  EXPECT_TRUE(why(check_authorities(kGood.pem + kGood.key_pem, kToday)).contains("private key"));
}

}  // namespace

}  // namespace crypto
