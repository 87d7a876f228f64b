#include "crypto/key_ring.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "base/assert.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"

namespace crypto {

namespace {

using base::Code;
using base::fail;
using base::Result;
using base::Secret;

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::string_view kFormat = "v1";

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* in(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* out(std::string& text, std::size_t at) {
  return reinterpret_cast<unsigned char*>(text.data()) + at;
}

std::string additional_data(std::string_view key_name, std::string_view place) {
  return std::string(kFormat) + "|" + std::string(key_name) + "|" + std::string(place);
}

bool is_key_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  });
}

/// nonce | ciphertext | tag
std::string encrypt(std::string_view key, std::string_view plain, std::string_view additional) {
  std::string sealed = random_bytes(kNonceBytes);
  sealed.resize(kNonceBytes + plain.size() + kTagBytes);
  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  XD_ASSERT(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, in(key), out(sealed, 0)) == 1);
  XD_ASSERT(EVP_EncryptUpdate(context.get(), nullptr, &length, in(additional),
                              static_cast<int>(additional.size())) == 1);
  XD_ASSERT(EVP_EncryptUpdate(context.get(), out(sealed, kNonceBytes), &length, in(plain),
                              static_cast<int>(plain.size())) == 1);
  XD_ASSERT(EVP_EncryptFinal_ex(context.get(), out(sealed, kNonceBytes + plain.size()), &length) == 1);
  XD_ASSERT(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                                out(sealed, kNonceBytes + plain.size())) == 1);
  return sealed;
}

/// Nothing when the tag does not fit.
std::optional<std::string> decrypt(std::string_view key, std::string_view sealed,
                                   std::string_view additional) {
  if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  const std::size_t size = sealed.size() - kNonceBytes - kTagBytes;
  std::string plain(size, '\0');
  std::string tag(sealed.substr(kNonceBytes + size));
  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  XD_ASSERT(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, in(key), in(sealed)) == 1);
  XD_ASSERT(EVP_DecryptUpdate(context.get(), nullptr, &length, in(additional),
                              static_cast<int>(additional.size())) == 1);
  XD_ASSERT(EVP_DecryptUpdate(context.get(), out(plain, 0), &length, in(sealed.substr(kNonceBytes)),
                              static_cast<int>(size)) == 1);
  XD_ASSERT(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1);
  unsigned char none = 0;
  if (EVP_DecryptFinal_ex(context.get(), &none, &length) != 1) {
    Secret::wipe(plain);
    return std::nullopt;
  }
  return plain;
}

}  // namespace

Result<KeyRing> KeyRing::parse(std::string_view text) {
  KeyRing ring;
  const auto refuse = [&](const std::string& why) {
    return fail(Code::invalid,
                "INTEGRATION_ENCRYPTION_KEY: " + why +
                    "; it is name:base64-of-32-bytes[,name:…], make one with: crossdock keys generate");
  };
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view entry = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t colon = entry.find(':');
    if (colon == std::string_view::npos) return refuse("an entry has no colon");
    const std::string_view name = entry.substr(0, colon);
    if (!is_key_name(name)) return refuse("a key name is not of [A-Za-z0-9_-]{1,32}");
    if (std::ranges::find(ring.keys_, name, &Key::name) != ring.keys_.end())
      return refuse(
          "the key name '" + std::string(name) +
          "' appears twice; make the new key with another name (keys generate --name k2), and put it "
          "first: k2:…,k1:…");
    auto bytes = from_base64(entry.substr(colon + 1));
    if (!bytes || bytes->size() != kKeyBytes)
      return refuse("key '" + std::string(name) + "' is not 32 bytes of base64");
    ring.keys_.push_back({std::string(name), Secret(std::move(*bytes))});
  }
  if (ring.keys_.empty()) return refuse("it is empty");
  return ring;
}

std::string KeyRing::generate_entry(std::string_view name) {
  return std::string(name) + ":" + to_base64(random_bytes(kKeyBytes));
}

std::string KeyRing::seal(std::string_view plain, std::string_view place) const {
  const Key& key = keys_.front();
  return std::string(kFormat) + "." + key.name + "." +
         to_base64(encrypt(key.bytes.reveal(), plain, additional_data(key.name, place)));
}

Result<Secret> KeyRing::open(std::string_view sealed, std::string_view place) const {
  const auto refuse = [&](const char* why) {
    return fail(Code::corrupt, "the encrypted value of " + std::string(place) + " " + why);
  };
  if (!sealed.starts_with("v1.")) return refuse("has an unknown format");
  const std::size_t dot = sealed.find('.', 3);
  if (dot == std::string_view::npos) return refuse("is cut short");
  const std::string_view name = sealed.substr(3, dot - 3);
  const auto key = std::ranges::find(keys_, name, &Key::name);
  if (key == keys_.end()) {
    return fail(Code::invalid, "INTEGRATION_ENCRYPTION_KEY has no key '" + std::string(name) +
                                   "', which stored secrets still use; add it back behind the new one");
  }
  const auto bytes = from_base64(sealed.substr(dot + 1));
  if (!bytes) return refuse("is not base64");
  auto plain = decrypt(key->bytes.reveal(), *bytes, additional_data(name, place));
  if (!plain) {
    return fail(Code::corrupt,
                "INTEGRATION_ENCRYPTION_KEY: its key '" + std::string(name) +
                    "' does not open the encrypted value of " + std::string(place) +
                    ", which was encrypted with another key of this name, or changed since; set the "
                    "key that the store was filled with");
  }
  return Secret(std::move(*plain));
}

}  // namespace crypto
