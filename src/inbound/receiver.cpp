#include "inbound/receiver.hpp"

#include <array>

#include "base/metrics.hpp"
#include "base/text.hpp"
#include "crypto/encoding.hpp"
#include "format/json.hpp"
#include "format/xml.hpp"
#include "inbound/capture.hpp"

namespace inbound {

namespace {

using base::Code;
using base::fail;
using base::Result;
using crypto::Location;

constexpr std::size_t kExternalIdBytesMax = 255;
constexpr std::size_t kCapturedBytesMax = 500;
constexpr auto kBodyKeyWindow = std::chrono::hours{24};
constexpr std::string_view kHidden = "***";

std::unexpected<base::Error> nobody() {
  return fail(Code::not_found, "there is no endpoint at this address");
}

/// The kinds of schemes whose signature is a secret itself.
bool shows_secret(const crypto::Scheme& scheme) {
  using enum crypto::Scheme::Kind;
  return scheme.kind == token || scheme.kind == basic || scheme.kind == jwt;
}

bool is_secret(const crypto::Scheme& scheme, Location::In in, std::string_view name) {
  if (in == Location::In::header) {
    for (const std::string_view always : {"authorization", "proxy-authorization", "cookie"}) {
      if (http::equals_ignoring_case(name, always)) return true;
    }
  }
  return shows_secret(scheme) && std::ranges::any_of(scheme.signature, [&](const Location& place) {
           if (place.in != in) return false;
           const std::string_view wanted = place.name;
           if (!wanted.ends_with('*')) return http::equals_ignoring_case(wanted, name);
           const std::string_view family = wanted.substr(0, wanted.size() - 1);  // of headers
           return http::equals_ignoring_case(family, name.substr(0, family.size()));
         });
}

std::string headers_json(const crypto::Scheme& scheme, const http::Request& request) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_array();
  for (const auto& [name, value] : request.headers) {
    json.begin_array().value(name);
    json.value(is_secret(scheme, Location::In::header, name) ? kHidden : value).end_array();
  }
  json.end_array();
  return text;
}

/// Printable ASCII as it is, all else as %XX: what is stored is text.
std::string printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    if (c > ' ' && c < 127) {
      text += c;
    } else {
      text += "%" + crypto::to_hex(std::string_view(&c, 1));
    }
  }
  return text;
}

std::string shown_target(const crypto::Scheme& scheme, const http::Request& request) {
  if (!shows_secret(scheme) || request.query.empty()) return printable(request.target);
  std::string text = std::string(request.path) + "?";
  for (std::string_view rest = request.query; !rest.empty();) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view member = rest.substr(0, end);
    const std::string_view name = member.substr(0, member.find('='));
    const auto decoded = http::parse_query(name);
    if (!decoded.empty() && is_secret(scheme, Location::In::query, decoded.front().first)) {
      text.append(name).append("=").append(kHidden);
    } else {
      text.append(member);
    }
    if (end < rest.size()) text += '&';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return printable(text);
}

/// Of schemes whose secret stands in the body.
void hide_secret(const PreparedEndpoint& endpoint, std::size_t key, std::string& body) {
  const bool inside = std::ranges::any_of(endpoint.scheme().signature, [](const Location& place) {
    return place.in == Location::In::json || place.in == Location::In::form || place.in == Location::In::xml;
  });
  if (!shows_secret(endpoint.scheme()) || !inside || key >= endpoint.keys.size()) return;
  const std::string text(endpoint.keys[key].key.text());
  const std::string quoted = format::json_string(text);
  for (const std::string& secret : {text, quoted.substr(1, quoted.size() - 2), format::xml_text(text)}) {
    for (std::size_t at = body.find(secret); !secret.empty() && at != body.npos; at = body.find(secret, at)) {
      body.replace(at, secret.size(), kHidden);
      at += kHidden.size();
    }
  }
}

std::string verification_json(const PreparedEndpoint& endpoint, std::size_t key) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object().key("scheme").value(endpoint.prepared_scheme->name).key("secret");
  key < endpoint.keys.size() ? json.value(endpoint.keys[key].fingerprint) : json.null();
  json.end_object();
  return text;
}

std::string text_at(const std::optional<Location>& place, const crypto::RequestView& view) {
  if (!place) return {};
  if (place->in == Location::In::constant) return place->name;
  auto found = view.find(*place);
  return found.empty() ? std::string() : std::move(found.front());
}

/// What is too long or not printable ASCII stands for itself as a hash.
std::string storable(std::string text) {
  const bool plain = text.size() <= kExternalIdBytesMax &&
                     std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 127; });
  return plain ? text : "sha256:" + crypto::to_hex(crypto::digest(crypto::Hash::sha256, text));
}

std::string external_id(const PreparedEndpoint& endpoint, const crypto::RequestView& view) {
  std::string id = endpoint.rules->event_id ? text_at(endpoint.rules->event_id, view)
                                            : crypto::event_id(endpoint.scheme(), view).value_or("");
  return storable(std::move(id));
}

/// Whether what stands for the event's id is made of its body.
bool is_of_body(const PreparedEndpoint& endpoint, const crypto::RequestView& view) {
  return !endpoint.rules->event_id && endpoint.scheme().id_hash &&
         std::ranges::all_of(endpoint.scheme().id, [&](const Location& at) { return view.find(at).empty(); });
}

std::string order_key(const PreparedEndpoint& endpoint, const crypto::RequestView& view) {
  const std::string id = text_at(endpoint.rules->record_id, view);
  return id.empty() ? id : storable(text_at(endpoint.rules->table, view) + "/" + id);
}

/// What became of a request, or of an element of one.
enum class Ended : std::uint8_t { unknown, forbidden, refused, limited, accepted, duplicate, conflict };

void count(Ended ended) {
  static const auto series = [](const char* result) {
    return &base::metrics().counter("crossdock_received_total",
                                    "Requests at endpoints, by what became of them", {{"result", result}});
  };
  static const std::array all = {series("unknown"), series("forbidden"), series("refused"),
                                 series("limited"), series("accepted"),  series("duplicate"),
                                 series("conflict")};
  all[static_cast<std::size_t>(ended)]->add(1);
}

/// What a scheme fills in, without what would end a header line.
std::string one_line(std::string text) {
  std::erase_if(text, [](char c) { return c < ' ' && c != '\t'; });
  return text;
}

/// Headers that are the server's alone, or that would say something of its whole origin.
bool is_ours(std::string_view name) {
  for (const std::string_view own : {"set-cookie", "content-length", "transfer-encoding", "connection",
                                     "x-content-type-options", "content-security-policy"}) {
    if (http::equals_ignoring_case(name, own)) return true;
  }
  return false;
}

/// Whatever a tenant lets its endpoint answer, no browser is to run it.
void make_harmless(http::Response& response) {
  response.content_type = one_line(std::move(response.content_type));
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Content-Security-Policy", "sandbox; default-src 'none'");
}

/// The status and body that the scheme asks for, or {"id": …}.
http::Response answer(const PreparedEndpoint& endpoint, const Message& message,
                      const std::vector<Receipt>& receipts, bool batch) {
  http::Response response;
  const crypto::Scheme::Reply& reply = endpoint.scheme().reply;
  response.status = reply.ok;
  if (reply.body) {
    if (!reply.type.empty()) response.content_type = reply.type;
    response.body = crypto::fill(*reply.body, nullptr, message);
    make_harmless(response);
    return response;
  }
  if (reply.ok == 204) return response;
  format::JsonWriter json(response.body);
  json.begin_object();
  if (batch) {
    json.key("ids").begin_array();
    for (const Receipt& receipt : receipts) json.value(receipt.id);
    json.end_array();
    json.key("duplicates").value(std::ranges::count_if(receipts, &Receipt::duplicate));
  } else {
    json.key("id").value(receipts.front().id);
    if (receipts.front().duplicate) json.key("duplicate").value(true);
    if (receipts.front().conflict) json.key("conflict").value(true);
  }
  json.end_object();
  return response;
}

http::Response handshake(const crypto::Scheme::Challenge& challenge, const crypto::SchemeKey* key,
                         const Message& message) {
  http::Response response;
  response.status = challenge.answer.status;
  if (!challenge.answer.type.empty()) response.content_type = challenge.answer.type;
  for (const auto& [name, recipe] : challenge.answer.headers) {
    if (!is_ours(name)) {
      response.headers.emplace_back(one_line(name), one_line(crypto::fill(recipe, key, message)));
    }
  }
  response.body = crypto::fill(challenge.answer.body, key, message);
  make_harmless(response);
  return response;
}

bool signs(const crypto::Scheme::Answer& answer) {
  return answer.body.signs() ||
         std::ranges::any_of(answer.headers, [](const auto& header) { return header.second.signs(); });
}

/// Whether a handshake that nothing has verified asks with nothing but tokens. What it asks with is signed
/// for whoever asks: were it a body of JSON, that would be the signature of a webhook.
bool asks_with_tokens(const http::Request& request) {
  if (request.method == "POST") return false;
  return std::ranges::all_of(http::parse_query(request.query), [](const auto& member) {
    return member.second.size() <= 256 && std::ranges::all_of(member.second, [](char c) {
             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                    c == '_' || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
           });
  });
}

bool is_one_of(const std::string& address, std::span<const http::AllowedRange> ranges) {
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  return !error && http::is_in(ranges, parsed);
}

}  // namespace

std::string client_address(const http::Request& request, std::span<const http::AllowedRange> proxies) {
  std::string address = request.remote_ip;
  if (proxies.empty() || !is_one_of(address, proxies)) return address;
  std::vector<std::string_view> hops;
  for (const auto& [name, value] : request.headers) {
    if (!http::equals_ignoring_case(name, "x-forwarded-for")) continue;
    for (std::string_view rest = value; !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      hops.push_back(base::trimmed(rest.substr(0, comma)));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    boost::system::error_code error;
    const auto parsed = asio::ip::make_address(std::string(*hop), error);
    if (error) return {};
    address = parsed.to_string();
    if (!http::is_in(proxies, parsed)) break;
  }
  return address;
}

std::string Origin::url_of(const http::Request& request) const {
  const std::string origin =
      public_url.empty() ? (tls ? "https://" : "http://") + std::string(request.header("host")) : public_url;
  return origin + std::string(request.target);
}

Receiver::Receiver(base::Gate& gate, Parts parts)
    : parts_(std::move(parts)),
      batcher_(gate, "receive", [this](auto take) { return store_taken(std::move(take)); },
               {.bytes_max = base::limits::kArrivalBytesMax}) {}

base::Task<std::vector<std::vector<Receipt>>> Receiver::store_taken(Batcher::Take take) {
  co_return co_await parts_.store.write([this, take = std::move(take)](db::Tx& tx) mutable {
    const std::vector<Arrival> arrivals = take();
    return insert_arrivals(tx, parts_.queue, arrivals);
  });
}

base::Task<http::Response> Receiver::receive(const http::Request& request, std::string_view tenant,
                                             std::string_view path) {
  const tenant::TenantPtr whose = parts_.tenants.find(tenant);
  const PreparedEndpointPtr endpoint = whose ? parts_.book.find(whose->id, path) : nullptr;
  const std::int64_t deletions = parts_.book.deletions();
  if (!endpoint || whose->slug != tenant || whose->status != tenant::TenantStatus::active ||
      !endpoint->config->accepts()) {
    count(Ended::unknown);
    co_return nobody();
  }
  const base::Time now = parts_.clock.now();
  const Message message(request, parts_.origin.url_of(request));
  const crypto::Scheme& scheme = endpoint->scheme();
  auto keys = endpoint->keys_at(now);

  const crypto::Scheme::Challenge* challenge = crypto::find_challenge(scheme, keys, message);
  if (challenge == nullptr && request.method != "POST") co_return nobody();
  const bool captures = challenge != nullptr && !challenge->capture.empty();
  if (challenge != nullptr && !challenge->checked && !captures) {
    if (signs(challenge->answer) && !asks_with_tokens(request)) co_return nobody();
    co_return handshake(*challenge, keys.empty() ? nullptr : keys.front(), message);
  }
  const std::string address = client_address(request, parts_.proxies);
  if (!endpoint->allowed.empty() && !is_one_of(address, endpoint->allowed)) {
    count(Ended::forbidden);
    co_return fail(Code::forbidden, "this address may not send to this endpoint");
  }
  if (captures) {
    XD_CO_DO(co_await capture(*endpoint, *challenge, message, address));
    co_return handshake(*challenge, nullptr, message);
  }
  KeyFinder::Keys found;
  if (KeyFinder::is_needed(scheme)) {
    XD_CO_TRY(found, co_await parts_.keys.find(*endpoint, keys.empty() ? nullptr : keys.front(), message));
    keys.clear();
    for (const KeyFinder::KeyPtr& key : found) keys.push_back(key.get());
  }
  const crypto::Check check = verify(scheme, keys, message, now);
  if (!check.passed()) {
    count(Ended::refused);
    // The same text for every reason: it helps whoever tries signatures with nothing.
    if (!scheme.reply.bad) co_return fail(Code::unauthenticated, "the signature does not fit");
    co_return http::Response{.status = *scheme.reply.bad};
  }
  const crypto::SchemeKey* used = check.key && *check.key < keys.size() ? keys[*check.key] : nullptr;
  if (challenge != nullptr) {
    if (challenge->fetch) XD_CO_DO(co_await parts_.keys.confirm(*endpoint, *challenge, message));
    co_return handshake(*challenge, used, message);
  }
  XD_CO_DO(take_token(*endpoint));
  const auto place = std::ranges::find_if(endpoint->keys, [&](const auto& one) { return &one.key == used; });
  co_return co_await accept(request, *endpoint, message,
                            {address, static_cast<std::size_t>(place - endpoint->keys.begin()), deletions});
}

Result<void> Receiver::take_token(const PreparedEndpoint& endpoint) {
  const base::Steady now = base::steady_now();
  const char* limit = nullptr;
  // The endpoint's first: what it refuses takes nothing from its siblings.
  if (endpoint.meter && !endpoint.meter->take(now)) {
    limit = "this endpoint takes no more at the moment; send it again";
  } else if (parts_.tenant_rate) {
    std::shared_ptr<Meter>& meter = tenant_meters_[endpoint.config->tenant];
    if (!meter) meter = parts_.meters.of(endpoint.config->tenant, *parts_.tenant_rate);
    if (!meter->take(now)) limit = "the endpoints of this tenant take no more at the moment; send it again";
  }
  if (limit == nullptr) return {};
  count(Ended::limited);
  return fail(Code::limited, limit, "OVERLOADED");
}

base::Task<void> Receiver::capture(const PreparedEndpoint& endpoint,
                                   const crypto::Scheme::Challenge& challenge, const Message& message,
                                   const std::string& address) {
  auto values = message.find(challenge.capture.front().second);
  const bool shaped = !values.empty() && !values.front().empty() &&
                      values.front().size() <= kCapturedBytesMax &&
                      printable(values.front()) == values.front();
  Told told{.tenant = endpoint.config->tenant,
            .endpoint = endpoint.config->id,
            .secret = base::Secret(shaped ? std::move(values.front()) : std::string()),
            .remote_ip = address,
            .at = parts_.clock.now()};
  bool known = false;
  if (shaped) {
    // Most that come here late come often: the book knows, without asking the store.
    const auto same = [&](const auto& key) {
      return !key.valid_until && key.key.text() == told.secret.reveal();
    };
    known = std::ranges::any_of(endpoint.keys, same);
    if (!known && endpoint.awaits_secret()) {
      XD_CO_TRY(known, co_await parts_.store.write(
                           [&](db::Tx& tx) { return capture_secret(tx, parts_.ring, told, parts_.books); }));
    }
  }
  if (known) co_return Result<void>{};
  count(Ended::refused);
  co_return fail(Code::unauthenticated, "the signature does not fit");
}

base::Task<http::Response> Receiver::accept(const http::Request& request, const PreparedEndpoint& endpoint,
                                            const Message& message, Sender sender) {
  const base::Time now = parts_.clock.now();
  const bool batch = endpoint.scheme().each.has_value();
  const std::string target = shown_target(endpoint.scheme(), request);
  const std::string headers = headers_json(endpoint.scheme(), request);
  Arrival arrival{.deletions = sender.deletions};
  const auto add = [&](const crypto::RequestView& view, std::string body) {
    Incoming& one = arrival.events.emplace_back();
    one.event = std::make_shared<ReceivedEvent>();
    ReceivedEvent& event = *one.event;
    event.id = ReceivedId::make(now);
    event.tenant = endpoint.config->tenant;
    event.endpoint = endpoint.config->id;
    event.external_id = external_id(endpoint, view);
    one.body_hash = hash_of_body(body);
    const auto twin = std::ranges::find_if(arrival.events, [&](const Incoming& before) {
      return before.event.get() != &event && before.event->external_id == event.external_id;
    });
    if (batch && twin != arrival.events.end() && twin->body_hash != one.body_hash) {
      // The id is that of the batch.
      event.external_id += "#" + std::to_string(arrival.events.size() - 1);
    }
    event.method = request.method;
    event.target = target;
    event.headers = headers;
    event.remote_ip = sender.address;
    event.verification = verification_json(endpoint, sender.key);
    event.received = now;
    event.body = std::move(body);
    hide_secret(endpoint, sender.key, event.body);
    one.key = dedup_key(event.external_id, one.body_hash);
    const auto window = event.external_id.empty() || is_of_body(endpoint, view)
                            ? std::min<std::chrono::seconds>(endpoint.config->dedup_window, kBodyKeyWindow)
                            : endpoint.config->dedup_window;
    one.expires = now + window;
    one.order_key = order_key(endpoint, view);
    if (batch) {
      event.batch = arrival.events.front().event->id.uuid;
      event.batch_index = static_cast<std::int64_t>(arrival.events.size()) - 1;
    }
  };
  if (batch) {
    XD_CO_TRY(const std::vector<Element> elements, elements_of(endpoint.scheme(), message));
    arrival.events.reserve(elements.size());
    for (const Element& element : elements) add(element, std::string(element.value().raw()));
    if (arrival.events.empty())
      co_return http::Response{.status = 200, .body = R"({"ids":[],"duplicates":0})"};
    arrival.batch = *arrival.events.front().event->batch;
    arrival.batch_body = request.body;
    hide_secret(endpoint, sender.key, arrival.batch_body);
  } else {
    add(message, request.body);
  }
  XD_CO_TRY(const std::vector<Receipt> receipts, co_await batcher_.add(std::move(arrival)));
  if (receipts.front().gone) {
    count(Ended::unknown);
    co_return nobody();
  }
  for (const Receipt& receipt : receipts) {
    count(receipt.duplicate ? Ended::duplicate : receipt.conflict ? Ended::conflict : Ended::accepted);
  }
  co_return answer(endpoint, message, receipts, batch);
}

}  // namespace inbound
