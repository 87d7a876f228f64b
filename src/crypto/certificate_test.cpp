#include "crypto/certificate.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

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

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

/// Of several primes, because that is quick.
Key make_rsa(int bits, int primes) {
  EVP_PKEY* key = nullptr;
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  EVP_PKEY_keygen_init(context);
  EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits);
  EVP_PKEY_CTX_set_rsa_keygen_primes(context, primes);
  EVP_PKEY_keygen(context, &key);
  EVP_PKEY_CTX_free(context);
  return {key, &EVP_PKEY_free};
}

/// One that nobody has the private half of.
Key make_public_rsa(std::size_t bytes) {
  std::string modulus(bytes, '\xff');
  std::uint32_t exponent = 65537;
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_BN("n", reinterpret_cast<unsigned char*>(modulus.data()), modulus.size()),
      OSSL_PARAM_construct_uint32("e", &exponent), OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  EVP_PKEY_fromdata_init(context);
  EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(parameters));
  EVP_PKEY_CTX_free(context);
  return {key, &EVP_PKEY_free};
}

/// kGood with another key in it.
std::string certificate_of(EVP_PKEY* key) {
  const std::unique_ptr<X509, decltype(&X509_free)> copy(X509_dup(kGood.x509.get()), &X509_free);
  X509_set_pubkey(copy.get(), key);
  X509_sign(copy.get(), kGood.key.get(), EVP_sha256());
  return ::testing::to_pem(copy.get());
}

std::string pem_of(EVP_PKEY* key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

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

TEST(PrivateKey, is_refused_where_it_is_so_long_that_handshakes_take_long) {
  const Key longer = make_rsa(4104, 4);
  EXPECT_TRUE(
      why(check_private_key(certificate_of(longer.get()), pem_of(longer.get()))).contains("4104 bits"));
}

TEST(CertificateChain, is_refused_where_a_key_in_it_is_longer_than_8192_bits) {
  const std::string longest = certificate_of(make_public_rsa(1024).get());
  const std::string longer = certificate_of(make_public_rsa(1025).get());
  EXPECT_EQ(why(check_certificate_chain(kGood.pem + longest, kToday)), "");
  EXPECT_TRUE(why(check_certificate_chain(kGood.pem + longer, kToday)).contains("8200"));
  EXPECT_TRUE(why(check_authorities(kGood.pem + longer, kToday)).contains("8200"));
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
