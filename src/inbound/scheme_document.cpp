#include "inbound/scheme_document.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace inbound {

namespace {

using crypto::Choice;
using crypto::Hash;
using crypto::Location;
using crypto::PublicAlgorithm;
using crypto::Recipe;
using crypto::Scheme;
using format::Value;
using Encoding = Scheme::KeyRule::Encoding;
using Unit = Scheme::Timestamp::Unit;

constexpr std::size_t kListMax = 16;
constexpr std::size_t kTextBytesMax = 2000;
constexpr std::int64_t kToleranceMax = 86'400;

template <class T>
struct Word {
  std::string_view word;
  T value;
};

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
constexpr std::array kUrls = {Word{"configured", Scheme::Url::configured},
                              Word{"port", Scheme::Url::port_variants},
                              Word{"hubspot", Scheme::Url::hubspot_decoded}};

template <class T, std::size_t n>
std::string words_of(const std::array<Word<T>, n>& words) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) {
    out.append(i == 0 ? "" : i + 1 == n ? " or " : ", ").append(words[i].word);
  }
  return out;
}

/// Reads members of one object and remembers what is wrong with them.
class Reader {
 public:
  Reader(const SchemeConfig& config, std::vector<base::FieldError>& errors)
      : config_(config), errors_(errors) {}

  void error(const std::string& pointer, std::string detail, std::string code = "INVALID") {
    errors_.push_back({pointer, std::move(code), std::move(detail)});
  }

  void refuse_others(const Value& object, const std::string& pointer,
                     std::initializer_list<std::string_view> known) {
    for (const format::Member& member : object.members()) {
      if (std::ranges::find(known, member.key) == known.end()) {
        error(pointer + "/" + std::string(member.key), "there is no such member here", "UNKNOWN_MEMBER");
      }
    }
  }

  /// The text with the endpoint's settings in it.
  std::string text(const Value& value, const std::string& pointer) {
    if (!value.is_string() || value.text().size() > kTextBytesMax) {
      error(pointer, "this must be a text of at most 2,000 bytes", "WRONG_TYPE");
      return {};
    }
    return with_settings(std::string(value.text()), pointer);
  }

  template <class T, std::size_t n>
  T word(const Value& value, const std::string& pointer, const std::array<Word<T>, n>& words) {
    const std::string given = text(value, pointer);
    const auto found = std::ranges::find(words, given, &Word<T>::word);
    if (found != words.end()) return found->value;
    error(pointer, "this is one of " + words_of(words));
    return words.front().value;
  }

  Location location(const Value& value, const std::string& pointer) {
    auto parsed = Location::parse(text(value, pointer));
    if (parsed) return std::move(*parsed);
    error(pointer, parsed.error().message);
    return {};
  }
  Location location(std::string_view given, const std::string& pointer) {
    auto parsed = Location::parse(with_settings(std::string(given), pointer));
    if (parsed) return std::move(*parsed);
    error(pointer, parsed.error().message);
    return {};
  }

  /// One, or a list of them.
  std::vector<Location> locations(const Value& value, const std::string& pointer) {
    std::vector<Location> found;
    each_of(value, pointer,
            [&](const Value& one, const std::string& at) { found.push_back(location(one, at)); });
    return found;
  }

  Recipe recipe(const Value& value, const std::string& pointer) {
    return recipe(text(value, pointer), pointer);
  }
  Recipe recipe(std::string_view given, const std::string& pointer) {
    auto parsed = Recipe::parse(given);
    if (parsed) return std::move(*parsed);
    error(pointer, parsed.error().message);
    return {};
  }

  template <class F>
  void each_of(const Value& value, const std::string& pointer, const F& what) {
    if (!value.is_array()) return what(value, pointer);
    if (value.elements().empty() || value.elements().size() > kListMax) {
      return error(pointer, "a list has 1 to 16 elements");
    }
    std::size_t i = 0;
    for (const Value& one : value.elements()) what(one, pointer + "/" + std::to_string(i++));
  }

  /// A value, or {"by": place, case: value, …}.
  template <class T, class F>
  Choice<T> choice(const Value& value, const std::string& pointer, const F& read) {
    Choice<T> made;
    if (!value.is_object()) {
      made.cases.emplace_back("", read(value, pointer));
      return made;
    }
    const Value* by = value.find("by");
    if (by == nullptr || value.members().size() < 2 || value.members().size() > kListMax) {
      error(pointer, "this is a value, or {\"by\": place, and what it is for each value of the place}");
      return made;
    }
    made.by = location(*by, pointer + "/by");
    for (const format::Member& member : value.members()) {
      if (member.key == "by") continue;
      const std::string at = pointer + "/" + std::string(member.key);
      // Several cases may share one text: "A|B".
      for (std::string_view rest = member.key; !rest.empty();) {
        const std::size_t bar = std::min(rest.find('|'), rest.size());
        made.cases.emplace_back(std::string(rest.substr(0, bar)), read(member.value, at));
        rest.remove_prefix(std::min(bar + 1, rest.size()));
      }
    }
    return made;
  }

 private:
  std::string with_settings(std::string text, const std::string& pointer) {
    constexpr std::string_view kOpen = "{config:";
    for (std::size_t at = text.find(kOpen); at != std::string::npos; at = text.find(kOpen, at)) {
      const std::size_t end = text.find('}', at);
      if (end == std::string::npos) {
        error(pointer, "a setting is written {config:NAME} or {config:NAME|otherwise}");
        return {};
      }
      const std::string inside = text.substr(at + kOpen.size(), end - at - kOpen.size());
      const std::size_t bar = inside.find('|');
      const auto found = config_.find(inside.substr(0, bar));
      if (found == config_.end() && bar == std::string::npos) {
        error(pointer, "the endpoint must say what '" + inside + "' is, in signature_config", "REQUIRED");
        return {};
      }
      const std::string value = found != config_.end() ? found->second : inside.substr(bar + 1);
      text.replace(at, end + 1 - at, value);
      at += value.size();
    }
    return text;
  }

  const SchemeConfig& config_;
  std::vector<base::FieldError>& errors_;
};

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
    in_.refuse_others(document, "#",
                      {"title",  "secret", "note",    "config", "kind",      "alg",       "sig", "split",
                       "prefix", "enc",    "content", "ts",     "unit",      "tolerance", "id",  "key",
                       "each",   "item",   "url",     "claims", "challenge", "reply"});
    with(document, "kind", [&](const Value& v, auto& at) { made_.kind = in_.word(v, at, kKinds); });
    read_algorithm(document);
    with(document, "sig", [&](const Value& v, auto& at) { made_.signature = in_.locations(v, at); });
    with(document, "split", [&](const Value& v, auto& at) { made_.separator = in_.text(v, at); });
    with(document, "prefix", [&](const Value& v, auto& at) { made_.prefix = in_.text(v, at); });
    with(document, "enc", [&](const Value& v, auto& at) { made_.encoding = in_.word(v, at, kEncodings); });
    read_content(document);
    read_timestamp(document);
    with(document, "id", [&](const Value& v, auto& at) { read_ids(v, at); });
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
  base::Result<Scheme> refused() {
    return std::unexpected(base::Error{base::Code::invalid, "the signature scheme cannot be used; see errors",
                                       "INVALID_SCHEME", std::move(errors_)});
  }

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
    in_.refuse_others(value, pointer, {"strip", "encoding", "derive", "cert", "pattern", "capture"});
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
    with(value, "pattern", [&](const Value& v, auto& at) { key.pattern = in_.text(v, at); }, pointer);
    with(
        value, "capture",
        [&](const Value& v, auto& at) {
          key.source = Scheme::KeyRule::Source::capture;
          (void)in_.text(v, at);
        },
        pointer);
    if (key.source == Scheme::KeyRule::Source::certificate && key.pattern.empty()) {
      in_.error(pointer + "/pattern",
                "a certificate's URL must be bound to a pattern, or anybody brings his own", "REQUIRED");
    }
  }

  void read_claims(const Value& value, const std::string& pointer) {
    if (!value.is_object() || value.members().size() > kListMax) {
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
    with(value, "pattern", [&](const Value& v, auto& at) { made.fetch_pattern = in_.text(v, at); }, pointer);
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
      Scheme::Condition condition{.at = in_.location(member.key, at)};
      const std::string text = in_.text(member.value, at);
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

  std::vector<base::FieldError> errors_;
  Reader in_;
  Scheme made_;
};

}  // namespace

base::Result<Scheme> read_scheme(const Value& document, const SchemeConfig& config) {
  return SchemeReader(config).read(document);
}

}  // namespace inbound
