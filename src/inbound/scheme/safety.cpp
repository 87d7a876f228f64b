#include "inbound/scheme/safety.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "http/message.hpp"

namespace inbound {

namespace {

using crypto::PublicAlgorithm;
using crypto::Scheme;
using Encoding = Scheme::KeyRule::Encoding;
using Kind = Scheme::Kind;
using Source = Scheme::KeyRule::Source;

constexpr std::array<std::string_view, 3> kAnswered = {"cache-control", "content-language", "retry-after"};
/// nginx, Apache, lighttpd, LiteSpeed and Perlbal send what such a header names instead of the answer.
constexpr std::array<std::string_view, 5> kOfProxies = {"x-accel-", "x-sendfile", "x-lighttpd-",
                                                        "x-litespeed-", "x-reproxy-"};

bool is_public(Encoding encoding) {
  return encoding == Encoding::pem || encoding == Encoding::spki_base64 ||
         encoding == Encoding::ed25519_hex || encoding == Encoding::ed25519_base64;
}

bool is_ed25519(Encoding encoding) {
  return encoding == Encoding::ed25519_hex || encoding == Encoding::ed25519_base64;
}

/// Those by which a key pair may have signed.
std::vector<PublicAlgorithm> pairs_of(const Scheme& scheme) {
  if (scheme.kind == Kind::jwt) return scheme.token_algorithms;
  std::vector<PublicAlgorithm> pairs;
  for (const auto& [name, algorithm] : scheme.algorithm.cases) {
    if (const auto* pair = std::get_if<PublicAlgorithm>(&algorithm)) pairs.push_back(*pair);
  }
  return pairs;
}

/// Whether everything that a handshake's answer signs was verified before.
bool is_covered(const Scheme& scheme, const Scheme::Challenge& challenge) {
  const auto covered = [&](const crypto::Recipe& answer) {
    return std::ranges::all_of(scheme.content.cases,
                               [&](const auto& content) { return content.second.covers(answer); });
  };
  return covered(challenge.answer.body) &&
         std::ranges::all_of(challenge.answer.headers,
                             [&](const auto& header) { return covered(header.second); });
}

void refuse(base::FieldErrors& dangers, std::string pointer, const char* detail) {
  dangers.push_back({std::move(pointer), "INVALID", detail});
}

void refuse_keys(const Scheme& scheme, base::FieldErrors& dangers) {
  if (scheme.kind == Kind::jwt && scheme.token_hs256) {
    if (!scheme.token_algorithms.empty())
      refuse(
          dangers, "#/alg",
          "HS256 signs with a secret, the others with key pairs: with the public key anybody could sign by "
          "HS256; name those of one kind, and make another endpoint for the other");
    if (scheme.key.source == Source::key_set)
      refuse(dangers, "#/alg", "the keys of a set are public: with them anybody could sign by HS256");
  }
  const bool by_secret =
      scheme.kind == Kind::hmac || (scheme.kind == Kind::jwt && scheme.token_algorithms.empty());
  if (by_secret && is_public(scheme.key.encoding))
    refuse(dangers, "#/key/encoding",
           "this is how public keys are written, and anybody could sign with one; utf8, base64 or hex");
  const auto pairs = pairs_of(scheme);
  const auto is_ed = [](PublicAlgorithm algorithm) { return algorithm == PublicAlgorithm::ed25519; };
  if (is_ed25519(scheme.key.encoding) && !pairs.empty() && !std::ranges::all_of(pairs, is_ed))
    refuse(dangers, "#/key/encoding",
           "a key that is written so is one of Ed25519; for the algorithm write pem or spki-base64");
}

void refuse_signing(const Scheme& scheme, base::FieldErrors& dangers) {
  for (std::size_t i = 0; i < scheme.challenges.size(); ++i) {
    const Scheme::Challenge& challenge = scheme.challenges[i];
    if (!challenge.answer.signs()) continue;
    const std::string pointer = "#/challenge/" + std::to_string(i) + "/reply";
    if (scheme.kind == Kind::jwt)
      refuse(dangers, pointer, "an answer must not be signed with the key of tokens: it could be one");
    else if (challenge.checked && scheme.kind == Kind::hmac && !is_covered(scheme, challenge))
      refuse(
          dangers, pointer,
          "the answer signs what the signature before it does not cover, so whoever has seen one could have "
          "anything signed; put it into content");
  }
}

/// What endpoints answer as part of the hub's own origin, on connections that go on afterwards.
void refuse_answers(const Scheme& scheme, base::FieldErrors& dangers) {
  const char* const no_body = "an answer with this status has no body; leave body away, or choose 200";
  if (scheme.reply.body && http::is_bodiless(scheme.reply.ok)) refuse(dangers, "#/reply/ok", no_body);
  for (std::size_t i = 0; i < scheme.challenges.size(); ++i) {
    const Scheme::Answer& given = scheme.challenges[i].answer;
    const std::string pointer = "#/challenge/" + std::to_string(i) + "/reply";
    if (!given.body.is_empty() && http::is_bodiless(given.status))
      refuse(dangers, pointer + "/status", no_body);
    for (const auto& [name, recipe] : given.headers) {
      if (is_answer_header(name)) continue;
      refuse(dangers, pointer + "/headers",
             "an answer may have headers named X-…, names with \"hook\" in them, Cache-Control, "
             "Content-Language and Retry-After");
    }
  }
}

}  // namespace

base::FieldErrors dangers_of(const Scheme& scheme) {
  base::FieldErrors dangers;
  refuse_keys(scheme, dangers);
  refuse_signing(scheme, dangers);
  refuse_answers(scheme, dangers);
  return dangers;
}

bool is_answer_header(std::string_view name) {
  if (!http::is_token(name)) return false;
  const std::string lower = base::lower_ascii(name);
  const auto begins = [&](std::string_view beginning) { return lower.starts_with(beginning); };
  if (std::ranges::any_of(kOfProxies, begins)) return false;
  return begins("x-") || lower.contains("hook") || std::ranges::count(kAnswered, lower) > 0;
}

bool tells_secret(const Scheme& scheme) {
  const auto answers = [](const Scheme::Challenge& challenge) {
    const Scheme::Answer& given = challenge.answer;
    return given.body.has_secret() ||
           std::ranges::any_of(given.headers, [](const auto& header) { return header.second.has_secret(); });
  };
  return (scheme.key.set_query && scheme.key.set_query->has_secret()) ||
         std::ranges::any_of(scheme.challenges, answers);
}

base::Result<void> check_secret(const Scheme& scheme, const crypto::SchemeKey& key) {
  const auto pairs = pairs_of(scheme);
  if (pairs.empty()) {
    if (!crypto::is_public_text(key.text())) return {};
    return base::fail(base::Code::invalid,
                      "this is a public key, with which anybody could sign; this scheme needs a secret");
  }
  if (key.public_key() == nullptr) return {};
  const auto suits = [&](PublicAlgorithm algorithm) { return key.public_key()->suits(algorithm); };
  const bool good =
      scheme.kind == Kind::jwt ? std::ranges::any_of(pairs, suits) : std::ranges::all_of(pairs, suits);
  if (good) return {};
  return base::fail(base::Code::invalid,
                    "the key is of another kind than alg, or an RSA key of less than 2048 bits");
}

}  // namespace inbound
