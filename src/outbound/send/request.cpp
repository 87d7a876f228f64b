#include "outbound/send/request.hpp"

#include <algorithm>
#include <array>

#include "base/version.hpp"
#include "crypto/encoding.hpp"
#include "format/coding.hpp"
#include "format/json.hpp"
#include "http/message.hpp"
#include "outbound/send/cloud_event.hpp"
#include "outbound/send/payload.hpp"
#include "outbound/subscription/secret_header.hpp"

namespace outbound {

namespace {

constexpr std::array<std::string_view, 15> kReserved = {
    "host",       "content-length",    "transfer-encoding", "connection",   "keep-alive",
    "te",         "trailer",           "upgrade",           "expect",       "proxy-authorization",
    "webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "proxy-connection"};

std::string_view name_of(std::string_view line) { return line.substr(0, line.find(':')); }

std::string mac_line(const PreparedAuth::Mac& mac, std::string_view body) {
  const std::string raw = mac.key.sign({body});
  return mac.header + ": " + mac.prefix + (mac.base64 ? crypto::to_base64(raw) : crypto::to_hex(raw));
}

void add_content_headers(const Subscription& config, const event::Event& event,
                         std::vector<std::string>& lines) {
  const bool structured = config.payload_format == PayloadFormat::cloudevents;
  lines.push_back("Content-Type: " +
                  (structured ? std::string(kCloudEventContentType) : config.content_type));
  if (config.payload_format != PayloadFormat::cloudevents_binary) return;
  for (std::string& line : cloud_event_headers(event)) lines.push_back(std::move(line));
}

using Headers = std::vector<std::pair<std::string, std::string>>;

bool is_own(const Subscription& config, std::string_view name) {
  return std::ranges::any_of(
      config.headers, [&](const auto& header) { return http::equals_ignoring_case(header.first, name); });
}

/// Those of the subscription that are not set already.
void add_own_headers(const Headers& own, std::vector<std::string>& lines) {
  for (const auto& [name, value] : own) {
    const auto same = [&](const std::string& line) {
      return http::equals_ignoring_case(name_of(line), name);
    };
    if (std::ranges::none_of(lines, same)) lines.push_back(name + ": " + value);
  }
}

/// A header of ours, unless the subscription has its own.
void add_default(std::vector<std::string>& lines, const Headers& own, std::string_view name,
                 std::string_view value) {
  const bool set = std::ranges::any_of(
      own, [&](const auto& header) { return http::equals_ignoring_case(header.first, name); });
  if (!set && !value.empty()) lines.push_back(std::string(name) + ": " + std::string(value));
}

void add_auth(const RequestFor& wanted, std::string_view body, std::vector<std::string>& lines) {
  const PreparedAuth& auth = wanted.subscription->auth;
  if (!auth.header_line.empty()) lines.push_back(auth.header_line);
  if (!wanted.token.empty()) lines.push_back("Authorization: Bearer " + std::string(wanted.token));
  if (auth.mac) lines.push_back(mac_line(*auth.mac, body));
}

}  // namespace

bool is_reserved_header(std::string_view name) {
  return std::ranges::any_of(
      kReserved, [&](std::string_view reserved) { return http::equals_ignoring_case(reserved, name); });
}

Credentials credentials_for(const Subscription& subscription, const Destination& to) {
  if (to.url.empty() || http::same_origin(to.url, subscription.url)) return Credentials::all;
  return to.with_credentials ? Credentials::no_token : Credentials::none;
}

base::Result<http::OutboundRequest> make_request(const RequestFor& wanted) {
  const Subscription& config = *wanted.subscription->config;
  const event::Event& event = *wanted.event;
  http::OutboundRequest request;
  request.url = wanted.url.empty() ? config.url : std::string(wanted.url);
  request.total_timeout = config.timeout;
  const bool trusted = wanted.credentials != Credentials::none;
  request.tls = trusted ? wanted.subscription->tls : wanted.subscription->authorities;
  std::string payload = make_payload(config.payload_format, event, wanted.tenant_name, config.content_type);
  if (is_form_type(config.content_type)) {
    XD_TRY(payload, make_form(std::move(payload)));
  }
  auto body = std::make_shared<const std::string>(std::move(payload));

  const std::string id = event.id.str();
  const std::string timestamp =
      std::to_string(std::chrono::floor<std::chrono::seconds>(wanted.now).time_since_epoch().count());
  request.headers.reserve(8 + config.headers.size());
  request.headers.push_back("webhook-id: " + id);
  request.headers.push_back("webhook-timestamp: " + timestamp);
  if (trusted) {
    wanted.subscription->signer.sign({id, timestamp, event.type, *body, wanted.now}, request.headers);
  }
  add_content_headers(config, event, request.headers);
  if (trusted) add_auth(wanted, *body, request.headers);
  static const Headers kNone;
  const Headers& own = trusted ? config.headers : kNone;
  add_own_headers(own, request.headers);
  add_default(request.headers, own, "User-Agent", "Crossdock/" CROSSDOCK_VERSION);
  add_default(request.headers, own, "traceparent", event.traceparent);
  request.body = std::move(body);
  return request;
}

ShownBody shown_body(http::OutboundResponse response) {
  const std::string_view codings = response.header("content-encoding");
  auto decoded = codings.empty()
                     ? std::nullopt
                     : format::decode_beginning(codings, response.body, base::limits::kResponseBodyBytesMax);
  if (!decoded) return {std::move(response.body), response.body_truncated};
  return {std::move(decoded->text), response.body_truncated || !decoded->whole};
}

std::string shown_headers(const http::OutboundRequest& request, const Prepared& subscription) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  for (const std::string& line : request.headers) {
    const std::string_view name = name_of(line);
    const std::string_view value = std::string_view(line).substr(std::min(name.size() + 2, line.size()));
    const bool secret = line == subscription.auth.header_line || opens_doors(name) ||
                        (is_own(*subscription.config, name) && is_secret_header(*subscription.config, name));
    json.key(name).value(secret ? base::kHidden : value);
  }
  json.end_object();
  return text;
}

}  // namespace outbound
