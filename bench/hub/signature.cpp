#include "hub/signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <stdexcept>

namespace bench {

namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::optional<std::string> key_of_secret(std::string_view secret) {
  constexpr std::string_view kPrefix = "whsec_";
  if (!secret.starts_with(kPrefix)) return std::nullopt;
  const std::string_view text = secret.substr(kPrefix.size());
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string key(text.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key.data()), bytes_of(text),
                                     static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  // EVP_DecodeBlock counts the padding as zero bytes.
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  key.resize(static_cast<std::size_t>(length) - padding);
  return key;
}

Mac hmac_sha256(std::string_view key, std::string_view content) {
  Mac mac{};
  unsigned int mac_bytes = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(content), content.size(),
           mac.data(), &mac_bytes) == nullptr) {
    throw std::runtime_error("OpenSSL refused to compute an HMAC");
  }
  return mac;
}

std::string sign_webhook(std::string_view key, std::string_view id, std::string_view timestamp,
                         std::string_view body) {
  std::string content;
  content.reserve(id.size() + timestamp.size() + body.size() + 2);
  content.append(id).append(".").append(timestamp).append(".").append(body);
  const Mac mac = hmac_sha256(key, content);
  return to_base64({reinterpret_cast<const char*>(mac.data()), mac.size()});
}

bool is_signed(std::string_view header, std::string_view key, std::string_view id, std::string_view timestamp,
               std::string_view body) {
  if (id.empty() || timestamp.empty()) return false;
  const std::string wanted = "v1," + sign_webhook(key, id, timestamp, body);
  while (!header.empty()) {
    const std::size_t space = std::min(header.find(' '), header.size());
    if (header.substr(0, space) == wanted) return true;
    header.remove_prefix(std::min(space + 1, header.size()));
  }
  return false;
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
    throw std::runtime_error("OpenSSL has no random bytes");
  }
  return bytes;
}

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock writes a zero behind the text
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes_of(bytes),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace bench
