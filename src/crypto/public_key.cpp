#include "crypto/public_key.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/assert.hpp"
#include "crypto/ed25519.hpp"

namespace crypto {

namespace {

using base::Code;
using base::fail;

constexpr int kRsaBitsMin = 2048;
constexpr std::size_t kTokenNumberBytes = 32;

template <auto Function>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Context = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Bio reading(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int refuse_password(char*, int, int, void*) { return -1; }

int kind_of(PublicAlgorithm algorithm) {
  switch (algorithm) {
    case PublicAlgorithm::ed25519: return EVP_PKEY_ED25519;
    case PublicAlgorithm::ecdsa_sha256:
    case PublicAlgorithm::es256: return EVP_PKEY_EC;
    case PublicAlgorithm::rsa_sha1:
    case PublicAlgorithm::rsa_sha256: return EVP_PKEY_RSA;
  }
  return EVP_PKEY_NONE;
}

const EVP_MD* hash_of(PublicAlgorithm algorithm) {
  if (algorithm == PublicAlgorithm::ed25519) return nullptr;
  return algorithm == PublicAlgorithm::rsa_sha1 ? EVP_sha1() : EVP_sha256();
}

bool is_of_kind(EVP_PKEY* key, PublicAlgorithm algorithm) {
  if (EVP_PKEY_get_base_id(key) != kind_of(algorithm)) return false;
  return kind_of(algorithm) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) >= kRsaBitsMin;
}

/// Whether texts that nobody has signed fit the key.
bool is_weak(EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
    std::string raw(kEd25519KeyBytes, '\0');
    std::size_t size = raw.size();
    auto* out = reinterpret_cast<unsigned char*>(raw.data());
    return EVP_PKEY_get_raw_public_key(key, out, &size) != 1 || is_weak_ed25519(raw);
  }
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return false;
  BIGNUM* read = nullptr;
  const bool known = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &read) == 1;
  const Number exponent(read);
  return !known || BN_is_odd(exponent.get()) == 0 || BN_is_one(exponent.get()) == 1;
}

/// A public key of OpenSSL's named kind from its parameters; null where they make none.
EVP_PKEY* key_from(const char* kind, OSSL_PARAM_BLD& builder) {
  const std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>> parameters(OSSL_PARAM_BLD_to_param(&builder));
  const std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>> context(
      EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  const bool made = parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1;
  ERR_clear_error();
  return made ? key : nullptr;
}

/// r and s one after the other → DER; empty where that is none.
std::string to_der(std::string_view signature) {
  if (signature.size() != 2 * kTokenNumberBytes) return {};
  const EcdsaSignature parts(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes(signature), kTokenNumberBytes, nullptr);
  BIGNUM* s = BN_bin2bn(bytes(signature.substr(kTokenNumberBytes)), kTokenNumberBytes, nullptr);
  XD_ASSERT(ECDSA_SIG_set0(parts.get(), r, s) == 1);
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(parts.get(), &der);
  std::string out(reinterpret_cast<const char*>(der), size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(der);
  return out;
}

std::string from_der(std::string_view der) {
  const unsigned char* at = bytes(der);
  const EcdsaSignature parts(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  XD_ASSERT(parts != nullptr);
  std::string out(2 * kTokenNumberBytes, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  XD_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), to, kTokenNumberBytes) > 0);
  XD_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), to + kTokenNumberBytes, kTokenNumberBytes) > 0);
  return out;
}

}  // namespace

void PublicKey::Free::operator()(void* key) const { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }
void PrivateKey::Free::operator()(void* key) const { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }

base::Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  EVP_PKEY* key = PEM_read_bio_PUBKEY(reading(pem).get(), nullptr, refuse_password, nullptr);
  if (key == nullptr) {
    const Certificate certificate(PEM_read_bio_X509(reading(pem).get(), nullptr, refuse_password, nullptr));
    if (certificate) key = X509_get_pubkey(certificate.get());
  }
  return trusted(key, "this is no public key and no certificate in PEM");
}

base::Result<PublicKey> PublicKey::from_spki(std::string_view der) {
  const unsigned char* at = bytes(der);
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()));
  if (key != nullptr && at != bytes(der) + der.size()) {
    EVP_PKEY_free(key);
    key = nullptr;
  }
  return trusted(key, "this is no public key (SubjectPublicKeyInfo)");
}

base::Result<PublicKey> PublicKey::from_ed25519(std::string_view raw) {
  EVP_PKEY* key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(raw), raw.size());
  return trusted(key, "an Ed25519 public key has 32 bytes");
}

base::Result<PublicKey> PublicKey::from_certificate(std::string_view pem, base::Time now) {
  const Certificate certificate(PEM_read_bio_X509(reading(pem).get(), nullptr, refuse_password, nullptr));
  ERR_clear_error();
  if (!certificate) return fail(Code::invalid, "this is no certificate in PEM");
  std::time_t moment = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (X509_cmp_time(X509_get0_notBefore(certificate.get()), &moment) > 0 ||
      X509_cmp_time(X509_get0_notAfter(certificate.get()), &moment) < 0) {
    return fail(Code::invalid, "the certificate does not count at this time");
  }
  return trusted(X509_get_pubkey(certificate.get()), "the certificate has no key that can be used");
}

base::Result<PublicKey> PublicKey::from_p256(std::string_view x, std::string_view y) {
  std::string point = "\x04";  // not compressed
  point.append(x).append(y);
  const std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  EVP_PKEY* key =
      x.size() == kTokenNumberBytes && y.size() == kTokenNumberBytes ? key_from("EC", *builder) : nullptr;
  return trusted(key, "these are not the coordinates of a point on P-256");
}

base::Result<PublicKey> PublicKey::from_rsa(std::string_view n, std::string_view e) {
  constexpr std::size_t kBytesMax = 1024;
  if (n.empty() || e.empty() || n.size() > kBytesMax || e.size() > kBytesMax)
    return fail(Code::invalid, "these are not the numbers of an RSA key");
  const Number modulus(BN_bin2bn(bytes(n), static_cast<int>(n.size()), nullptr));
  const Number exponent(BN_bin2bn(bytes(e), static_cast<int>(e.size()), nullptr));
  const std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return trusted(key_from("RSA", *builder), "these are not the numbers of an RSA key");
}

base::Result<PublicKey> PublicKey::trusted(void* key, const char* none_said) {
  PublicKey made(key);
  const bool weak = key != nullptr && is_weak(static_cast<EVP_PKEY*>(key));
  ERR_clear_error();
  if (key == nullptr) return fail(Code::invalid, none_said);
  if (weak) return fail(Code::invalid, "anybody can sign for this key: it is none that a sender has made");
  return made;
}

bool PublicKey::suits(PublicAlgorithm algorithm) const {
  return is_of_kind(static_cast<EVP_PKEY*>(key_.get()), algorithm);
}

bool PublicKey::fits(PublicAlgorithm algorithm, std::string_view message, std::string_view signature) const {
  auto* key = static_cast<EVP_PKEY*>(key_.get());
  if (!is_of_kind(key, algorithm)) return false;
  std::string der;
  if (algorithm == PublicAlgorithm::es256) {
    der = to_der(signature);
    if (der.empty()) return false;
    signature = der;
  }
  const Context context(EVP_MD_CTX_new());
  const bool fits = EVP_DigestVerifyInit(context.get(), nullptr, hash_of(algorithm), nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                                     message.size()) == 1;
  ERR_clear_error();
  return fits;
}

base::Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  EVP_PKEY* key = PEM_read_bio_PrivateKey(reading(pem).get(), nullptr, refuse_password, nullptr);
  ERR_clear_error();
  if (key == nullptr) return fail(Code::invalid, "this is no private key in PEM without a password");
  return PrivateKey(key);
}

base::Result<std::string> PrivateKey::sign(PublicAlgorithm algorithm, std::string_view message) const {
  auto* key = static_cast<EVP_PKEY*>(key_.get());
  if (!is_of_kind(key, algorithm))
    return fail(Code::invalid, "the key is of another kind than the algorithm");
  const Context context(EVP_MD_CTX_new());
  std::size_t size = 0;
  XD_ASSERT(EVP_DigestSignInit(context.get(), nullptr, hash_of(algorithm), nullptr, key) == 1);
  XD_ASSERT(EVP_DigestSign(context.get(), nullptr, &size, bytes(message), message.size()) == 1);
  std::string signature(size, '\0');
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  XD_ASSERT(EVP_DigestSign(context.get(), out, &size, bytes(message), message.size()) == 1);
  signature.resize(size);
  return algorithm == PublicAlgorithm::es256 ? from_der(signature) : signature;
}

std::string PrivateKey::public_spki() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(static_cast<EVP_PKEY*>(key_.get()), &der);
  XD_ASSERT(size > 0);
  std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace crypto
