#include "crypto/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace crypto {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::size_t kCertificatesMax = 200;
// What handshakes compute with it grows with the third power of its length, and others wait meanwhile.
constexpr int kPrivateKeyBitsMax = 4096;
constexpr int kCertificateBitsMax = 8192;

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Source = std::unique_ptr<BIO, decltype(&BIO_free)>;

Source open(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

/// Without one OpenSSL would ask for a passphrase at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<std::vector<Certificate>> read(std::string_view pem) {
  std::vector<Certificate> certificates;
  const Source source = open(pem);
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(source.get(), nullptr, &no_passphrase, nullptr)) {
    certificates.emplace_back(certificate, &X509_free);
    if (certificates.size() > kCertificatesMax) return fail(Code::invalid, "at most 200 certificates");
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) {
    return fail(Code::invalid, "certificate " + std::to_string(certificates.size() + 1) + " cannot be read");
  }
  if (certificates.empty())
    return fail(Code::invalid, "there is no certificate in it; PEM begins with -----BEGIN CERTIFICATE-----");
  for (const Certificate& certificate : certificates) {
    const EVP_PKEY* key = X509_get0_pubkey(certificate.get());
    if (key == nullptr || EVP_PKEY_get_bits(key) <= kCertificateBitsMax) continue;
    return fail(Code::invalid, "a key of a certificate may have at most 8192 bits, and one has " +
                                   std::to_string(EVP_PKEY_get_bits(key)) + "; take a shorter one");
  }
  return certificates;
}

/// What is wrong with its time; "" for nothing.
std::string_view untimely(const X509& certificate, base::Time now) {
  std::time_t moment = std::chrono::system_clock::to_time_t(now);
  if (X509_cmp_time(X509_get0_notAfter(&certificate), &moment) <= 0) return "has expired";
  if (X509_cmp_time(X509_get0_notBefore(&certificate), &moment) > 0) return "is not valid yet";
  return {};
}

}  // namespace

Result<void> check_certificate_chain(std::string_view pem, base::Time now) {
  XD_TRY(const auto certificates, read(pem));
  const std::string_view wrong = untimely(*certificates.front(), now);
  if (!wrong.empty()) return fail(Code::invalid, "the certificate " + std::string(wrong));
  return {};
}

Result<void> check_private_key(std::string_view certificate_pem, std::string_view key_pem) {
  XD_TRY(const auto certificates, read(certificate_pem));
  const Source source = open(key_pem);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(source.get(), nullptr, &no_passphrase, nullptr), &EVP_PKEY_free);
  if (key && EVP_PKEY_get_bits(key.get()) > kPrivateKeyBitsMax) {
    return fail(Code::invalid, "the key has " + std::to_string(EVP_PKEY_get_bits(key.get())) +
                                   " bits, and each handshake would take long; at most 4096 bits");
  }
  const bool fits = key && X509_check_private_key(certificates.front().get(), key.get()) == 1;
  ERR_clear_error();
  if (!key) return fail(Code::invalid, "this is no private key in PEM, or it is locked by a passphrase");
  if (!fits) return fail(Code::invalid, "this key does not belong to the certificate");
  return {};
}

Result<void> check_authorities(std::string_view pem, base::Time now) {
  if (pem.contains("PRIVATE KEY-----"))
    return fail(Code::invalid,
                "there is a private key in it, and this member is shown; send certificates only");
  XD_TRY(const auto certificates, read(pem));
  const bool any = std::ranges::any_of(
      certificates, [now](const Certificate& certificate) { return untimely(*certificate, now).empty(); });
  if (!any) return fail(Code::invalid, "no certificate in it is valid now");
  return {};
}

}  // namespace crypto
