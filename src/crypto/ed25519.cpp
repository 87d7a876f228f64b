#include "crypto/ed25519.hpp"

#include <openssl/evp.h>

#include "base/assert.hpp"

namespace crypto {

namespace {

constexpr std::size_t kSignatureBytes = 64;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

const unsigned char* in(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

void Ed25519Key::Free::operator()(void* key) const { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }

std::optional<Ed25519Key> Ed25519Key::from_seed(std::string_view seed) {
  if (seed.size() != kEd25519KeyBytes) return std::nullopt;
  EVP_PKEY* key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, in(seed), seed.size());
  XD_ASSERT(key != nullptr);
  return Ed25519Key(key);
}

std::string Ed25519Key::sign(std::string_view message) const {
  const Context context(EVP_MD_CTX_new());
  auto* key = static_cast<EVP_PKEY*>(key_.get());
  XD_ASSERT(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1);
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  XD_ASSERT(EVP_DigestSign(context.get(), out, &size, in(message), message.size()) == 1);
  return signature;
}

std::string Ed25519Key::public_key() const {
  std::string bytes(kEd25519KeyBytes, '\0');
  std::size_t size = bytes.size();
  auto* out = reinterpret_cast<unsigned char*>(bytes.data());
  XD_ASSERT(EVP_PKEY_get_raw_public_key(static_cast<EVP_PKEY*>(key_.get()), out, &size) == 1);
  return bytes;
}

bool verify_ed25519(std::string_view public_key, std::string_view message, std::string_view signature) {
  if (public_key.size() != kEd25519KeyBytes || signature.size() != kSignatureBytes) return false;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, in(public_key), public_key.size()),
      &EVP_PKEY_free);
  const Context context(EVP_MD_CTX_new());
  if (!key || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return false;
  return EVP_DigestVerify(context.get(), in(signature), signature.size(), in(message), message.size()) == 1;
}

}  // namespace crypto
