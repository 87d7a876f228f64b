#include "inbound/process/diagnose.hpp"

#include <array>
#include <functional>

#include "base/text.hpp"
#include "inbound/receive/message.hpp"

namespace inbound {

namespace {

using crypto::Check;
using crypto::Hash;
using crypto::Scheme;
using crypto::SchemeKey;
using KeyEncoding = Scheme::KeyRule::Encoding;

struct Keys {
  std::vector<SchemeKey> owned{};
  std::vector<const SchemeKey*> all{};
};

/// Those of the secrets that fit the scheme's rule.
Keys make_keys(const Scheme& scheme, std::span<const base::Secret> secrets) {
  Keys keys;
  for (const base::Secret& secret : secrets) {
    if (auto key = SchemeKey::make(scheme, secret.reveal())) keys.owned.push_back(std::move(*key));
  }
  for (const SchemeKey& key : keys.owned) keys.all.push_back(&key);
  return keys;
}

/// JSON without the white space between its tokens.
std::string without_space(std::string_view json) {
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (inside && c == '\\' && i + 1 < json.size()) {
      out += c;
      out += json[++i];
      continue;
    }
    if (c == '"') inside = !inside;
    if (inside || (c != ' ' && c != '\t' && c != '\n' && c != '\r')) out += c;
  }
  return out;
}

std::string without_line_end(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return std::string(text);
}

std::string with_unix_lines(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') out += text[i];
  }
  return out;
}

std::string with_network_lines(std::string_view text) {
  std::string out;
  for (const char c : with_unix_lines(text)) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

/// What is looked at in all for a hint: some tenths of a second.
constexpr std::size_t kGuessedBytesMax = 32 << 20;

/// Tries what things on the way and people are known to do.
class Guesses {
 public:
  Guesses(const Scheme& scheme, std::span<const base::Secret> secrets, const Captured& captured,
          const std::string& url, base::Time now)
      : scheme_(scheme),
        secrets_(secrets),
        captured_(captured),
        url_(url),
        now_(now),
        request_(captured.request()),
        message_(request_, url, kGuessedBytesMax) {}

  std::string hint() const {
    std::string found = of_body();
    if (found.empty()) found = of_secret();
    if (found.empty()) found = of_algorithm();
    if (found.empty() && message_.work().has_problem())
      return "the search for what was changed was broken off: the body is too large for it; capture a "
             "shorter request";
    return found;
  }

 private:
  std::string of_body() const {
    struct Change {
      std::string (*make)(std::string_view);
      const char* hint;
    };
    constexpr std::array kChanges = {
        Change{[](std::string_view body) { return without_line_end(body); },
               "it fits the body without the line end: the capture, or something on the way, has added one"},
        Change{[](std::string_view body) { return std::string(body) + "\n"; },
               "it fits the body with a line end: the capture, or something on the way, has cut it off"},
        Change{
            [](std::string_view body) { return without_space(body); },
            "it fits the body without its white space: something on the way has parsed the JSON and written "
            "it anew; pass on the bytes as they came"},
        Change{[](std::string_view body) { return with_unix_lines(body); },
               "it fits the body with LF for CR LF: something on the way has changed the line ends"},
        Change{[](std::string_view body) { return with_network_lines(body); },
               "it fits the body with CR LF for LF: something on the way has changed the line ends"},
        Change{[](std::string_view) { return std::string(); },
               "it fits an empty body: the body was read by something on the way and not passed on"}};
    for (const Change& change : kChanges) {
      Captured changed = captured_;
      changed.body = change.make(captured_.body);
      if (changed.body != captured_.body && fits_changed(changed)) return change.hint;
    }
    return {};
  }

  /// Whether the signature of another request fits. What that takes counts for the one that was captured.
  bool fits_changed(const Captured& changed) const {
    crypto::Work& work = message_.work();
    if (!work.take(changed.body.size())) return false;
    const http::Request request = changed.request();
    const Message message(request, url_, work.left());
    const bool fit = fits(scheme_, make_keys(scheme_, secrets_), message);
    work.take(message.work().used());
    return fit;
  }

  /// Whether the signature fits then, whatever its age.
  bool fits(const Scheme& scheme, const Keys& keys, const Message& message) const {
    const Check::Step step = verify(scheme, keys.all, message, now_).step;
    return step == Check::Step::passed || step == Check::Step::timestamp_outside;
  }

  std::string of_secret() const {
    std::vector<base::Secret> trimmed;
    for (const base::Secret& secret : secrets_)
      trimmed.emplace_back(std::string(base::trimmed(secret.reveal())));
    if (fits(scheme_, make_keys(scheme_, trimmed), message_))
      return "it fits the secret without the white space around it";
    if (scheme_.kind != Scheme::Kind::hmac) return {};
    struct Form {
      KeyEncoding encoding;
      const char* hint;
    };
    constexpr std::array kForms = {
        Form{KeyEncoding::utf8,
             "it fits where the secret is taken as text, and not decoded: the sender's scheme "
             "has no key.encoding"},
        Form{KeyEncoding::base64,
             "it fits where the secret is decoded from base64: the sender's scheme has "
             "key.encoding base64"},
        Form{KeyEncoding::hex,
             "it fits where the secret is decoded from hexadecimal: the sender's scheme has "
             "key.encoding hex"}};
    for (const Form& form : kForms) {
      Scheme changed = scheme_;
      changed.key.encoding = form.encoding;
      for (const char* strip : {"", "whsec_"}) {
        changed.key.strip = strip;
        const bool same = form.encoding == scheme_.key.encoding && changed.key.strip == scheme_.key.strip;
        if (!same && fits(changed, make_keys(changed, secrets_), message_)) return form.hint;
      }
    }
    return {};
  }

  std::string of_algorithm() const {
    if (scheme_.kind != Scheme::Kind::hmac && scheme_.kind != Scheme::Kind::digest) return {};
    struct Named {
      Hash hash;
      const char* hint;
    };
    constexpr std::array kHashes = {
        Named{Hash::sha1, "it fits with SHA-1: the sender's scheme has alg sha1"},
        Named{Hash::sha256, "it fits with SHA-256: the sender's scheme has alg sha256"},
        Named{Hash::sha512, "it fits with SHA-512: the sender's scheme has alg sha512"}};
    for (const Named& named : kHashes) {
      Scheme changed = scheme_;
      changed.algorithm = {.cases = {{"", named.hash}}};
      if (fits(changed, make_keys(changed, secrets_), message_)) return named.hint;
    }
    return {};
  }

  const Scheme& scheme_;
  std::span<const base::Secret> secrets_;
  const Captured& captured_;
  const std::string& url_;
  base::Time now_;
  http::Request request_;
  Message message_;
};

std::string said_of(const Scheme& scheme, const Check& check) {
  if (!check.passed()) {
    std::string said = check.detail;
    if (!check.expected.empty()) said += " (expected " + check.expected + ", got " + check.got + ")";
    return said;
  }
  if (scheme.kind == Scheme::Kind::none) return "this scheme has none: anybody can send this";
  return "fits secret " + std::to_string(check.key.value_or(0) + 1);
}

}  // namespace

Diagnosis diagnose(const Scheme& scheme, const DiagnosisKeys& with, const Captured& captured,
                   const std::string& url, base::Time now) {
  const std::span<const base::Secret> secrets = with.secrets;
  Diagnosis diagnosis;
  const auto say = [&](std::string name, bool good, std::string said) {
    diagnosis.steps.push_back({std::move(name), good, std::move(said)});
  };
  const bool own_keys = with.published.empty();
  for (std::size_t i = 0; own_keys && i < secrets.size() && scheme.kind != Scheme::Kind::none; ++i) {
    const auto key = SchemeKey::make(scheme, secrets[i].reveal());
    if (!key) say("secret " + std::to_string(i + 1), false, key.error().message);
  }
  Keys keys = own_keys ? make_keys(scheme, secrets) : Keys{};
  for (const auto& key : with.published) keys.all.push_back(key.get());
  const http::Request request = captured.request();
  const Message message(request, url);
  if (const auto* challenge = find_challenge(scheme, keys.all, message)) {
    say("handshake", true,
        "this is a handshake; the answer is " + std::to_string(challenge->answer.status) +
            (challenge->checked ? ", after the signature was verified" : ", whatever the signature"));
    if (!challenge->checked) return diagnosis;
  }
  diagnosis.check = verify(scheme, keys.all, message, now);
  const Check::Step step = diagnosis.check.step;
  say("signature", diagnosis.passed(), said_of(scheme, diagnosis.check));
  if (step == Check::Step::signature_differs || step == Check::Step::key_missing ||
      step == Check::Step::signature_unreadable) {
    diagnosis.hint = Guesses(scheme, secrets, captured, url, now).hint();
  }
  if (!diagnosis.passed()) return diagnosis;
  const auto tell_id = [&](const crypto::RequestView& view) {
    const auto id = event_id(scheme, view);
    say("event id", id.has_value(),
        id ? id->text : "there is none: what is sent again is known by its content");
    if (id) diagnosis.ids.push_back(id->text);
  };
  if (!scheme.each) {
    tell_id(message);
  } else if (const auto elements = elements_of(scheme, message)) {
    say("batch", true, std::to_string(elements->size()) + " events");
    for (const Element& element : *elements) tell_id(element);
  } else {
    say("batch", false, elements.error().message);
  }
  if (message.work().has_problem()) {
    diagnosis.check = {.step = Check::Step::too_much_work, .detail = message.work().problem()};
    say("work", false, message.work().problem());
    diagnosis.ids.clear();
  }
  return diagnosis;
}

}  // namespace inbound
