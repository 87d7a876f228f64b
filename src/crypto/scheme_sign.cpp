#include <algorithm>

#include "crypto/encoding.hpp"
#include "crypto/scheme_signature.hpp"

namespace crypto {

namespace {

using base::Code;
using base::fail;
using Headers = std::vector<std::pair<std::string, std::string>>;

std::string encoded(Scheme::Encoding encoding, std::string_view bytes) {
  switch (encoding) {
    case Scheme::Encoding::hex: return to_hex(bytes);
    case Scheme::Encoding::base64: return to_base64(bytes);
    case Scheme::Encoding::base64url: return to_base64url(bytes);
    case Scheme::Encoding::raw: break;
  }
  return std::string(bytes);
}

std::string time_text(Scheme::Timestamp::Unit unit, base::Time at) {
  const std::int64_t micros = base::to_micros(at);
  switch (unit) {
    case Scheme::Timestamp::Unit::seconds: return std::to_string(micros / 1'000'000);
    case Scheme::Timestamp::Unit::milliseconds: return std::to_string(micros / 1000);
    case Scheme::Timestamp::Unit::iso: break;
  }
  return base::to_rfc3339(at);
}

template <class T>
base::Result<const T*> choose(const Choice<T>& choice, const Ingredients& from) {
  if (!choice.by) {
    if (choice.cases.empty()) return fail(Code::invalid, "the scheme says nothing of how it signs");
    return &choice.cases.front().second;
  }
  const auto values = from.find(*choice.by);
  const auto found = values.empty()
                         ? choice.cases.end()
                         : std::ranges::find(choice.cases, values.front(), &std::pair<std::string, T>::first);
  if (found == choice.cases.end()) {
    return fail(Code::invalid, to_string(*choice.by) + " must say how the request is signed");
  }
  return &found->second;
}

/// A request that is being signed: it has the timestamp and the id that go with it already.
class Signed final : public RequestView {
 public:
  Signed(const RequestView& request, const Headers& headers) : request_(request), headers_(headers) {}

  std::string_view method() const override { return request_.method(); }
  std::string_view url() const override { return request_.url(); }
  std::string_view path() const override { return request_.path(); }
  std::string_view query() const override { return request_.query(); }
  std::string_view body() const override { return request_.body(); }
  std::vector<std::string> find(const Location& location) const override {
    if (location.in == Location::In::header) {
      for (const auto& [name, value] : headers_) {
        if (name == location.name) return {value};
      }
    }
    return request_.find(location);
  }
  const Fields& form() const override { return request_.form(); }
  std::vector<std::string> find_in_json(std::string_view json, std::string_view member) const override {
    return request_.find_in_json(json, member);
  }
  Work& work() const override { return work_; }  // its own: it has other headers

 private:
  const RequestView& request_;
  const Headers& headers_;
  mutable Work work_{Work::bytes_max_of(request_.body().size())};
};

/// {"alg"}.{claims, iat}, signed.
base::Result<std::string> make_token(const Scheme& scheme, const SchemeKey* key, const Ingredients& from,
                                     const Signing& signing) {
  const bool by_secret = scheme.token_hs256 && key != nullptr && key->hmac() != nullptr;
  if (!by_secret && (signing.private_key == nullptr || scheme.token_algorithms.empty())) {
    return fail(Code::invalid, "a token of this scheme is signed with the sender's private key");
  }
  const PublicAlgorithm algorithm = by_secret ? PublicAlgorithm::es256 : scheme.token_algorithms.front();
  const char* named = by_secret                                  ? "HS256"
                      : algorithm == PublicAlgorithm::es256      ? "ES256"
                      : algorithm == PublicAlgorithm::rsa_sha256 ? "RS256"
                                                                 : "EdDSA";
  std::string claims = "{\"iat\":" + time_text(Scheme::Timestamp::Unit::seconds, signing.at);
  for (const Scheme::Claim& claim : scheme.claims) {
    if (claim.at.in != Location::In::jwt) continue;
    claims.append(",\"")
        .append(claim.at.name)
        .append("\":\"")
        .append(claim.value.make(from).text())
        .append("\"");
  }
  claims += "}";
  std::string token =
      to_base64url(std::string("{\"alg\":\"") + named + "\",\"typ\":\"JWT\"}") + "." + to_base64url(claims);
  if (by_secret) return token + "." + to_base64url(key->hmac()->sign({token}));
  XD_TRY(const std::string signature, signing.private_key->sign(algorithm, token));
  return token + "." + to_base64url(signature);
}

base::Result<std::string> signature_of(const Scheme& scheme, const SchemeKey* key, Ingredients from,
                                       const Signing& signing) {
  if (key != nullptr) from.secret = key->text();
  switch (scheme.kind) {
    case Scheme::Kind::token: return std::string(from.secret);
    case Scheme::Kind::basic: return to_base64(from.secret);
    case Scheme::Kind::jwt: return make_token(scheme, key, from, signing);
    case Scheme::Kind::none: return fail(Code::invalid, "this scheme has no signature");
    case Scheme::Kind::hmac:
    case Scheme::Kind::digest:
    case Scheme::Kind::public_key: break;
  }
  XD_TRY(const Recipe* content, choose(scheme.content, from));
  XD_TRY(const Scheme::Algorithm* algorithm, choose(scheme.algorithm, from));
  const Recipe::Made made = content->make(from);
  if (from.request.work().has_problem()) return fail(Code::too_large, from.request.work().problem());
  if (const auto* pair = std::get_if<PublicAlgorithm>(algorithm)) {
    if (signing.private_key == nullptr) {
      return fail(Code::invalid, "this scheme is signed with the sender's private key");
    }
    XD_TRY(const std::string bytes, signing.private_key->sign(*pair, made.text()));
    return encoded(scheme.encoding, bytes);
  }
  if (scheme.kind == Scheme::Kind::digest) {
    return encoded(scheme.encoding, digest(std::get<Hash>(*algorithm), made.text()));
  }
  if (key == nullptr || key->hmac() == nullptr) return fail(Code::invalid, "this scheme signs with a secret");
  return encoded(scheme.encoding, key->hmac()->sign(made.pieces));
}

/// Whether an item of scheme.order stands for the timestamp.
bool is_timestamp(const Scheme& scheme, std::string_view item) {
  return scheme.timestamp && scheme.timestamp->at.front() == Location{Location::In::item, std::string(item)};
}

/// The items that are neither signatures nor the timestamp.
std::vector<std::string_view> constants_of(const Scheme& scheme) {
  std::vector<std::string_view> found;
  for (const std::string& item : scheme.order) {
    if (item != scheme.prefix && !is_timestamp(scheme, item)) found.push_back(item);
  }
  return found;
}

std::vector<std::string> in_order(const Scheme& scheme, const std::string& timestamp,
                                  const std::vector<std::string>& signatures) {
  std::vector<std::string> items;
  for (const std::string& item : scheme.order) {
    if (item == scheme.prefix) {
      items.insert(items.end(), signatures.begin(), signatures.end());
    } else {
      items.push_back(is_timestamp(scheme, item) ? item + timestamp : item);
    }
  }
  return items;
}

/// What goes with a signature: headers to add, items of its list, and what is signed with the rest.
struct Accompaniment {
  Headers headers{};
  std::vector<std::string> items{};
  std::string timestamp{};
  std::string id{};
};

Accompaniment accompany(const Scheme& scheme, const RequestView& request, const Signing& signing) {
  Accompaniment with{.id = signing.id};
  if (scheme.timestamp) {
    const Location& at = scheme.timestamp->at.front();
    with.timestamp = time_text(scheme.timestamp->unit, signing.at);
    if (at.in == Location::In::header) with.headers.emplace_back(at.name, with.timestamp);
    if (at.in == Location::In::item) with.items.push_back(at.name + with.timestamp);
    if (at.in == Location::In::json) {
      if (const auto values = request.find(at); !values.empty()) with.timestamp = values.front();
    }
  }
  if (!scheme.id.empty()) {
    const Location& at = scheme.id.front();
    const auto values = request.find(at);
    if (!values.empty()) {
      with.id = values.front();
    } else if (at.in == Location::In::header && !with.id.empty()) {
      with.headers.emplace_back(at.name, with.id);
    }
  }
  return with;
}

}  // namespace

base::Result<Headers> sign(const Scheme& scheme, std::span<const SchemeKey* const> keys,
                           const RequestView& request, const Signing& signing) {
  if (scheme.kind == Scheme::Kind::none) return Headers{};
  if (scheme.signature.empty() || scheme.signature.front().in != Location::In::header) {
    return fail(Code::invalid,
                "the scheme has its signature in " +
                    (scheme.signature.empty() ? "no place" : to_string(scheme.signature.front())) +
                    ", which is the sender's business; only headers can be added");
  }
  Accompaniment more = accompany(scheme, request, signing);
  Headers& headers = more.headers;
  const Signed with(request, headers);
  const std::string url = signed_urls(scheme, request).front();
  const std::vector<std::string_view> constants = constants_of(scheme);
  const Ingredients from{
      .request = with, .timestamp = more.timestamp, .id = more.id, .url = url, .items = constants};
  const std::string& name = scheme.signature.front().name;
  const bool family = name.ends_with('*');
  std::vector<const SchemeKey*> signing_keys(keys.begin(), keys.end());
  if (signing_keys.empty()) signing_keys.push_back(nullptr);
  if (!family && scheme.separator.empty()) signing_keys.resize(1);
  std::vector<std::string> signatures;
  for (const SchemeKey* key : signing_keys) {
    XD_TRY(const std::string signature, signature_of(scheme, key, from, signing));
    signatures.push_back(scheme.prefix + signature);
  }
  if (family) {
    for (std::size_t i = 0; i < signatures.size(); ++i) {
      headers.emplace_back(name.substr(0, name.size() - 1) + std::to_string(i + 1), signatures[i]);
    }
    return std::move(headers);
  }
  if (scheme.order.empty())
    std::ranges::move(signatures, std::back_inserter(more.items));
  else
    more.items = in_order(scheme, more.timestamp, signatures);
  std::string value;
  for (const std::string& item : more.items) value.append(value.empty() ? "" : scheme.separator).append(item);
  headers.emplace_back(name, std::move(value));
  return std::move(headers);
}

base::Result<std::string> signature(const Scheme& scheme, const SchemeKey* key, const RequestView& request,
                                    const Signing& signing) {
  const Accompaniment more = accompany(scheme, request, signing);
  const std::string url = signed_urls(scheme, request).front();
  const Ingredients from{.request = request, .timestamp = more.timestamp, .id = more.id, .url = url};
  XD_TRY(const std::string text, signature_of(scheme, key, from, signing));
  return scheme.prefix + text;
}

}  // namespace crypto
