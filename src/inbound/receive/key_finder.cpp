#include "inbound/receive/key_finder.hpp"

#include "base/log.hpp"
#include "crypto/encoding.hpp"
#include "format/json.hpp"
#include "inbound/receive/refusal.hpp"

namespace inbound {

namespace {

using namespace std::chrono_literals;
using base::Code;
using base::fail;
using base::Result;
using crypto::PublicKey;
using crypto::SchemeKey;
using Source = crypto::Scheme::KeyRule::Source;

constexpr auto kMaxAge = 3600s;
constexpr auto kSetRefresh = 60s;  // a kid that a set has not is looked for again after that
constexpr auto kStaleMax = 24h;    // so long what is known counts where it cannot be got anew
constexpr auto kFailureAge = 10s;  // what could not be got is not asked for again before
constexpr auto kTimeout = 10s;     // senders wait for about 15
constexpr std::size_t kEntriesMax = 1000;
constexpr std::size_t kMetersMax = 10'000;
constexpr std::size_t kPatternsMax = 200;  // of some ten kilobytes each
constexpr std::size_t kKeysMax = 100;

std::string first_at(const crypto::Location& place, const Message& message) {
  auto found = message.find(place);
  return found.empty() ? std::string() : std::move(found.front());
}

http::OutboundRequest get_request(std::string url) {
  http::OutboundRequest request;
  request.method = "GET";
  request.url = std::move(url);
  request.total_timeout = kTimeout;
  return request;
}

/// Says of an answer that is none why it cannot be used: not_found where what is known is over with it.
Result<void> check_answer(const http::OutboundResponse& response) {
  if (response.failure != http::Failure::none)
    return fail(Code::unavailable, std::string(http::error_class(response.failure)) + ": " + response.error);
  if (response.status < 200 || response.status > 299) {
    const bool passing = response.status / 100 == 5 || response.status == 429 || response.status == 408;
    return fail(passing ? Code::unavailable : Code::not_found, "status " + std::to_string(response.status));
  }
  if (response.body_truncated) return fail(Code::unavailable, "it is longer than 64 KiB");
  return {};
}

/// What whoever sends the request is told; why stands in the log.
std::unexpected<base::Error> not_now() {
  return fail(Code::unavailable, "the sender's key cannot be got at the moment; send it again");
}

std::string member(const format::Value& object, std::string_view name) {
  const format::Value* value = object.is_object() ? object.find(name) : nullptr;
  return value != nullptr && value->is_string() ? std::string(value->text()) : std::string();
}

/// RFC 7517: of the kinds that tokens are verified with here.
Result<PublicKey> key_of(const format::Value& jwk) {
  const auto number = [&](const char* name) {
    return crypto::from_base64url(member(jwk, name)).value_or("");
  };
  const std::string kind = member(jwk, "kty");
  const std::string curve = member(jwk, "crv");
  if (kind == "EC" && curve == "P-256") return PublicKey::from_p256(number("x"), number("y"));
  if (kind == "OKP" && curve == "Ed25519") return PublicKey::from_ed25519(number("x"));
  if (kind == "RSA") return PublicKey::from_rsa(number("n"), number("e"));
  return fail(Code::invalid, "a key of another kind");
}

bool is_for_signatures(const format::Value& jwk) {
  const std::string use = member(jwk, "use");
  const format::Value* expired = jwk.find("expired_at");  // Plaid's
  return (use.empty() || use == "sig") && (expired == nullptr || expired->is_null());
}

}  // namespace

bool KeyFinder::is_needed(const crypto::Scheme& scheme) {
  return scheme.key.source == Source::certificate || scheme.key.source == Source::key_set;
}

base::Task<KeyFinder::Keys> KeyFinder::find(const PreparedEndpoint& endpoint, const SchemeKey* secret,
                                            const Message& message) {
  if (endpoint.scheme().key.source == Source::certificate)
    co_return co_await find_certificate(endpoint, message);
  co_return co_await find_in_set(endpoint, secret, message);
}

base::Task<KeyFinder::Keys> KeyFinder::find_certificate(const PreparedEndpoint& endpoint,
                                                        const Message& message) {
  const std::string url = first_at(*endpoint.scheme().key.certificate_at, message);
  XD_CO_TRY(const bool allowed, co_await is_allowed(*endpoint.config, endpoint.scheme().key.pattern, url));
  if (!allowed) co_return Keys{};
  const Read read = [](const http::OutboundResponse& response, base::Time now) -> Result<KeySet> {
    XD_DO(check_answer(response));
    auto key = PublicKey::from_certificate(response.body, now);
    if (!key) return fail(Code::not_found, key.error().message);
    return KeySet{{"", std::make_shared<const SchemeKey>(std::move(*key))}};
  };
  XD_CO_TRY(const Outcome outcome,
            co_await get(endpoint, "certificate " + url, get_request(url), read, kMaxAge));
  if (!*outcome) co_return not_now();
  co_return Keys{(*outcome)->begin()->second};
}

Result<KeyFinder::KeySet> KeyFinder::read_set(const http::OutboundResponse& response, base::Time) {
  XD_DO(check_answer(response));
  const auto document = format::parse_json(response.body);
  if (!document || !document->root().is_object())
    return fail(Code::unavailable, "the set of keys is no JSON object");
  const format::Value& root = document->root();
  const format::Value* list = root.find("keys");
  const format::Value* one = root.find("key");
  const auto keys =
      list != nullptr && list->is_array() ? list->elements() : std::span(one != nullptr ? one : &root, 1);
  KeySet set;
  for (const format::Value& jwk : keys.subspan(0, std::min(keys.size(), kKeysMax))) {
    if (!jwk.is_object() || !is_for_signatures(jwk)) continue;
    auto key = key_of(jwk);
    if (key) set.try_emplace(member(jwk, "kid"), std::make_shared<const SchemeKey>(std::move(*key)));
  }
  return set;
}

base::Task<KeyFinder::Keys> KeyFinder::find_in_set(const PreparedEndpoint& endpoint, const SchemeKey* secret,
                                                   const Message& message) {
  const crypto::Scheme::KeyRule& rule = endpoint.scheme().key;
  const auto kid = crypto::token_head(endpoint.scheme(), message, "kid");
  if (!kid) co_return Keys{};
  http::OutboundRequest request = get_request(rule.set_url);
  std::string name = "keys " + rule.set_url;
  if (rule.set_query) {
    request.method = "POST";
    request.headers = {"Content-Type: application/json"};
    std::string query = crypto::key_query(endpoint.scheme(), secret, message);
    name += "\n" + crypto::to_hex(crypto::digest(crypto::Hash::sha256, query));
    request.body = std::make_shared<const std::string>(std::move(query));
  }
  // Asked for a key that there is not, its owner says so; nothing is wrong with it.
  const Read read_one = [](const http::OutboundResponse& response, base::Time now) -> Result<KeySet> {
    const bool none =
        response.failure == http::Failure::none && (response.status == 400 || response.status == 404);
    return none ? Result<KeySet>(KeySet{}) : read_set(response, now);
  };
  const Read read = rule.set_query ? read_one : Read(read_set);
  Outcome outcome;
  XD_CO_TRY(outcome, co_await get(endpoint, name, request, read, kMaxAge));
  if (*outcome && !(*outcome)->contains(*kid)) {
    XD_CO_TRY(outcome, co_await get(endpoint, name, request, read, kSetRefresh));
  }
  if (!*outcome) co_return not_now();
  const auto found = (*outcome)->find(*kid);
  co_return found == (*outcome)->end() ? Keys{} : Keys{found->second};
}

base::Task<void> KeyFinder::confirm(const PreparedEndpoint& endpoint,
                                    const crypto::Scheme::Challenge& challenge, const Message& message) {
  const std::string url = first_at(*challenge.fetch, message);
  XD_CO_TRY(const bool allowed, co_await is_allowed(*endpoint.config, challenge.fetch_pattern, url));
  if (!allowed) co_return signature_refused();
  if (!may_fetch(endpoint.config->id))
    co_return fail(Code::limited, "too many handshakes at the moment; send it again", "OVERLOADED");
  const http::OutboundResponse response = co_await client_.send(get_request(url));
  if (response.failure == http::Failure::none && response.status / 100 == 2) co_return Result<void>{};
  co_return fail(Code::unavailable, "the URL of the handshake does not answer as it should; send it again");
}

base::Task<KeyFinder::Outcome> KeyFinder::get(const PreparedEndpoint& endpoint, std::string name,
                                              http::OutboundRequest request, Read read,
                                              std::chrono::seconds max_age) {
  const auto known = entries_.find(name);
  std::shared_ptr<Entry> entry = known == entries_.end() ? nullptr : known->second;
  if (entry && entry->fetching) {
    base::Waiter<Outcome> waiter;
    entry->waiting.push_back(&waiter);
    co_return co_await waiter.wait();
  }
  const base::Steady now = clock_.steady();
  if (entry && entry->outcome && now - entry->got < (*entry->outcome ? max_age : kFailureAge))
    co_return entry->outcome;
  if (!may_fetch(endpoint.config->id)) {
    // Whoever uses the fetches up does not take away what is known.
    if (entry && *entry->outcome && now - entry->good < kStaleMax) co_return entry->outcome;
    co_return fail(Code::limited, "too many keys are asked for at the moment; send it again", "OVERLOADED");
  }
  if (!entry) {
    make_room();
    entry = entries_[name] = std::make_shared<Entry>();
  }
  entry->fetching = true;
  const http::OutboundResponse response = co_await client_.send(std::move(request));
  auto outcome = std::make_shared<const Result<KeySet>>(read(response, clock_.now()));
  entry->got = clock_.steady();
  if (*outcome) entry->good = entry->got;
  if (!*outcome) {
    base::log(base::LogLevel::warn, "a sender's key cannot be got",
              {{"endpoint_id", endpoint.config->id}, {"what", name}, {"error", outcome->error().message}});
  }
  // A key that is known stays good while its owner cannot be reached.
  const bool keeps = !*outcome && outcome->error().code == Code::unavailable && entry->outcome &&
                     *entry->outcome && entry->got - entry->good < kStaleMax;
  if (!keeps) entry->outcome = std::move(outcome);
  entry->fetching = false;
  for (base::Waiter<Outcome>* waiter : std::exchange(entry->waiting, {})) waiter->give(entry->outcome);
  co_return entry->outcome;
}

base::Task<bool> KeyFinder::is_allowed(const Endpoint& endpoint, std::string pattern,
                                       const std::string& url) {
  if (!url.starts_with("https://") || url.size() > base::limits::kUrlBytesMax) co_return false;
  auto known = patterns_.find(pattern);
  if (known == patterns_.end()) {
    auto compiled = co_await offload_.run(endpoint.tenant.uuid, [&pattern]() -> Result<format::Regex> {
      return format::Regex::compile(pattern);
    });
    if (!compiled) {
      base::log(base::LogLevel::error, "the pattern of an endpoint's scheme cannot be used; save it again",
                {{"endpoint_id", endpoint.id}, {"error", compiled.error().message}});
    }
    if (patterns_.size() >= kPatternsMax) patterns_.clear();
    known = patterns_.insert_or_assign(std::move(pattern), std::move(compiled)).first;
  }
  if (!known->second) co_return not_now();
  co_return known->second->fits_whole(url);
}

bool KeyFinder::may_fetch(EndpointId endpoint) {
  if (meters_.size() >= kMetersMax) meters_.clear();
  std::unique_ptr<Meter>& meter = meters_[endpoint];
  if (!meter) meter = std::make_unique<Meter>(base::Rate{kFetchesPerMinute, 60s});
  return meter->take(clock_.steady());
}

void KeyFinder::make_room() {
  if (entries_.size() < kEntriesMax) return;
  // Names that strangers made up first: nothing was got for them.
  const auto idle = [](const auto& one) { return !one.second->fetching; };
  if (std::erase_if(entries_, [&](const auto& one) { return idle(one) && !*one.second->outcome; }) > 0)
    return;
  const auto oldest = std::ranges::min_element(
      entries_, {}, [&](const auto& one) { return idle(one) ? one.second->got : base::Steady::max(); });
  if (idle(*oldest)) entries_.erase(oldest);
}

}  // namespace inbound
