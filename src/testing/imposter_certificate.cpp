#include "testing/imposter_certificate.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/assert.hpp"

namespace testing {

namespace {

constexpr long kDay = 24L * 3600;

template <class Write>
std::string written(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  XD_ASSERT(write(bio.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

std::string to_pem(X509* certificate) {
  return written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

Certificate make_certificate(const std::string& alternative_name, bool expired) {
  Certificate certificate;
  certificate.key.reset(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  certificate.x509.reset(X509_new(), &X509_free);
  X509* x509 = certificate.x509.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -2 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(x509), expired ? -kDay : kDay);
  X509_NAME* name = X509_get_subject_name(x509);
  // Certificates of one name would be taken for each other where one of them is trusted.
  const auto* common_name = reinterpret_cast<const unsigned char*>(alternative_name.c_str());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
  X509_set_issuer_name(x509, name);
  X509_set_pubkey(x509, certificate.key.get());
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative_name.c_str());
  XD_ASSERT(extension != nullptr);
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
  XD_ASSERT(X509_sign(x509, certificate.key.get(), EVP_sha256()) > 0);
  certificate.pem = to_pem(x509);
  certificate.key_pem = written([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, certificate.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return certificate;
}

}  // namespace testing
