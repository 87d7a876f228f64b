#include "inbound/receive/content_key.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace inbound {

namespace {

using crypto::Location;
using namespace std::string_view_literals;

/// Headers of HTTP itself, or of something on the way; with a dash at the end all that begin so.
constexpr std::array kOfTransfer = {
    "accept"sv,      "accept-"sv,    "authorization"sv, "baggage"sv,      "cache-"sv,
    "cdn-"sv,        "cf-"sv,        "connection"sv,    "content-"sv,     "cookie"sv,
    "expect"sv,      "fastly-"sv,    "fly-"sv,          "forwarded"sv,    "from"sv,
    "host"sv,        "if-"sv,        "keep-alive"sv,    "origin"sv,       "pragma"sv,
    "priority"sv,    "proxy-"sv,     "range"sv,         "referer"sv,      "rndr-"sv,
    "sec-"sv,        "te"sv,         "trailer"sv,       "transfer-"sv,    "true-client-"sv,
    "uber-"sv,       "unique-id"sv,  "upgrade"sv,       "user-agent"sv,   "via"sv,
    "x-amz-cf-"sv,   "x-amzn-"sv,    "x-appengine-"sv,  "x-arr-"sv,       "x-azure-"sv,
    "x-b3-"sv,       "x-cache-"sv,   "x-client-"sv,     "x-cloud-"sv,     "x-datadog-"sv,
    "x-edge-"sv,     "x-envoy-"sv,   "x-forwarded-"sv,  "x-ms-client-"sv, "x-newrelic-"sv,
    "x-original-"sv, "x-railway-"sv, "x-real-"sv,       "x-served-"sv,    "x-unique-id"sv,
    "x-varnish"sv,   "x-vercel-id"sv};

/// Parts of names of what is new with each attempt, or counts them.
constexpr std::array kOfAttempt = {"attempt"sv,   "correlation"sv, "elapsed"sv,      "nonce"sv,
                                   "redeliver"sv, "request-id"sv,  "request-uuid"sv, "requestid"sv,
                                   "retries"sv,   "retry"sv,       "signature"sv,    "span"sv,
                                   "timestamp"sv, "trace"sv};
constexpr std::array kWordsOfAttempt = {"auth"sv,   "date"sv,   "digest"sv, "hash"sv,   "hmac"sv,
                                        "mac"sv,    "md5"sv,    "sent"sv,   "secret"sv, "sha1"sv,
                                        "sha256"sv, "sha512"sv, "sig"sv,    "sign"sv,   "time"sv,
                                        "token"sv,  "tries"sv,  "try"sv,    "ts"sv};

/// Words of names of what is another with another event; longer words may end with them.
constexpr std::array kOfEvent = {
    "action"sv,    "change"sv,   "channel"sv,  "delivery"sv, "entity"sv, "event"sv,  "guid"sv,
    "id"sv,        "index"sv,    "kind"sv,     "message"sv,  "number"sv, "object"sv, "offset"sv,
    "operation"sv, "resource"sv, "sequence"sv, "serial"sv,   "state"sv,  "status"sv, "subject"sv,
    "topic"sv,     "trigger"sv,  "type"sv,     "uuid"sv,     "version"sv};
constexpr std::array kShortOfEvent = {"count"sv, "counter"sv, "idempotency"sv, "ids"sv, "msg"sv,
                                      "no"sv,    "nr"sv,      "num"sv,         "seq"sv, "ulid"sv};

template <class F>
bool any_word(std::string_view name, const F& fits) {
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of("-_."), name.size());
    if (fits(name.substr(0, end))) return true;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return false;
}

/// Of a name in lower case: whether it is one of the attempt, not of the event.
bool is_of_attempt(std::string_view name) {
  if (name.contains("idempotency")) return false;
  return std::ranges::any_of(kOfAttempt, [&](std::string_view part) { return name.contains(part); }) ||
         any_word(name, [](std::string_view word) {
           return std::ranges::find(kWordsOfAttempt, word) != kWordsOfAttempt.end();
         });
}

/// Parts one after the other, so that no two lists of them are one text.
class Parts {
 public:
  void add(std::string_view part) { text_.append(std::to_string(part.size())).append(":").append(part); }
  std::string hash() const { return crypto::digest(crypto::Hash::sha256, text_).substr(0, 16); }

 private:
  std::string text_;
};

bool is_at(std::span<const Location> places, Location::In in, std::string_view name) {
  return std::ranges::any_of(places, [&](const Location& place) {
    return place.in == in && http::equals_ignoring_case(place.name, name);
  });
}

bool is_read(const PreparedEndpoint& endpoint, std::string_view header) {
  const PreparedRules& rules = *endpoint.rules;
  for (const auto* places : {&rules.event_type, &rules.table, &rules.record_id, &rules.event_id}) {
    if (is_at(*places, Location::In::header, header)) return true;
  }
  return is_at(endpoint.scheme().id, Location::In::header, header);
}

/// The query in its order, without what proves the sender. What else is new with each attempt cannot be told
/// from what says which event it is: "key" and "time" are names of either.
std::string lasting_query(const crypto::Scheme& scheme, std::string_view query) {
  std::string kept;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view member = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto decoded = http::parse_query(member.substr(0, member.find('=')));
    const std::string name = decoded.empty() ? std::string() : decoded.front().first;
    const bool proof = is_at(scheme.signature, Location::In::query, name) ||
                       (scheme.timestamp && is_at(scheme.timestamp->at, Location::In::query, name));
    const std::string lower = base::lower_ascii(name);
    if (!proof && !lower.contains("signature") && !lower.contains("nonce")) kept.append(member).append("&");
  }
  return kept;
}

}  // namespace

bool tells_apart(std::string_view header) {
  const std::string name = base::lower_ascii(header);
  const auto is_of_transfer = [&](std::string_view known) {
    return known.ends_with('-') ? name.starts_with(known) : name == known;
  };
  if (std::ranges::any_of(kOfTransfer, is_of_transfer)) return false;
  if (is_of_attempt(name)) return false;
  return any_word(name, [](std::string_view word) {
    return std::ranges::find(kShortOfEvent, word) != kShortOfEvent.end() ||
           std::ranges::any_of(kOfEvent, [&](std::string_view end) { return word.ends_with(end); });
  });
}

std::string content_hash(const PreparedEndpoint& endpoint, const http::Request& request) {
  Parts parts;
  parts.add(request.method);
  parts.add(request.path);
  parts.add(lasting_query(endpoint.scheme(), request.query));
  std::vector<std::pair<std::string, std::string_view>> headers;
  for (const auto& [name, value] : request.headers) {
    if (is_read(endpoint, name) || tells_apart(name)) headers.emplace_back(base::lower_ascii(name), value);
  }
  std::ranges::sort(headers);
  for (const auto& [name, value] : headers) {
    parts.add(name);
    parts.add(value);
  }
  parts.add(request.body);
  return parts.hash();
}

}  // namespace inbound
