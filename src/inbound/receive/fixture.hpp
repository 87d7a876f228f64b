// Requests of tests, which senders sign and somebody in between may change.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "crypto/encoding.hpp"
#include "inbound/endpoint/book.hpp"
#include "inbound/receive/message.hpp"
#include "inbound/scheme/preset.hpp"
#include "inbound/scheme/test_keys.hpp"

namespace inbound {

inline constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};

/// A request that owns what it is made of.
struct Sent {
  std::string method = "POST";
  std::string url = "https://hub.example.com/webhooks/acme/in";
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body = R"({"id":"evt_1","type":"order.created","data":{"total":12.50}})";

  http::Request request() const {
    http::Request made;
    made.method = method;
    const std::string_view whole(url);
    made.set_target(whole.substr(whole.find('/', 8)));
    for (const auto& [name, value] : headers) made.headers.emplace_back(name, value);
    made.body = body;
    return made;
  }
};

inline crypto::Check verify(const crypto::Scheme& scheme, std::span<const crypto::SchemeKey* const> keys,
                            const Sent& sent, base::Time now = kNow) {
  const http::Request request = sent.request();
  return verify(scheme, keys, Message(request, sent.url), now);
}

inline std::vector<std::string> ids_of(const crypto::Scheme& scheme, const Sent& sent) {
  const http::Request request = sent.request();
  const Message message(request, sent.url);
  std::vector<std::string> ids;
  const auto add = [&](const crypto::RequestView& view) {
    ids.push_back(event_id(scheme, view).value_or(crypto::EventName{}).text);
  };
  if (!scheme.each) {
    add(message);
    return ids;
  }
  const auto elements = elements_of(scheme, message);
  if (!elements) return ids;
  for (const Element& element : *elements) add(element);
  return ids;
}

/// What the owner of an endpoint says of it.
struct Said {
  std::string scheme = R"({"kind": "none"})";  ///< JSON
  std::string secret = "s3cr/t";
  Paths paths{};
  std::vector<Route> routes{};
  std::chrono::seconds dedup_window = std::chrono::hours{24};
  std::optional<Dedup> dedup{};
  bool paths_of_scheme = false;
};

inline PreparedEndpoint prepared(Said said) {
  auto endpoint = std::make_shared<Endpoint>();
  endpoint->source = "Shop A/S";
  endpoint->signature_scheme = std::move(said.scheme);
  endpoint->paths = std::move(said.paths);
  endpoint->routes = std::move(said.routes);
  endpoint->dedup_window = said.dedup_window;
  endpoint->dedup = said.dedup;
  endpoint->paths_of_scheme = said.paths_of_scheme;
  endpoint->secrets.push_back(tenant::make_signing_secret(base::Secret(std::move(said.secret)), kNow));
  auto made = prepare_endpoint(endpoint);
  if (!made) throw std::runtime_error(made.error().message);
  return std::move(*made);
}

inline crypto::PrivateKey private_key(std::string_view pem) { return *crypto::PrivateKey::from_pem(pem); }

}  // namespace inbound
