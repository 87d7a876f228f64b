// Any bytes as the signature, the time, the id, the query and the body of a request, for every known sender:
// none passes that its sender has not signed, and nothing is thrown. No check here may compare with a secret:
// libFuzzer learns from what is compared, and would try it next.
#include <algorithm>
#include <array>

#include "base/assert.hpp"
#include "crypto/scheme.hpp"
#include "format/json.hpp"
#include "http/message.hpp"
#include "inbound/receive/fixture.hpp"

namespace {

using crypto::Location;
using crypto::PublicAlgorithm;
using crypto::Scheme;
using crypto::SchemeKey;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// An endpoint with a secret that stands nowhere in what comes.
struct Endpoint {
  Scheme scheme;
  SchemeKey key;
  std::string signed_body;  ///< the only body that its sender has ever signed; empty: it signs no bodies
  Headers signed_headers;
};

constexpr std::string_view kSecretBytes =
    "\x8f\x1b\x52\xc0\x77\xee\x03\x9a\x64\xd1\x2f\xb8\x45\xfa\x96\x0d"
    "\x31\xa9\x5e\xc3\x70\x18\xe4\x8c\x27\xbd\x06\xf3\x59\x92\x4e\xdb";

crypto::PrivateKey pair_for(const Scheme& scheme) {
  const bool of_token = !scheme.token_algorithms.empty();
  const bool by_pair = of_token || scheme.kind == Scheme::Kind::public_key;
  if (!by_pair) return inbound::private_key(inbound::kEdKey);
  switch (of_token ? scheme.token_algorithms.front()
                   : std::get<PublicAlgorithm>(scheme.algorithm.cases.back().second)) {
    case PublicAlgorithm::ed25519: return inbound::private_key(inbound::kEdKey);
    case PublicAlgorithm::rsa_sha1:
    case PublicAlgorithm::rsa_sha256: return inbound::private_key(inbound::kRsaKey);
    default: return inbound::private_key(inbound::kEcKey);
  }
}

std::string secret_for(const Scheme& scheme, const crypto::PrivateKey& pair) {
  using Encoding = Scheme::KeyRule::Encoding;
  const std::string spki = pair.public_spki();
  const std::string last = spki.substr(spki.size() - 32);
  switch (scheme.key.encoding) {
    case Encoding::base64: return scheme.key.strip + crypto::to_base64(kSecretBytes);
    case Encoding::hex: return crypto::to_hex(kSecretBytes);
    case Encoding::ed25519_hex: return crypto::to_hex(last);
    case Encoding::ed25519_base64: return scheme.key.strip + crypto::to_base64(last);
    case Encoding::spki_base64: return crypto::to_base64(spki);
    case Encoding::pem:
      return "-----BEGIN PUBLIC KEY-----\n" + crypto::to_base64(spki) + "\n-----END PUBLIC KEY-----\n";
    case Encoding::utf8: break;
  }
  return "user:" + crypto::to_base64url(kSecretBytes);
}

crypto::Check verify(const Endpoint& endpoint, const inbound::Sent& sent) {
  const SchemeKey* const keys[] = {&endpoint.key};
  return inbound::verify(endpoint.scheme, keys, sent);
}

/// Signs a body, unless that signature would fit other bodies as well.
void sign_one(Endpoint& endpoint, const crypto::PrivateKey& pair) {
  using enum Scheme::Kind;
  if (endpoint.scheme.kind != hmac && endpoint.scheme.kind != public_key) return;
  inbound::Sent sent;
  const http::Request request = sent.request();
  const inbound::Message message(request, sent.url);
  const SchemeKey* const keys[] = {&endpoint.key};
  const auto headers = crypto::sign(endpoint.scheme, keys, message,
                                    {.id = "msg_1", .at = inbound::kNow, .private_key = &pair});
  if (!headers) return;
  sent.headers = *headers;
  if (!verify(endpoint, sent).passed()) return;
  const std::string body = std::exchange(sent.body, sent.body + " ");
  if (verify(endpoint, sent).passed()) return;
  endpoint.signed_body = body;
  endpoint.signed_headers = *headers;
}

std::vector<Endpoint> make_endpoints() {
  std::vector<Endpoint> made;
  for (const inbound::Preset& preset : inbound::presets()) {
    inbound::SchemeConfig config;
    for (const std::string& setting : preset.config) config[setting] = "v";
    auto scheme = inbound::preset_scheme(preset.name, config);
    XD_ASSERT(scheme.has_value());
    const crypto::PrivateKey pair = pair_for(*scheme);
    auto key = scheme->key.source == Scheme::KeyRule::Source::certificate
                   ? SchemeKey(std::move(*crypto::PublicKey::from_spki(pair.public_spki())))
                   : std::move(*SchemeKey::make(*scheme, secret_for(*scheme, pair)));
    Endpoint& endpoint = made.emplace_back(std::move(*scheme), std::move(key));
    sign_one(endpoint, pair);
  }
  return made;
}

void put(inbound::Sent& sent, const Location& at, const std::string& value) {
  if (at.in != Location::In::header) return;
  std::string name = at.name;
  if (name.ends_with('*')) name.back() = '1';
  sent.headers.emplace_back(name, value);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Endpoint> endpoints = make_endpoints();
  if (size == 0) return 0;
  const Endpoint& endpoint = endpoints[(data[0] & 127) % endpoints.size()];
  const bool beside_a_real_one = data[0] >= 128;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::array<std::string, 4> lines;  // signature, time, id, query
  for (std::string& line : lines) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  inbound::Sent sent;
  if (!lines[3].empty()) sent.url += "?" + lines[3];
  sent.body = rest;
  if (!lines[0].empty()) {
    for (const Location& at : endpoint.scheme.signature) put(sent, at, lines[0]);
  }
  if (beside_a_real_one) {
    for (const auto& header : endpoint.signed_headers) sent.headers.push_back(header);
  }
  if (endpoint.scheme.timestamp && !lines[1].empty()) {
    for (const Location& at : endpoint.scheme.timestamp->at) put(sent, at, lines[1]);
  }
  for (const Location& at : endpoint.scheme.id) {
    if (!lines[2].empty()) put(sent, at, lines[2]);
  }

  const crypto::Check checked = verify(endpoint, sent);
  const bool is_signed = !endpoint.signed_body.empty() && sent.body == endpoint.signed_body;
  XD_ASSERT(!checked.passed() || is_signed || endpoint.scheme.kind == Scheme::Kind::none);
  XD_ASSERT(checked.passed() || !checked.detail.empty());
  (void)inbound::ids_of(endpoint.scheme, sent);
  return 0;
}
