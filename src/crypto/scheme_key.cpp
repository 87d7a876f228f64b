#include <algorithm>

#include "base/text.hpp"
#include "crypto/encoding.hpp"
#include "crypto/scheme.hpp"

namespace crypto {

namespace {

using base::Code;
using base::fail;

base::Result<base::Secret> decode(const Scheme::KeyRule& rule, std::string_view text) {
  const auto decoded = [](std::optional<std::string> bytes, const char* form) -> base::Result<base::Secret> {
    if (!bytes) return fail(Code::invalid, std::string("the secret of this scheme must be ") + form);
    return base::Secret(std::move(*bytes));
  };
  switch (rule.encoding) {
    case Scheme::KeyRule::Encoding::base64:
    case Scheme::KeyRule::Encoding::spki_base64:
    case Scheme::KeyRule::Encoding::ed25519_base64: return decoded(from_base64(text), "base64");
    case Scheme::KeyRule::Encoding::hex:
    case Scheme::KeyRule::Encoding::ed25519_hex: return decoded(from_hex(text), "hexadecimal");
    case Scheme::KeyRule::Encoding::utf8:
    case Scheme::KeyRule::Encoding::pem: return base::Secret(std::string(text));
  }
  return base::Secret();
}

base::Result<PublicKey> public_key_of(Scheme::KeyRule::Encoding encoding, std::string_view bytes) {
  switch (encoding) {
    case Scheme::KeyRule::Encoding::ed25519_hex:
    case Scheme::KeyRule::Encoding::ed25519_base64: return PublicKey::from_ed25519(bytes);
    case Scheme::KeyRule::Encoding::spki_base64: return PublicKey::from_spki(bytes);
    default: return PublicKey::from_pem(bytes);
  }
}

/// Which hash the key is for, if it is for one.
std::optional<Hash> hash_of(const Scheme& scheme) {
  if (scheme.kind == Scheme::Kind::jwt)
    return scheme.token_hs256 ? std::optional(Hash::sha256) : std::nullopt;
  if (scheme.kind == Scheme::Kind::public_key || scheme.algorithm.cases.empty()) return std::nullopt;
  const auto* hash = std::get_if<Hash>(&scheme.algorithm.cases.front().second);
  return hash == nullptr ? std::nullopt : std::optional(*hash);
}

bool is_blank(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; });
}

/// Of a scheme whose tokens may be signed by both, the key says by which: nobody may sign with a public key.
bool is_by_key_pair(const Scheme& scheme, std::string_view secret) {
  using Encoding = Scheme::KeyRule::Encoding;
  if (scheme.kind != Scheme::Kind::jwt) return scheme.kind == Scheme::Kind::public_key;
  if (!scheme.token_hs256 || scheme.token_algorithms.empty()) return !scheme.token_hs256;
  const bool text = scheme.key.encoding == Encoding::utf8 || scheme.key.encoding == Encoding::base64 ||
                    scheme.key.encoding == Encoding::hex;
  return !text || is_public_text(secret);
}

}  // namespace

bool is_public_text(std::string_view secret) {
  const std::string_view text = base::trimmed(secret);
  return text.starts_with("-----BEGIN") && !text.contains("PRIVATE KEY-----");
}

base::Result<SchemeKey> SchemeKey::make(const Scheme& scheme, std::string_view secret) {
  if (is_blank(secret)) return fail(Code::invalid, "a secret must not be empty or blank");
  SchemeKey made;
  made.text_ = base::Secret(std::string(secret));
  const bool by_key_pair = is_by_key_pair(scheme, secret);
  const bool by_text = scheme.kind == Scheme::Kind::token || scheme.kind == Scheme::Kind::basic ||
                       scheme.kind == Scheme::Kind::digest;
  if (scheme.kind == Scheme::Kind::basic &&
      (secret.find(':') == std::string_view::npos || base::trimmed(secret) == ":")) {
    return fail(Code::invalid, "the secret of kind basic is user:password");
  }
  if (by_text || scheme.key.source == Scheme::KeyRule::Source::key_set) return made;
  std::string_view text = secret;
  if (!scheme.key.strip.empty() && text.starts_with(scheme.key.strip)) {
    text.remove_prefix(scheme.key.strip.size());
  }
  XD_TRY(base::Secret bytes, decode(scheme.key, text));
  if (is_blank(bytes.reveal()))
    return fail(Code::invalid, "the secret has nothing but its beginning: anybody could sign with it");
  if (by_key_pair) {
    XD_TRY(made.public_, public_key_of(scheme.key.encoding, bytes.reveal()));
    return made;
  }
  if (scheme.key.sha256) bytes = base::Secret(digest(Hash::sha256, bytes.reveal()));
  // Kind none has no use for it but in answers to handshakes, which are made with SHA-256 where nothing else
  // is said.
  made.hmac_.emplace(hash_of(scheme).value_or(Hash::sha256), bytes.reveal());
  return made;
}

}  // namespace crypto
