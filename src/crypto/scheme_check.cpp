#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"
#include "crypto/encoding.hpp"
#include "crypto/scheme.hpp"

namespace crypto {

namespace {

using Step = Check::Step;

constexpr std::size_t kShownBytes = 4;

/// The signature's values, cut into items. Owns the text that the items refer to.
struct Items {
  std::vector<std::string> values;
  std::vector<std::string_view> items;
};

Items find_items(const Scheme& scheme, const Ingredients& from) {
  Items found;
  for (const Location& place : scheme.signature) {
    found.values = from.find(place);
    if (!found.values.empty()) break;
  }
  for (const std::string_view value : found.values) {
    if (scheme.separator.empty()) {
      found.items.push_back(base::trimmed(value));
      continue;
    }
    // Blanks around the separator are the sender's taste, but where they are all there is.
    const std::string_view mark = base::trimmed(scheme.separator);
    const std::string_view separator = mark.empty() ? std::string_view(scheme.separator) : mark;
    for (std::string_view rest = value;;) {
      const std::size_t end = rest.find(separator);
      if (const std::string_view item = base::trimmed(rest.substr(0, end)); !item.empty())
        found.items.push_back(item);
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + separator.size());
    }
  }
  return found;
}

/// The items that are signatures, without their prefix; no more than may be tried.
std::vector<std::string_view> signatures_of(const Scheme& scheme, const Items& items) {
  std::vector<std::string_view> found;
  for (const std::string_view item : items.items) {
    if (found.size() == kSignaturesTriedMax) break;
    if (item.starts_with(scheme.prefix)) found.push_back(base::trimmed(item.substr(scheme.prefix.size())));
  }
  return found;
}

std::optional<std::string> decoded(Scheme::Encoding encoding, std::string_view text) {
  switch (encoding) {
    case Scheme::Encoding::hex: return from_hex(text);
    case Scheme::Encoding::base64: return from_base64(text);
    case Scheme::Encoding::base64url: return from_base64url(text);
    case Scheme::Encoding::raw: return std::string(text);
  }
  return std::nullopt;
}

std::string shown(Scheme::Encoding encoding, std::string_view bytes) {
  const std::string_view first = bytes.substr(0, kShownBytes);
  switch (encoding) {
    case Scheme::Encoding::base64: return to_base64(bytes).substr(0, 2 * kShownBytes) + "…";
    case Scheme::Encoding::base64url: return to_base64url(bytes).substr(0, 2 * kShownBytes) + "…";
    case Scheme::Encoding::hex:
    case Scheme::Encoding::raw: break;
  }
  return to_hex(first) + "…";
}

template <class T>
const T* chosen(const Choice<T>& choice, const Ingredients& from) {
  if (!choice.by) return choice.cases.empty() ? nullptr : &choice.cases.front().second;
  const auto values = from.find(*choice.by);
  if (values.empty()) return nullptr;
  const auto found = std::ranges::find(choice.cases, values.front(), &std::pair<std::string, T>::first);
  return found == choice.cases.end() ? nullptr : &found->second;
}

Check failed(Step step, std::string detail) { return {.step = step, .detail = std::move(detail)}; }

// --- time

std::optional<std::int64_t> seconds_of(Scheme::Timestamp::Unit unit, std::string_view text) {
  using Unit = Scheme::Timestamp::Unit;
  if (unit == Unit::iso) {
    const auto time = base::parse_rfc3339(text);
    if (!time) return std::nullopt;
    return std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
  }
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return unit == Unit::milliseconds ? number / 1000 : number;
}

Check check_time(const Scheme::Timestamp& rule, std::string_view text, base::Time now) {
  const auto sent = seconds_of(rule.unit, text);
  if (!sent) {
    constexpr std::array kForms = {"a number of seconds", "a number of milliseconds",
                                   "a time such as "
                                   "2026-11-22T16:48:00Z"};
    return failed(Step::timestamp_unreadable,
                  std::string("the timestamp is not ") + kForms[static_cast<std::size_t>(rule.unit)]);
  }
  const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const std::int64_t tolerance = rule.tolerance.count();
  if (*sent >= seconds - tolerance && *sent <= seconds + tolerance) return {};
  // Far-off numbers would overflow.
  const bool past = *sent < seconds;
  const std::uint64_t off = past ? static_cast<std::uint64_t>(seconds) - static_cast<std::uint64_t>(*sent)
                                 : static_cast<std::uint64_t>(*sent) - static_cast<std::uint64_t>(seconds);
  return failed(Step::timestamp_outside,
                "the timestamp is " + std::to_string(off) + " s in the " + (past ? "past" : "future") + "; " +
                    std::to_string(tolerance) +
                    " s are tolerated: a repeated request, or a clock that is wrong");
}

// --- what is compared

/// HubSpot decodes these and no others (its reference for v3 signatures).
std::string hubspot_decoded(std::string_view url) {
  constexpr std::string_view kDecoded = ":/?@!$'()*,;";
  std::string out;
  for (std::size_t i = 0; i < url.size(); ++i) {
    if (url[i] == '%' && i + 2 < url.size()) {
      const auto byte = from_hex(url.substr(i + 1, 2));
      if (byte && kDecoded.find((*byte)[0]) != std::string_view::npos) {
        out += (*byte)[0];
        i += 2;
        continue;
      }
    }
    out += url[i];
  }
  return out;
}

/// The URL with its scheme's port where it names none, and without it where it does (Twilio signs either).
std::string with_other_port(std::string_view url) {
  const bool tls = url.starts_with("https://");
  const std::size_t begin = tls ? 8 : url.starts_with("http://") ? 7 : std::string_view::npos;
  if (begin == std::string_view::npos) return std::string(url);
  const std::size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  const std::string_view port = tls ? ":443" : ":80";
  std::string authority(url.substr(begin, end - begin));
  const bool v6 = authority.ends_with(']');
  if (authority.ends_with(port)) {
    authority.resize(authority.size() - port.size());
  } else if (v6 || authority.find(':') == std::string::npos) {
    authority += port;
  }
  return std::string(url.substr(0, begin)) + authority + std::string(url.substr(end));
}

/// One way in which the request may have been signed: what the engine tries for each key.
class Attempt {
 public:
  Attempt(const Scheme& scheme, const Ingredients& from, std::span<const std::string_view> signatures)
      : scheme_(scheme), from_(from), signatures_(signatures) {}

  /// Looks at all signatures, whichever fits.
  bool fits(const SchemeKey& key) {
    switch (scheme_.kind) {
      case Scheme::Kind::hmac:
      case Scheme::Kind::digest: return any_equal(mac(key));
      case Scheme::Kind::token: return any_text(key.text());
      case Scheme::Kind::basic: return any_text(to_base64(key.text()));
      case Scheme::Kind::public_key: return any_verified(key);
      case Scheme::Kind::jwt: return token_fits(key);
      case Scheme::Kind::none: return true;
    }
    return false;
  }

  const std::string& expected() const { return expected_; }
  const std::string& got() const { return got_; }
  bool readable() const { return readable_; }

 private:
  std::string mac(const SchemeKey& key) const {
    const Recipe* content = chosen(scheme_.content, from_);
    const Scheme::Algorithm* algorithm = chosen(scheme_.algorithm, from_);
    const Hash* hash = algorithm == nullptr ? nullptr : std::get_if<Hash>(algorithm);
    if (content == nullptr || hash == nullptr) return {};
    Ingredients with = from_;
    with.secret = key.text();
    if (scheme_.kind == Scheme::Kind::digest) return digest(*hash, content->make(with).text());
    if (key.hmac() == nullptr) return {};
    const Recipe::Made made = content->make(with);
    return key.hmac()->sign(made.pieces);
  }

  bool any_equal(const std::string& expected) {
    expected_ = expected;
    bool fits = false;
    for (const std::string_view text : signatures_) {
      const auto bytes = decoded(scheme_.encoding, text);
      if (!bytes) continue;
      readable_ = true;
      got_ = *bytes;
      fits = (!expected.empty() && equal_in_constant_time(*bytes, expected)) || fits;
    }
    return fits;
  }

  /// By their hashes, so that the time does not depend on the secret's length either.
  bool any_text(std::string_view expected) {
    readable_ = true;
    bool fits = false;
    const std::string wanted = digest(Hash::sha256, expected);
    for (const std::string_view text : signatures_) {
      fits = equal_in_constant_time(digest(Hash::sha256, text), wanted) || fits;
    }
    return fits;
  }

  bool any_verified(const SchemeKey& key) {
    const Recipe* content = chosen(scheme_.content, from_);
    const Scheme::Algorithm* algorithm = chosen(scheme_.algorithm, from_);
    const auto* kind = algorithm == nullptr ? nullptr : std::get_if<PublicAlgorithm>(algorithm);
    if (content == nullptr || kind == nullptr || key.public_key() == nullptr) return false;
    const std::string message = content->make(from_).text();
    return std::ranges::any_of(signatures_, [&](std::string_view text) {
      if (!from_.request.work().take(message.size())) return false;
      const auto bytes = decoded(scheme_.encoding, text);
      readable_ = readable_ || bytes;
      return bytes && key.public_key()->fits(*kind, message, *bytes);
    });
  }

  /// The token names its algorithm; only those count that the scheme allows, and only with a key of that
  /// kind.
  bool token_fits(const SchemeKey& key) {
    const std::size_t dot = from_.token.rfind('.');
    if (dot == std::string_view::npos) return false;
    const auto signature = from_base64url(from_.token.substr(dot + 1));
    const auto names = from_.find({Location::In::jwt_head, "alg"});
    if (!signature || names.empty()) return false;
    readable_ = true;
    const std::string_view message = from_.token.substr(0, dot);
    if (names[0] == "HS256") {
      if (!scheme_.token_hs256 || key.hmac() == nullptr) return false;
      return equal_in_constant_time(key.hmac()->sign({message}), *signature);
    }
    struct Named {
      std::string_view name;
      PublicAlgorithm algorithm;
    };
    constexpr std::array kNames = {Named{"ES256", PublicAlgorithm::es256},
                                   Named{"RS256", PublicAlgorithm::rsa_sha256},
                                   Named{"EdDSA", PublicAlgorithm::ed25519}};
    const auto named = std::ranges::find(kNames, names[0], &Named::name);
    if (named == kNames.end() || key.public_key() == nullptr) return false;
    const bool allowed =
        std::ranges::find(scheme_.token_algorithms, named->algorithm) != scheme_.token_algorithms.end();
    return allowed && key.public_key()->fits(named->algorithm, message, *signature);
  }

  const Scheme& scheme_;
  const Ingredients& from_;
  std::span<const std::string_view> signatures_;
  std::string expected_;
  std::string got_;
  bool readable_ = false;
};

Check check_claims(const Scheme& scheme, const Ingredients& from) {
  for (const Scheme::Claim& claim : scheme.claims) {
    const auto values = from.find(claim.at);
    const std::string expected = claim.value.make(from).text();
    if (values.empty() || !equal_in_constant_time(values.front(), expected)) {
      return failed(Step::claim_differs, to_string(claim.at) + (values.empty() ? " is missing" : " differs") +
                                             ": the request was changed, or signed for something else");
    }
  }
  return {};
}

/// RFC 7519 §4.1.4 to 4.1.6, with some seconds for clocks that are wrong; RFC 7515 §4.1.11.
Check check_token(const Scheme& scheme, const Ingredients& from, base::Time now) {
  if (!from.find({Location::In::jwt_head, "crit"}).empty())
    return failed(Step::claim_differs, "the token asks for extensions (crit), which are not known here");
  constexpr double kLeewaySeconds = 60;
  const double seconds = static_cast<double>(base::to_micros(now)) / 1e6;
  struct Bound {
    const char* claim;
    bool is_end;
    const char* said;
  };
  for (const Bound& bound : {Bound{"exp", true, "the token has expired (exp)"},
                             Bound{"nbf", false, "the token does not count yet (nbf)"},
                             Bound{"iat", false, "the token was issued in the future (iat)"}}) {
    const Location claim{Location::In::jwt, bound.claim};
    // The scheme has its own tolerance for what it takes for the timestamp.
    if (scheme.timestamp && std::ranges::find(scheme.timestamp->at, claim) != scheme.timestamp->at.end())
      continue;
    const auto values = from.find(claim);
    if (values.empty()) continue;
    const std::string& text = values.front();
    double moment = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), moment);
    if (error != std::errc{} || stop != text.data() + text.size())
      return failed(Step::timestamp_unreadable,
                    std::string(bound.claim) + " of the token is not a number of seconds");
    const bool good = bound.is_end ? moment > seconds - kLeewaySeconds : moment <= seconds + kLeewaySeconds;
    if (!good)
      return failed(Step::timestamp_outside,
                    std::string(bound.said) + ": a repeated request, or a clock that is wrong");
  }
  return {};
}

/// What the key has signed, where it signs what strangers ask for as well: it is a secret then. Of a token
/// its head and claims.
std::optional<std::string> signed_text(const Scheme& scheme, const Ingredients& from) {
  if (scheme.kind == Scheme::Kind::jwt) {
    if (!scheme.token_hs256) return std::nullopt;
    return std::string(from.token.substr(0, from.token.rfind('.')));
  }
  const Recipe* content = chosen(scheme.content, from);
  return content == nullptr ? std::nullopt : std::optional(content->make(from).text());
}

/// What a handshake signs for whoever asks is no webhook.
Check check_domain(const Scheme& scheme, const Ingredients& from) {
  if (!scheme.signs_for_strangers()) return {};
  const auto text = signed_text(scheme, from);
  if (!text || !is_handshake_text(*text)) return {};
  return failed(Step::signature_differs,
                "what is signed looks like a token, which a handshake of this scheme signs for anybody");
}

Check no_signature(const Scheme& scheme, const Items& items) {
  std::string places;
  for (const Location& place : scheme.signature) {
    if (!places.empty()) places += " or ";
    places += to_string(place);
  }
  if (items.values.empty()) return failed(Step::signature_missing, places + " is missing");
  return failed(Step::signature_missing, places + " has nothing that begins with '" + scheme.prefix + "'");
}

}  // namespace

std::vector<std::string> signed_urls(const Scheme& scheme, const RequestView& request) {
  switch (scheme.url) {
    case Scheme::Url::configured: return {std::string(request.url())};
    case Scheme::Url::port_variants: return {std::string(request.url()), with_other_port(request.url())};
    case Scheme::Url::hubspot_decoded: return {hubspot_decoded(request.url())};
  }
  return {};
}

std::string_view name(Check::Step step) {
  constexpr std::array<std::string_view, 10> kNames = {"passed",
                                                       "signature_missing",
                                                       "timestamp_missing",
                                                       "timestamp_unreadable",
                                                       "timestamp_outside",
                                                       "signature_unreadable",
                                                       "signature_differs",
                                                       "claim_differs",
                                                       "key_missing",
                                                       "too_much_work"};
  return kNames[static_cast<std::size_t>(step)];
}

bool Scheme::signs_elements() const {
  return each &&
         std::ranges::any_of(signature, [](const Location& at) { return at.in == Location::In::json; });
}

namespace {

Check look(const Scheme& scheme, std::span<const SchemeKey* const> keys, const RequestView& request,
           base::Time now) {
  Ingredients from{.request = request, .url = request.url()};
  const Items items = find_items(scheme, from);
  const auto signatures = signatures_of(scheme, items);
  from.items = items.items;
  if (signatures.empty()) return no_signature(scheme, items);
  if (scheme.kind == Scheme::Kind::jwt) from.token = signatures.front();

  std::string timestamp;
  if (scheme.timestamp) {
    for (const Location& at : scheme.timestamp->at) {
      auto values = from.find(at);
      if (values.empty()) continue;
      timestamp = std::move(values.front());
      break;
    }
    if (timestamp.empty()) {
      return failed(Step::timestamp_missing, to_string(scheme.timestamp->at.front()) + " is missing");
    }
  }
  from.timestamp = timestamp;
  std::string id;
  for (const Location& at : scheme.id) {
    if (auto values = from.find(at); !values.empty()) {
      id = std::move(values.front());
      break;
    }
  }
  from.id = id;
  if (keys.empty()) return failed(Step::key_missing, "there is no secret to verify with");

  Check result = failed(Step::signature_differs,
                        "no signature fits: another secret, or the body is not what was signed");
  bool readable = false;
  for (const std::string& url : signed_urls(scheme, request)) {
    from.url = url;
    Attempt attempt(scheme, from, signatures);
    for (std::size_t i = 0; i < std::min(keys.size(), kSchemeKeysMax); ++i) {
      const bool fits = attempt.fits(*keys[i]);
      if (fits && !result.key) {
        result.key = i;
        from.secret = keys[i]->text();
      }
      if (!result.key && result.expected.empty() && !attempt.expected().empty()) {
        result.expected = shown(scheme.encoding, attempt.expected());
        result.got = shown(scheme.encoding, attempt.got());
      }
    }
    readable = readable || attempt.readable();
    if (result.key) break;
  }
  if (!result.key) {
    if (!readable) {
      result = failed(Step::signature_unreadable, "the signature cannot be decoded");
    }
    return result;
  }
  // Said only of a request that somebody with the secret has signed.
  if (scheme.timestamp && scheme.timestamp->tolerance.count() > 0) {
    if (Check time = check_time(*scheme.timestamp, timestamp, now); !time.passed()) return time;
  }
  if (scheme.kind == Scheme::Kind::jwt) {
    if (Check token = check_token(scheme, from, now); !token.passed()) return token;
  }
  if (Check domain = check_domain(scheme, from); !domain.passed()) return domain;
  if (Check claims = check_claims(scheme, from); !claims.passed()) return claims;
  return {.step = Step::passed, .key = result.key};
}

}  // namespace

Check check(const Scheme& scheme, std::span<const SchemeKey* const> keys, const RequestView& request,
            base::Time now) {
  Check checked = scheme.kind == Scheme::Kind::none ? Check{} : look(scheme, keys, request, now);
  // With a problem nothing was found and made any more: what came of that says nothing.
  if (request.work().has_problem()) return failed(Step::too_much_work, request.work().problem());
  return checked;
}

std::optional<EventName> event_id(const Scheme& scheme, const RequestView& request) {
  Ingredients from{.request = request, .url = request.url()};
  const Items items = find_items(scheme, from);
  from.items = items.items;
  const auto signatures = signatures_of(scheme, items);
  if (scheme.kind == Scheme::Kind::jwt && !signatures.empty()) from.token = signatures.front();
  for (const Location& at : scheme.id) {
    if (auto values = from.find(at); !values.empty() && !values.front().empty())
      return EventName{std::move(values.front())};
  }
  if (scheme.id_hash) return EventName{scheme.id_hash->hash(from), true};
  return std::nullopt;
}

std::optional<std::string> token_head(const Scheme& scheme, const RequestView& request,
                                      std::string_view member) {
  const Items items = find_items(scheme, {.request = request});
  const auto signatures = signatures_of(scheme, items);
  if (signatures.empty()) return std::nullopt;
  auto values = Ingredients{.request = request, .token = signatures.front()}.find(
      {Location::In::jwt_head, std::string(member)});
  if (values.empty()) return std::nullopt;
  return std::move(values.front());
}

std::string key_query(const Scheme& scheme, const SchemeKey* secret, const RequestView& request) {
  const Items items = find_items(scheme, {.request = request});
  const auto signatures = signatures_of(scheme, items);
  Ingredients from{.request = request};
  if (!signatures.empty()) from.token = signatures.front();
  if (secret != nullptr) from.secret = secret->text();
  return scheme.key.set_query->make(from, kFilledBytesMax).text();
}

}  // namespace crypto
