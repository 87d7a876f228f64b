#include "inbound/receive/receiver.hpp"

#include <array>
#include <charconv>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/text.hpp"
#include "format/json.hpp"
#include "inbound/receive/capture.hpp"
#include "inbound/receive/decoding.hpp"
#include "inbound/receive/identity.hpp"
#include "inbound/receive/masking.hpp"
#include "inbound/receive/reply.hpp"

namespace inbound {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::size_t kCapturedBytesMax = 500;
constexpr std::uint64_t kHandshakeBytesMax = 8 << 10;

std::unexpected<base::Error> nobody() {
  return fail(Code::not_found, "there is no endpoint at this address");
}

/// One that is there and cannot be used: its sender is to come again.
std::unexpected<base::Error> unusable() {
  return fail(Code::unavailable, "this endpoint cannot be used at the moment; send it again later");
}

std::string verification_json(const PreparedEndpoint& endpoint, std::size_t key, const std::string& problem) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object().key("scheme").value(endpoint.prepared_scheme->name).key("secret");
  key < endpoint.keys.size() ? json.value(endpoint.keys[key].fingerprint) : json.null();
  if (!problem.empty()) json.key(kUndecoded).value(problem);
  json.end_object();
  return text;
}

std::unexpected<base::Error> too_much_work() {
  return fail(Code::too_large, "this endpoint would have too much work with this request");
}

/// As the scheme says; where that cannot be made of the request, which is stored by now, as without one.
http::Response answer_to(const PreparedEndpoint& endpoint, const Message& message,
                         std::span<const Receipt> receipts) {
  const crypto::Scheme& scheme = endpoint.scheme();
  http::Response answered = answer(scheme, message, receipts);
  if (!message.work().has_problem()) return answered;
  base::log(base::LogLevel::warn, "the reply of an endpoint's scheme cannot be made; the plain one was sent",
            {{"endpoint_id", endpoint.config->id}, {"error", message.work().problem()}});
  crypto::Scheme plain;
  plain.each = scheme.each;
  plain.reply.ok = scheme.reply.ok;
  return answer(plain, message, receipts);
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

constexpr const char* kNotListed = "ip_whitelist does not have this address";

/// Whether a request of the method may be one, as far as its head tells.
bool has_handshake(const crypto::Scheme& scheme, std::string_view method) {
  return std::ranges::any_of(scheme.challenges, [&](const crypto::Scheme::Challenge& challenge) {
    return challenge.method.empty() || challenge.method == method;
  });
}

/// How long the body is, as the head tells it; nothing where it does not.
std::optional<std::uint64_t> body_bytes_of(const http::Request& request) {
  if (!request.header("transfer-encoding").empty()) return std::nullopt;
  const std::string_view text = request.header("content-length");
  std::uint64_t bytes = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), bytes);
  return text.empty() || read.ec == std::errc{} ? std::optional(bytes) : std::nullopt;
}

/// Whether a request may be a handshake that is answered whatever its address, as far as its head tells.
bool may_be_open_handshake(const crypto::Scheme& scheme, const http::Request& request) {
  if (body_bytes_of(request).value_or(kHandshakeBytesMax + 1) > kHandshakeBytesMax) return false;
  return std::ranges::any_of(scheme.challenges, [&](const crypto::Scheme::Challenge& challenge) {
    return !challenge.checked && challenge.capture.empty() &&
           (challenge.method.empty() || challenge.method == request.method);
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
    return insert_arrivals(tx, parts_.queue, take());
  });
}

PreparedEndpointPtr Receiver::look_up(std::string_view tenant, std::string_view path) const {
  const tenant::TenantPtr whose = parts_.tenants.find(tenant);
  PreparedEndpointPtr endpoint = whose ? parts_.book.find(whose->id, path) : nullptr;
  const bool receives = endpoint && whose->slug == tenant && whose->status == tenant::TenantStatus::active &&
                        endpoint->config->accepts();
  return receives ? endpoint : nullptr;
}

PreparedEndpointPtr Receiver::find(std::string_view tenant, std::string_view path) const {
  PreparedEndpointPtr endpoint = look_up(tenant, path);
  if (!endpoint) count(Ended::unknown);
  return endpoint;
}

Result<void> Receiver::check_head(const http::Request& request, std::string_view tenant,
                                  std::string_view path) {
  const PreparedEndpointPtr endpoint = find(tenant, path);
  if (!endpoint) return nobody();
  const bool has_body = body_bytes_of(request) != 0;
  const std::string address = client_address(request, parts_.proxies);
  const auto refuse = [&](std::string_view reason, std::string detail) {
    note(*endpoint, request, Message(request, parts_.origin.url_of(request)),
         {reason, std::move(detail), address, has_body});
  };
  if (!endpoint->broken.empty()) {
    refuse(reason::kBroken, endpoint->broken);
    return unusable();
  }
  if (may_be_open_handshake(endpoint->scheme(), request)) {
    if (!has_body) return {};
  } else if (auto may = check_address(*endpoint, address); !may) {
    refuse(reason::kAddress, kNotListed);
    return may;
  }
  auto left = check_rate(*endpoint, Token::look);
  if (!left) refuse(reason::kRate, left.error().message);
  return left;
}

base::Task<http::Response> Receiver::receive(const http::Request& request, std::string_view tenant,
                                             std::string_view path) {
  const PreparedEndpointPtr endpoint = find(tenant, path);
  const std::int64_t deletions = parts_.book.deletions();
  if (!endpoint) co_return nobody();
  const base::Time now = parts_.clock.now();
  const Message message(request, parts_.origin.url_of(request));
  const std::string address = client_address(request, parts_.proxies);
  const auto refuse = [&](std::string_view reason, std::string detail) {
    note(*endpoint, request, message, {reason, std::move(detail), address});
  };
  if (!endpoint->broken.empty()) {
    refuse(reason::kBroken, endpoint->broken);
    co_return unusable();
  }
  const crypto::Scheme& scheme = endpoint->scheme();
  auto keys = endpoint->keys_at(now);

  const crypto::Scheme::Challenge* challenge = crypto::find_challenge(scheme, keys, message);
  if (challenge == nullptr && request.method != "POST")
    co_return std::unexpected(refuse_method(request, *endpoint, message));
  const bool captures = challenge != nullptr && !challenge->capture.empty();
  if (challenge != nullptr && !challenge->checked && !captures) {
    if (!may_ask(*challenge, request)) {
      refuse(reason::kHandshake, "what a stranger asks to be signed must be tokens in the query");
      co_return nobody();
    }
    co_return shake(request, *endpoint, message, *challenge, keys.empty() ? nullptr : keys.front());
  }
  if (auto may = check_address(*endpoint, address); !may) {
    refuse(reason::kAddress, kNotListed);
    co_return std::unexpected(std::move(may).error());
  }
  if (captures) {
    if (auto told = co_await capture(*endpoint, *challenge, message, address); !told) {
      refuse(reason::kHandshake, "the sender has told its secret already, or what it tells cannot be one");
      co_return std::unexpected(std::move(told).error());
    }
    co_return shake(request, *endpoint, message, *challenge, nullptr);
  }
  KeyFinder::Keys found;
  if (KeyFinder::is_needed(scheme)) {
    auto shown = co_await parts_.keys.find(*endpoint, keys.empty() ? nullptr : keys.front(), message);
    if (!shown) {
      refuse(reason::kKey, shown.error().message);
      co_return std::unexpected(std::move(shown).error());
    }
    found = std::move(*shown);
    keys.clear();
    for (const KeyFinder::KeyPtr& key : found) keys.push_back(key.get());
  }
  const crypto::Check check = verify(scheme, keys, message, now);
  if (!check.passed()) {
    count(Ended::refused);
    refuse(crypto::name(check.step), check.detail);
    if (!scheme.reply.bad) co_return signature_refused();
    co_return http::Response{.status = *scheme.reply.bad};
  }
  const crypto::SchemeKey* used = check.key && *check.key < keys.size() ? keys[*check.key] : nullptr;
  if (challenge != nullptr) {
    if (challenge->fetch) XD_CO_DO(co_await confirm(request, *endpoint, message, *challenge));
    co_return shake(request, *endpoint, message, *challenge, used);
  }
  const auto place = std::ranges::find_if(endpoint->keys, [&](const auto& one) { return &one.key == used; });
  co_return co_await admit(request, *endpoint, message,
                           {address, static_cast<std::size_t>(place - endpoint->keys.begin()), deletions});
}

base::Error Receiver::refuse_method(const http::Request& request, const PreparedEndpoint& endpoint,
                                    const Message& message) {
  const bool shakes = has_handshake(endpoint.scheme(), request.method);
  note(endpoint, request, message,
       {shakes ? reason::kHandshake : reason::kMethod,
        shakes ? "no handshake of the scheme fits: a value is missing, or another one"
               : "webhooks come by POST, and the scheme has no handshake by this method",
        client_address(request, parts_.proxies)});
  // Whoever fails at a handshake learns nothing of what is there.
  if (shakes) return nobody().error();
  return {Code::invalid, "this endpoint takes webhooks: send them by POST", "METHOD_NOT_ALLOWED"};
}

base::Task<void> Receiver::confirm(const http::Request& request, const PreparedEndpoint& endpoint,
                                   const Message& message, const crypto::Scheme::Challenge& challenge) {
  auto told = co_await parts_.keys.confirm(endpoint, challenge, message);
  if (!told) {
    const bool foreign = told.error().code == Code::unauthenticated;
    note(endpoint, request, message,
         {reason::kConfirmation,
          foreign ? "the URL that it names is none of the sender's" : told.error().message,
          client_address(request, parts_.proxies)});
  }
  co_return told;
}

Result<http::Response> Receiver::shake(const http::Request& request, const PreparedEndpoint& endpoint,
                                       const Message& message, const crypto::Scheme::Challenge& challenge,
                                       const crypto::SchemeKey* key) {
  http::Response answered = answer(challenge, key, message);
  if (!message.work().has_problem()) return answered;
  note(endpoint, request, message,
       {reason::kWork, message.work().problem(), client_address(request, parts_.proxies)});
  return too_much_work();
}

base::Task<http::Response> Receiver::admit(const http::Request& request, const PreparedEndpoint& endpoint,
                                           const Message& message, Sender sender) {
  if (auto taken = check_rate(endpoint, Token::take); !taken) {
    note(endpoint, request, message, {reason::kRate, taken.error().message, sender.address});
    co_return std::unexpected(std::move(taken).error());
  }
  const Decoded decoded = decode_body(request, parts_.body_bytes_max);
  sender.problem = decoded.problem;
  if (!decoded.request) co_return co_await accept(request, endpoint, message, std::move(sender));
  const Message inner(*decoded.request, std::string(message.url()));
  co_return co_await accept(*decoded.request, endpoint, inner, std::move(sender));
}

void Receiver::note_refused(const http::Request& request, std::string_view tenant, std::string_view path,
                            std::string_view reason, std::string detail) {
  const PreparedEndpointPtr endpoint = look_up(tenant, path);
  if (!endpoint) return;
  note(*endpoint, request, Message(request, parts_.origin.url_of(request)),
       {reason, std::move(detail), client_address(request, parts_.proxies), true});
}

void Receiver::note(const PreparedEndpoint& endpoint, const http::Request& request, const Message& message,
                    const Why& why) {
  if (reason::is_of_hub(why.reason)) return parts_.refusals.add(*endpoint.config, why.reason);
  parts_.refusals.add(*endpoint.config, why.reason,
                      [&] { return make_refusal(endpoint, message, request, why, parts_.clock.now()); });
}

Result<void> Receiver::check_address(const PreparedEndpoint& endpoint, const std::string& address) const {
  if (endpoint.allowed.empty() || is_one_of(address, endpoint.allowed)) return {};
  count(Ended::forbidden);
  return fail(Code::forbidden, "this address may not send to this endpoint");
}

Result<void> Receiver::check_rate(const PreparedEndpoint& endpoint, Token token) {
  const base::Steady now = base::steady_now();
  const auto is_left = [&](Meter& meter) { return token == Token::take ? meter.take(now) : meter.has(now); };
  const char* limit = nullptr;
  // The endpoint's first: what it refuses takes nothing from its siblings.
  if (endpoint.meter && !is_left(*endpoint.meter)) {
    limit = "this endpoint takes no more at the moment; send it again";
  } else if (parts_.tenant_rate) {
    std::shared_ptr<Meter>& meter = tenant_meters_[endpoint.config->tenant];
    if (!meter) meter = parts_.meters.of(endpoint.config->tenant, *parts_.tenant_rate);
    if (!is_left(*meter)) limit = "the endpoints of this tenant take no more at the moment; send it again";
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
  co_return signature_refused();
}

base::Task<std::vector<Receipt>> Receiver::keep(const PreparedEndpoint& endpoint, Arrival arrival) {
  auto kept = co_await batcher_.add(std::move(arrival));
  if (!kept) parts_.refusals.add(*endpoint.config, reason::kStore);
  co_return kept;
}

base::Task<http::Response> Receiver::accept(const http::Request& request, const PreparedEndpoint& endpoint,
                                            const Message& message, Sender sender) {
  const base::Time now = parts_.clock.now();
  const bool batch = endpoint.scheme().each.has_value();
  const std::string target = stored_target(endpoint, request);
  const std::string headers = stored_headers(endpoint, request);
  Arrival arrival{.deletions = sender.deletions};
  Identifier identifier(endpoint, request);
  const auto add = [&](const crypto::RequestView& view, std::string_view came, std::string stored) {
    Incoming& one = arrival.events.emplace_back();
    one.event = std::make_shared<ReceivedEvent>();
    ReceivedEvent& event = *one.event;
    event.id = ReceivedId::make(now);
    event.tenant = endpoint.config->tenant;
    event.endpoint = endpoint.config->id;
    Identity known = identifier.next(view, came);
    event.external_id = std::move(known.external_id);
    event.dedup_key = std::move(known.stored_key);
    one.key = std::move(known.key);
    one.body_hash = std::move(known.body_hash);
    one.expires = now + known.window;
    event.method = request.method;
    event.target = target;
    event.headers = headers;
    event.remote_ip = sender.address;
    event.verification = verification_json(endpoint, sender.key, sender.problem);
    event.received = now;
    event.body = std::move(stored);
    one.order_key = order_key(endpoint, view);
    if (batch) {
      event.batch = arrival.events.front().event->id.uuid;
      event.batch_index = static_cast<std::int64_t>(arrival.events.size()) - 1;
    }
  };
  if (batch) {
    const auto found = elements_of(endpoint.scheme(), message);
    if (!found) {
      note(endpoint, request, message, {reason::kBatch, found.error().message, sender.address});
      co_return std::unexpected(found.error());
    }
    const std::vector<Element>& elements = *found;
    arrival.events.reserve(elements.size());
    const KnownSecrets known(endpoint);
    for (const Element& element : elements) {
      add(element, element.value().raw(), stored_element(endpoint.scheme(), known, element));
      if (message.work().has_problem()) break;
    }
    if (arrival.events.empty())
      co_return http::Response{.status = 200, .body = R"({"ids":[],"duplicates":0})"};
    arrival.batch = *arrival.events.front().event->batch;
    arrival.batch_body = stored_body(endpoint, message);
  } else {
    add(message, request.body, stored_body(endpoint, message));
  }
  if (message.work().has_problem()) {
    note(endpoint, request, message, {reason::kWork, message.work().problem(), sender.address});
    co_return too_much_work();
  }
  XD_CO_TRY(const std::vector<Receipt> receipts, co_await keep(endpoint, std::move(arrival)));
  if (receipts.front().gone) {
    count(Ended::unknown);
    co_return nobody();
  }
  for (const Receipt& receipt : receipts) {
    count(receipt.duplicate ? Ended::duplicate : receipt.conflict ? Ended::conflict : Ended::accepted);
  }
  co_return answer_to(endpoint, message, receipts);
}

}  // namespace inbound
