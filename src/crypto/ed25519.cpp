#include "crypto/ed25519.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/assert.hpp"
#include "crypto/encoding.hpp"

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

bool is_weak_ed25519(std::string_view public_key) {
  // The y of the points whose order is 1, 2, 4 or 8, little-endian; the sign of x stands in the highest bit.
  static constexpr std::array kSmallOrder = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
  if (public_key.size() != kEd25519KeyBytes) return true;
  std::string y(public_key);
  y.back() = static_cast<char>(y.back() & 0x7f);
  if (std::ranges::find(kSmallOrder, to_hex(y)) != kSmallOrder.end()) return true;
  // Not below the field's prime, 2^255 - 19: the same point, written in another way.
  return static_cast<unsigned char>(y.front()) >= 0xed && y.back() == 0x7f &&
         std::ranges::all_of(y.substr(1, y.size() - 2), [](char c) { return c == '\xff'; });
}

bool verify_ed25519(std::string_view public_key, std::string_view message, std::string_view signature) {
  if (is_weak_ed25519(public_key) || signature.size() != kSignatureBytes) return false;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, in(public_key), public_key.size()),
      &EVP_PKEY_free);
  const Context context(EVP_MD_CTX_new());
  if (!key || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return false;
  return EVP_DigestVerify(context.get(), in(signature), signature.size(), in(message), message.size()) == 1;
}

}  // namespace crypto
