#include "inbound/scheme/document.hpp"

#include "format/regex.hpp"
#include "inbound/scheme/reader.hpp"

namespace inbound {

namespace {

using crypto::Hash;
using crypto::Location;
using crypto::PublicAlgorithm;
using crypto::Recipe;
using crypto::Scheme;
using format::Value;
using Encoding = Scheme::KeyRule::Encoding;
using Unit = Scheme::Timestamp::Unit;

constexpr std::int64_t kToleranceMax = 86'400;

constexpr std::array kKinds = {Word{"hmac", Scheme::Kind::hmac},     Word{"digest", Scheme::Kind::digest},
                               Word{"pk", Scheme::Kind::public_key}, Word{"token", Scheme::Kind::token},
                               Word{"basic", Scheme::Kind::basic},   Word{"jwt", Scheme::Kind::jwt},
                               Word{"none", Scheme::Kind::none}};
constexpr std::array kHashes = {Word{"sha256", Hash::sha256}, Word{"sha1", Hash::sha1},
                                Word{"sha512", Hash::sha512}};
constexpr std::array kPairs = {
    Word{"ed25519", PublicAlgorithm::ed25519}, Word{"ecdsa-sha256", PublicAlgorithm::ecdsa_sha256},
    Word{"rsa-sha256", PublicAlgorithm::rsa_sha256}, Word{"rsa-sha1", PublicAlgorithm::rsa_sha1}};
constexpr std::array kTokenAlgorithms = {Word{"ES256", PublicAlgorithm::es256},
                                         Word{"RS256", PublicAlgorithm::rsa_sha256},
                                         Word{"EdDSA", PublicAlgorithm::ed25519}};
constexpr std::array kEncodings = {
    Word{"hex", Scheme::Encoding::hex}, Word{"base64", Scheme::Encoding::base64},
    Word{"base64url", Scheme::Encoding::base64url}, Word{"raw", Scheme::Encoding::raw}};
constexpr std::array kUnits = {Word{"s", Unit::seconds}, Word{"ms", Unit::milliseconds},
                               Word{"iso", Unit::iso}};
constexpr std::array kKeyEncodings = {Word{"utf8", Encoding::utf8},
                                      Word{"base64", Encoding::base64},
                                      Word{"hex", Encoding::hex},
                                      Word{"pem", Encoding::pem},
                                      Word{"spki-base64", Encoding::spki_base64},
                                      Word{"ed25519-hex", Encoding::ed25519_hex},
                                      Word{"ed25519-base64", Encoding::ed25519_base64}};
constexpr std::array kRepeats = {Word{"body", false}, Word{"id", true}};
constexpr std::array kUrls = {Word{"configured", Scheme::Url::configured},
                              Word{"port", Scheme::Url::port_variants},
                              Word{"hubspot", Scheme::Url::hubspot_decoded}};

base::Error refused_scheme(base::FieldErrors errors) {
  return {base::Code::invalid, "the signature scheme cannot be used; see errors", "INVALID_SCHEME",
          std::move(errors)};
}

class SchemeReader {
 public:
  explicit SchemeReader(const SchemeConfig& config) : in_(config, errors_) {
    for (const auto& [name, value] : config) {
      if (value.find_first_of("{}") != std::string::npos) {
        in_.error("#/signature_config/" + name, "a setting must have no braces");
      }
    }
  }

  base::Result<Scheme> read(const Value& document) {
    if (!document.is_object()) {
      in_.error("#", "a scheme is an object", "WRONG_TYPE");
      return refused();
    }
    in_.refuse_others(
        document, "#",
        {"title", "secret", "note", "config",  "review", "source", "kind",      "alg",  "sig",    "split",
         "order", "prefix", "enc",  "content", "ts",     "unit",   "tolerance", "id",   "repeat", "dedup",
         "paths", "key",    "each", "item",    "url",    "claims", "challenge", "reply"});
    with(document, "kind", [&](const Value& v, auto& at) { made_.kind = in_.word(v, at, kKinds); });
    read_algorithm(document);
    with(document, "sig", [&](const Value& v, auto& at) { made_.signature = in_.locations(v, at); });
    with(document, "split", [&](const Value& v, auto& at) { made_.separator = in_.text(v, at); });
    with(document, "order", [&](const Value& v, auto& at) {
      in_.each_of(v, at, [&](const Value& one, const std::string& place) {
        made_.order.push_back(in_.text(one, place));
      });
    });
    with(document, "prefix", [&](const Value& v, auto& at) { made_.prefix = in_.text(v, at); });
    with(document, "enc", [&](const Value& v, auto& at) { made_.encoding = in_.word(v, at, kEncodings); });
    read_content(document);
    read_timestamp(document);
    with(document, "id", [&](const Value& v, auto& at) { read_ids(v, at); });
    with(document, "repeat",
         [&](const Value& v, auto& at) { made_.id_suffices = in_.word(v, at, kRepeats); });
    with(document, "key", [&](const Value& v, auto& at) { read_key(v, at); });
    with(document, "each", [&](const Value& v, auto& at) { made_.each = in_.location(v, at); });
    with(document, "item", [&](const Value& v, auto& at) { made_.item = in_.text(v, at); });
    with(document, "url", [&](const Value& v, auto& at) { made_.url = in_.word(v, at, kUrls); });
    with(document, "claims", [&](const Value& v, auto& at) { read_claims(v, at); });
    with(document, "challenge", [&](const Value& v, auto& at) {
      in_.each_of(v, at, [&](const Value& one, const std::string& place) { read_challenge(one, place); });
    });
    with(document, "reply", [&](const Value& v, auto& at) { read_reply(v, at); });
    if (errors_.empty()) check_whole();
    if (!errors_.empty()) return refused();
    return std::move(made_);
  }

 private:
  base::Result<Scheme> refused() { return std::unexpected(refused_scheme(std::move(errors_))); }

  template <class F>
  void with(const Value& object, std::string_view name, const F& what, const std::string& pointer = "#") {
    if (const Value* value = object.find(name)) {
      const std::string at = pointer + "/" + std::string(name);
      what(*value, at);
    }
  }

  void read_algorithm(const Value& document) {
    const Value* value = document.find("alg");
    const std::string at = "#/alg";
    if (made_.kind == Scheme::Kind::jwt) {
      if (value == nullptr)
        return in_.error(at, "a token needs a list of what it may be signed with", "REQUIRED");
      return in_.each_of(*value, at, [&](const Value& one, const std::string& place) {
        if (one.is_string() && one.text() == "HS256") {
          made_.token_hs256 = true;
        } else {
          made_.token_algorithms.push_back(in_.word(one, place, kTokenAlgorithms));
        }
      });
    }
    const bool pair = made_.kind == Scheme::Kind::public_key;
    if (value == nullptr) {
      if (pair) in_.error(at, "this kind needs one of " + words_of(kPairs), "REQUIRED");
      made_.algorithm.cases.emplace_back("", Hash::sha256);
      return;
    }
    made_.algorithm = in_.choice<Scheme::Algorithm>(
        *value, at, [&](const Value& one, const std::string& place) -> Scheme::Algorithm {
          if (pair) return in_.word(one, place, kPairs);
          return in_.word(one, place, kHashes);
        });
    if (!pair && made_.algorithm.by) in_.error(at, "only kind pk chooses its algorithm by the request");
  }

  void read_content(const Value& document) {
    const auto read = [&](const Value& one, const std::string& place) { return in_.recipe(one, place); };
    if (const Value* value = document.find("content")) {
      made_.content = in_.choice<Recipe>(*value, "#/content", read);
    } else {
      made_.content.cases.emplace_back("", in_.recipe(std::string_view("{body}"), "#/content"));
    }
  }

  void read_timestamp(const Value& document) {
    const Value* at = document.find("ts");
    if (at == nullptr) {
      for (const char* name : {"unit", "tolerance"}) {
        if (document.find(name) != nullptr) in_.error(std::string("#/") + name, "this goes with ts");
      }
      return;
    }
    Scheme::Timestamp timestamp;
    timestamp.at = in_.locations(*at, "#/ts");
    with(document, "unit", [&](const Value& v, auto& place) { timestamp.unit = in_.word(v, place, kUnits); });
    with(document, "tolerance", [&](const Value& v, auto& place) {
      const auto seconds = v.is_number() ? v.integer() : std::nullopt;
      if (!seconds || *seconds < 0 || *seconds > kToleranceMax) {
        return in_.error(place, "this is a number of seconds from 0 to 86400");
      }
      timestamp.tolerance = std::chrono::seconds{*seconds};
    });
    if (!timestamp.at.empty()) made_.timestamp = std::move(timestamp);
  }

  void read_ids(const Value& value, const std::string& pointer) {
    in_.each_of(value, pointer, [&](const Value& one, const std::string& at) {
      constexpr std::string_view kHash = "hash:";
      const std::string text = in_.text(one, at);
      if (text.starts_with(kHash)) {
        made_.id_hash = in_.recipe(std::string_view(text).substr(kHash.size()), at);
      } else if (!text.empty()) {
        made_.id.push_back(in_.location(text, at));
      }
    });
  }

  void read_key(const Value& value, const std::string& pointer) {
    if (!value.is_object()) return in_.error(pointer, "this is an object", "WRONG_TYPE");
    in_.refuse_others(value, pointer,
                      {"strip", "encoding", "derive", "cert", "pattern", "capture", "jwks", "ask"});
    Scheme::KeyRule& key = made_.key;
    with(value, "strip", [&](const Value& v, auto& at) { key.strip = in_.text(v, at); }, pointer);
    with(
        value, "encoding", [&](const Value& v, auto& at) { key.encoding = in_.word(v, at, kKeyEncodings); },
        pointer);
    with(
        value, "derive",
        [&](const Value& v, auto& at) {
          key.sha256 = in_.text(v, at) == "sha256";
          if (!key.sha256) in_.error(at, "a key is derived by sha256, or as it is where this is left out");
        },
        pointer);
    with(
        value, "cert",
        [&](const Value& v, auto& at) {
          key.source = Scheme::KeyRule::Source::certificate;
          key.certificate_at = in_.location(v, at);
        },
        pointer);
    with(value, "pattern", [&](const Value& v, auto& at) { key.pattern = pattern(v, at); }, pointer);
    with(
        value, "capture",
        [&](const Value& v, auto& at) {
          key.source = Scheme::KeyRule::Source::capture;
          (void)in_.text(v, at);
        },
        pointer);
    with(value, "jwks", [&](const Value& v, auto& at) { read_key_set(v, at); }, pointer);
    with(value, "ask", [&](const Value& v, auto& at) { key.set_query = in_.recipe(v, at); }, pointer);
    if (key.source == Scheme::KeyRule::Source::certificate && key.pattern.empty()) {
      in_.error(pointer + "/pattern",
                "a certificate's URL must be bound to a pattern, or anybody brings his own", "REQUIRED");
    }
    if (key.set_query && key.set_url.empty()) in_.error(pointer + "/ask", "this goes with jwks");
  }

  void read_key_set(const Value& value, const std::string& pointer) {
    made_.key.source = Scheme::KeyRule::Source::key_set;
    made_.key.set_url = in_.text(value, pointer);
    if (made_.kind != Scheme::Kind::jwt) in_.error(pointer, "a set of keys goes with kind jwt");
    if (!made_.key.set_url.starts_with("https://"))
      in_.error(pointer, "keys are got from https:// only, or anybody on the way brings his own");
  }

  /// Of URLs that a request names: https only, whatever else fits.
  std::string pattern(const Value& value, const std::string& pointer) {
    std::string text = in_.text(value, pointer);
    if (!text.starts_with("https://"))
      in_.error(pointer, "this must begin with https://, or anybody on the way brings his own");
    return text;
  }

  void read_claims(const Value& value, const std::string& pointer) {
    if (!value.is_object() || value.members().size() > MemberReader::kListMax) {
      return in_.error(pointer, "this is an object of places and what must stand there");
    }
    for (const format::Member& member : value.members()) {
      const std::string at = pointer + "/" + std::string(member.key);
      made_.claims.push_back({in_.location(member.key, at), in_.recipe(member.value, at)});
    }
  }

  void read_challenge(const Value& value, const std::string& pointer) {
    if (!value.is_object()) return in_.error(pointer, "this is an object", "WRONG_TYPE");
    in_.refuse_others(value, pointer, {"method", "when", "check", "capture", "fetch", "pattern", "reply"});
    Scheme::Challenge made;
    with(value, "method", [&](const Value& v, auto& at) { made.method = in_.text(v, at); }, pointer);
    with(value, "when", [&](const Value& v, auto& at) { read_conditions(v, at, made); }, pointer);
    with(
        value, "check",
        [&](const Value& v, auto& at) {
          const std::string word = in_.text(v, at);
          made.checked = word != "skip";
          if (word != "skip" && word != "before") in_.error(at, "this is before or skip");
        },
        pointer);
    with(
        value, "capture",
        [&](const Value& v, auto& at) {
          for (const format::Member& member : v.members()) {
            made.capture.emplace_back(std::string(member.key),
                                      in_.location(member.value, at + "/" + std::string(member.key)));
          }
        },
        pointer);
    with(value, "fetch", [&](const Value& v, auto& at) { made.fetch = in_.location(v, at); }, pointer);
    with(value, "pattern", [&](const Value& v, auto& at) { made.fetch_pattern = pattern(v, at); }, pointer);
    if (made.fetch && made.fetch_pattern.empty()) {
      in_.error(pointer + "/pattern", "a URL that is to be fetched must be bound to a pattern", "REQUIRED");
    }
    if (made.when.empty() && made.method.empty()) {
      in_.error(pointer + "/when", "say what makes a request this handshake", "REQUIRED");
    }
    with(value, "reply", [&](const Value& v, auto& at) { read_answer(v, at, made.answer); }, pointer);
    made_.challenges.push_back(std::move(made));
  }

  void read_conditions(const Value& value, const std::string& pointer, Scheme::Challenge& made) {
    if (!value.is_object()) return in_.error(pointer, "this is an object", "WRONG_TYPE");
    for (const format::Member& member : value.members()) {
      const std::string at = pointer + "/" + std::string(member.key);
      Scheme::Condition condition{.at = in_.location(member.key, at), .absent = member.value.is_null()};
      const std::string text = condition.absent ? "*" : in_.text(member.value, at);
      if (text != "*") condition.value = in_.recipe(std::string_view(text), at);
      made.when.push_back(std::move(condition));
    }
  }

  int status(const Value& value, const std::string& pointer, int otherwise) {
    const auto number = value.is_number() ? value.integer() : std::nullopt;
    if (number && *number >= 200 && *number <= 599) return static_cast<int>(*number);
    in_.error(pointer, "this is a status from 200 to 599");
    return otherwise;
  }

  void read_answer(const Value& value, const std::string& pointer, Scheme::Answer& made) {
    if (!value.is_object()) return in_.error(pointer, "this is an object", "WRONG_TYPE");
    in_.refuse_others(value, pointer, {"status", "type", "headers", "body"});
    with(value, "status", [&](const Value& v, auto& at) { made.status = status(v, at, 200); }, pointer);
    with(value, "type", [&](const Value& v, auto& at) { made.type = in_.text(v, at); }, pointer);
    with(
        value, "headers",
        [&](const Value& v, auto& at) {
          for (const format::Member& member : v.members()) {
            made.headers.emplace_back(std::string(member.key),
                                      in_.recipe(member.value, at + "/" + std::string(member.key)));
          }
        },
        pointer);
    with(value, "body", [&](const Value& v, auto& at) { made.body = in_.recipe(v, at); }, pointer);
  }

  void read_reply(const Value& value, const std::string& pointer) {
    if (!value.is_object()) return in_.error(pointer, "this is an object", "WRONG_TYPE");
    in_.refuse_others(value, pointer, {"ok", "bad", "type", "body"});
    Scheme::Reply& made = made_.reply;
    with(value, "ok", [&](const Value& v, auto& at) { made.ok = status(v, at, 200); }, pointer);
    with(value, "bad", [&](const Value& v, auto& at) { made.bad = status(v, at, 401); }, pointer);
    with(value, "type", [&](const Value& v, auto& at) { made.type = in_.text(v, at); }, pointer);
    with(value, "body", [&](const Value& v, auto& at) { made.body = in_.recipe(v, at); }, pointer);
  }

  /// What no member shows by itself.
  void check_whole() {
    if (made_.kind == Scheme::Kind::none) {
      if (!made_.signature.empty()) in_.error("#/sig", "kind none has no signature");
      return;
    }
    if (made_.signature.empty()) in_.error("#/sig", "say where the signature stands", "REQUIRED");
    if (made_.kind == Scheme::Kind::digest) {
      for (const auto& [name, content] : made_.content.cases) {
        if (!content.has_secret()) in_.error("#/content", "kind digest needs {secret}, or anybody can sign");
      }
    }
    if (made_.key.source == Scheme::KeyRule::Source::certificate && made_.kind != Scheme::Kind::public_key)
      in_.error("#/key/cert", "a certificate goes with kind pk");
    for (std::size_t i = 0; i < made_.challenges.size(); ++i) {
      const Scheme::Challenge& challenge = made_.challenges[i];
      bool safe = !challenge.answer.body.signs() || challenge.answer.body.signs_queries_alone();
      for (const auto& [name, recipe] : challenge.answer.headers)
        safe = safe && (!recipe.signs() || recipe.signs_queries_alone());
      if (challenge.checked || safe) continue;
      in_.error("#/challenge/" + std::to_string(i) + "/reply",
                "without a signature before it (check), an answer signs nothing but {hmac_hex(query:…)} and "
                "{hmac_base64(query:…)}: else it would sign anything for anybody");
    }
    if (made_.id_suffices && made_.id.empty() && !made_.id_hash)
      in_.error("#/repeat", "what is known by its id needs one: this goes with id");
    if (!made_.order.empty() && made_.separator.empty()) in_.error("#/order", "this goes with split");
    if (!made_.item.empty() && !made_.each) in_.error("#/item", "this goes with each");
    if (made_.each && made_.each->in != Location::In::json) in_.error("#/each", "a batch is a json: place");
    const bool has_content = made_.kind == Scheme::Kind::hmac || made_.kind == Scheme::Kind::digest ||
                             made_.kind == Scheme::Kind::public_key;
    if (!made_.signs_elements() || !has_content) return;
    for (const auto& [name, content] : made_.content.cases) {
      if (content.has_body()) {
        in_.error("#/content", "an element cannot sign {body}, which is the whole batch");
      }
    }
  }

  base::FieldErrors errors_;
  MemberReader in_;
  Scheme made_;
};

}  // namespace

base::Result<Scheme> read_scheme(const Value& document, const SchemeConfig& config) {
  return SchemeReader(config).read(document);
}

base::Result<void> check_patterns(const Scheme& scheme) {
  base::FieldErrors errors;
  const auto check = [&](const std::string& pattern, const std::string& pointer) {
    if (pattern.empty()) return;
    if (auto compiled = format::Regex::compile(pattern); !compiled)
      errors.push_back({pointer, "INVALID", compiled.error().message});
  };
  check(scheme.key.pattern, "#/key/pattern");
  for (std::size_t i = 0; i < scheme.challenges.size(); ++i) {
    check(scheme.challenges[i].fetch_pattern, "#/challenge/" + std::to_string(i) + "/pattern");
  }
  if (errors.empty()) return {};
  return std::unexpected(refused_scheme(std::move(errors)));
}

}  // namespace inbound
