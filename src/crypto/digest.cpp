#include "crypto/digest.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <array>
#include <memory>

#include "base/assert.hpp"

namespace crypto {

namespace {

const char* name_of(Hash hash) {
  switch (hash) {
    case Hash::sha1: return "SHA1";
    case Hash::sha256: return "SHA256";
    case Hash::sha512: return "SHA512";
  }
  return "";
}

/// Fetched once: an implicit fetch at every use costs more than hashing a short text.
const EVP_MD* algorithm(Hash hash) {
  static const std::array<EVP_MD*, 3> fetched = {EVP_MD_fetch(nullptr, "SHA1", nullptr),
                                                 EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                 EVP_MD_fetch(nullptr, "SHA512", nullptr)};
  return fetched[static_cast<std::size_t>(hash)];
}

struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

MacContext make_hmac_context(Hash hash) {
  static EVP_MAC* const fetched = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  MacContext context(EVP_MAC_CTX_new(fetched));
  const std::array<OSSL_PARAM, 2> params = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(name_of(hash)), 0),
      OSSL_PARAM_construct_end()};
  XD_ASSERT(EVP_MAC_CTX_set_params(context.get(), params.data()) == 1);
  return context;
}

/// The thread's own, for whatever key comes next; until then it keeps the last one, which OpenSSL wipes.
EVP_MAC_CTX* hmac_context(Hash hash) {
  static thread_local const std::array<MacContext, 3> made = {
      make_hmac_context(Hash::sha1), make_hmac_context(Hash::sha256), make_hmac_context(Hash::sha512)};
  return made[static_cast<std::size_t>(hash)].get();
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string digest(Hash hash, std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned int length = 0;
  XD_ASSERT(EVP_Digest(data.data(), data.size(), out.data(), &length, algorithm(hash), nullptr) == 1);
  return {reinterpret_cast<const char*>(out.data()), length};
}

std::uint32_t crc32(std::string_view data) {
  static constexpr std::array<std::uint32_t, 256> kTable = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xEDB88320U ^ (value >> 1) : value >> 1;
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : data) crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

std::string HmacKey::sign(std::span<const std::string_view> pieces) const {
  EVP_MAC_CTX* context = hmac_context(hash_);
  // OpenSSL takes a null key for "keep the last one", so an empty key needs an address.
  const unsigned char none = 0;
  const std::string_view key = key_.reveal();
  XD_ASSERT(EVP_MAC_init(context, key.empty() ? &none : bytes(key), key.size(), nullptr) == 1);
  for (const std::string_view piece : pieces)
    XD_ASSERT(EVP_MAC_update(context, bytes(piece), piece.size()) == 1);
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  std::size_t length = 0;
  XD_ASSERT(EVP_MAC_final(context, out.data(), &length, out.size()) == 1);
  return {reinterpret_cast<const char*>(out.data()), length};
}

std::string hmac(Hash hash, std::string_view key, std::string_view data) {
  return HmacKey(hash, key).sign({data});
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  XD_ASSERT(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) == 1);
  return out;
}

}  // namespace crypto
