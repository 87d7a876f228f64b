#include "outbound/request.hpp"

#include <array>

#include "base/version.hpp"
#include "crypto/encoding.hpp"
#include "format/json.hpp"
#include "http/message.hpp"
#include "outbound/payload.hpp"

namespace outbound {

namespace {

constexpr std::array<std::string_view, 15> kReserved = {
    "host",       "content-length",    "transfer-encoding", "connection",   "keep-alive",
    "te",         "trailer",           "upgrade",           "expect",       "proxy-authorization",
    "webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "proxy-connection"};

std::string signature_line(const Prepared& subscription, std::string_view id, std::string_view timestamp,
                           std::string_view body, base::Time now) {
  std::string line = "webhook-signature:";
  for (const Prepared::Signer& signer : subscription.signers) {
    if (signer.valid_until && now >= *signer.valid_until) continue;
    line.append(" ").append(signer.secret.sign(id, timestamp, body));
  }
  return line;
}

std::string mac_line(const PreparedAuth::Mac& mac, std::string_view body) {
  const std::string raw = mac.key.sign({body});
  return mac.header + ": " + mac.prefix + (mac.base64 ? crypto::to_base64(raw) : crypto::to_hex(raw));
}

}  // namespace

bool is_reserved_header(std::string_view name) {
  return std::ranges::any_of(
      kReserved, [&](std::string_view reserved) { return http::equals_ignoring_case(reserved, name); });
}

http::OutboundRequest make_request(const RequestFor& wanted) {
  const Subscription& config = *wanted.subscription->config;
  const event::Event& event = *wanted.event;
  http::OutboundRequest request;
  request.url = wanted.url.empty() ? config.url : std::string(wanted.url);
  request.total_timeout = config.timeout;
  auto body =
      std::make_shared<const std::string>(make_payload(config.payload_format, event, wanted.tenant_name));

  const std::string id = event.id.str();
  const std::string timestamp =
      std::to_string(std::chrono::floor<std::chrono::seconds>(wanted.now).time_since_epoch().count());
  request.headers.reserve(8 + config.headers.size());
  request.headers.push_back("webhook-id: " + id);
  request.headers.push_back("webhook-timestamp: " + timestamp);
  request.headers.push_back(signature_line(*wanted.subscription, id, timestamp, *body, wanted.now));
  request.headers.push_back("Content-Type: " + config.content_type);
  request.headers.emplace_back("User-Agent: Crossdock/" CROSSDOCK_VERSION);
  if (!event.traceparent.empty()) request.headers.push_back("traceparent: " + event.traceparent);
  for (const auto& [name, value] : config.headers) request.headers.push_back(name + ": " + value);
  const PreparedAuth& auth = wanted.subscription->auth;
  if (!auth.header_line.empty()) request.headers.push_back(auth.header_line);
  if (auth.mac) request.headers.push_back(mac_line(*auth.mac, *body));
  request.body = std::move(body);
  return request;
}

std::string shown_headers(const http::OutboundRequest& request, const Prepared& subscription) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  for (const std::string& line : request.headers) {
    const std::size_t colon = line.find(':');
    const bool secret = line == subscription.auth.header_line;
    json.key(line.substr(0, colon)).value(secret ? "***" : line.substr(std::min(colon + 2, line.size())));
  }
  json.end_object();
  return text;
}

}  // namespace outbound
