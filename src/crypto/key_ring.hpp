// The keys that secrets are encrypted with at rest, from INTEGRATION_ENCRYPTION_KEY.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace crypto {

/// Several AES-256 keys with names; the first one encrypts, all decrypt. Immutable, thread-safe.
///
/// A sealed value is "v1." + key name + "." + base64(nonce 12 bytes | ciphertext | tag 16 bytes). The
/// additional data "v1|key name|place" binds it to where it is stored, so that a ciphertext moved to another
/// row does not open.
class KeyRing {
 public:
  /// "name:base64(32 bytes)[,name:…]"; names [A-Za-z0-9_-]{1,32}, each once. Error: invalid, saying how to
  /// make a key.
  static base::Result<KeyRing> parse(std::string_view text);

  /// A new entry for such a text, with a random key.
  static std::string generate_entry(std::string_view name);

  /// place names the stored field: "tenant|table|row|column".
  std::string seal(std::string_view plain, std::string_view place) const;
  /// Error: corrupt (changed, cut, or moved from another place) or invalid (key name unknown: it was removed
  /// too early).
  base::Result<base::Secret> open(std::string_view sealed, std::string_view place) const;

 private:
  struct Key {
    std::string name;
    base::Secret bytes;
  };
  std::vector<Key> keys_;
};

}  // namespace crypto
