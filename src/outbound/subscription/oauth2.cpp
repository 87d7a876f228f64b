#include "outbound/subscription/oauth2.hpp"

#include <algorithm>
#include <charconv>

#include "crypto/encoding.hpp"
#include "format/form.hpp"
#include "format/json.hpp"
#include "http/message.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using base::Code;
using base::fail;
using base::Result;

constexpr auto kLifetimeDefault = 300s;
constexpr auto kLifetimeMax = 24h;
constexpr auto kLeewayMax = 60s;  // a token ends that much earlier for us, or a tenth of its lifetime
constexpr std::size_t kTokenBytesMax = 8 << 10;
constexpr std::size_t kWordBytesMax = 40;

std::unexpected<base::Error> no_token(std::string why) {
  return fail(Code::upstream, "no token for this delivery: the token endpoint " + std::move(why),
              "OAUTH2_TOKEN");
}

std::string text_of(const format::Value& object, std::string_view name) {
  const format::Value* value = object.is_object() ? object.find(name) : nullptr;
  return value != nullptr && value->is_string() ? std::string(value->text()) : std::string();
}

/// A word of the peer that may be repeated in a message; "" where it is none.
std::string word(std::string text) {
  const bool plain = text.size() <= kWordBytesMax && std::ranges::all_of(text, [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                              c == '_' || c == '-' || c == '.';
                     });
  return plain ? text : std::string();
}

void append_pair(std::string& form, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!form.empty()) form += '&';
  form.append(name).append("=");
  format::append_form_encoded(form, value);
}

std::chrono::seconds lifetime_of(const format::Value& answer) {
  const format::Value* value = answer.find("expires_in");
  if (value == nullptr || !(value->is_number() || value->is_string())) return kLifetimeDefault;
  const std::string_view text = value->text();  // some servers put the number into a string
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !(number == number))
    return kLifetimeDefault;
  const double most = std::chrono::duration<double>(kLifetimeMax).count();
  return std::chrono::seconds{static_cast<std::int64_t>(std::clamp(number, 0.0, most))};
}

}  // namespace

Result<OAuth2Config> read_oauth2(std::string_view auth_config) {
  XD_TRY(const auto document, format::parse_json(std::string(auth_config)));
  const format::Value& root = document.root();
  OAuth2Config config;
  config.token_url = text_of(root, "token_url");
  config.client_id = text_of(root, "client_id");
  config.client_secret = base::Secret(text_of(root, "client_secret"));
  config.scope = text_of(root, "scope");
  config.audience = text_of(root, "audience");
  if (text_of(root, "auth_style") == "BODY") config.style = OAuth2Config::Style::body;
  if (config.token_url.empty() || config.client_id.empty() || config.client_secret.empty())
    return fail(Code::invalid, "auth_config of OAUTH2 needs token_url, client_id and client_secret");
  return config;
}

http::OutboundRequest make_token_request(const OAuth2Config& config, std::chrono::milliseconds timeout) {
  http::OutboundRequest request;
  request.url = config.token_url;
  request.total_timeout = timeout;
  request.headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"};
  std::string form = "grant_type=client_credentials";
  append_pair(form, "scope", config.scope);
  append_pair(form, "audience", config.audience);
  if (config.style == OAuth2Config::Style::body) {
    append_pair(form, "client_id", config.client_id);
    append_pair(form, "client_secret", config.client_secret.reveal());
  } else {
    std::string pair;  // both are encoded before they are joined (RFC 6749 §2.3.1)
    format::append_form_encoded(pair, config.client_id);
    pair += ':';
    format::append_form_encoded(pair, config.client_secret.reveal());
    request.headers.push_back("Authorization: Basic " + crypto::to_base64(pair));
    base::Secret::wipe(pair);
  }
  request.body = std::make_shared<const std::string>(std::move(form));
  return request;
}

Result<Token> read_token(const http::OutboundResponse& response) {
  if (response.failure != http::Failure::none) {
    return no_token("cannot be asked (" + std::string(http::error_class(response.failure)) +
                    "): " + response.error);
  }
  const auto document = format::parse_json(response.body);
  if (response.status < 200 || response.status > 299) {
    const std::string reason = document ? word(text_of(document->root(), "error")) : "";
    return no_token("answered " + std::to_string(response.status) +
                    (reason.empty() ? "" : " (" + reason + ")") +
                    "; check token_url, client_id and client_secret");
  }
  if (response.body_truncated) return no_token("answered more than 64 KiB");
  if (!document || !document->root().is_object()) return no_token("did not answer with a JSON object");
  const format::Value& root = document->root();
  Token token{base::Secret(text_of(root, "access_token")), lifetime_of(root)};
  const std::string_view text = token.text.reveal();
  if (text.empty() || text.size() > kTokenBytesMax ||
      !std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; })) {
    return no_token("gave no access_token that can be sent");
  }
  const std::string type = text_of(root, "token_type");
  if (!type.empty() && !http::equals_ignoring_case(type, "bearer"))
    return no_token("gave a token of type " + word(type) + ", and only Bearer can be sent");
  return token;
}

base::Task<std::string> OAuth2Session::token(std::shared_ptr<OAuth2Session> self, http::Client& client,
                                             const base::Clock& clock, std::chrono::milliseconds timeout) {
  if (self->fetching_) {
    base::Waiter<Outcome> waiter;
    self->waiting_.push_back(&waiter);
    const Outcome outcome = co_await waiter.wait();
    co_return *outcome;
  }
  if (!self->token_.empty() && clock.steady() < self->renew_) co_return std::string(self->token_.reveal());
  self->fetching_ = true;
  const http::OutboundResponse response = co_await client.send(make_token_request(self->config_, timeout));
  auto granted = read_token(response);
  base::Result<std::string> result = std::unexpected(base::Error{});
  if (granted) {
    const auto leeway = std::min<std::chrono::seconds>(kLeewayMax, granted->lifetime / 10);
    self->renew_ = clock.steady() + granted->lifetime - leeway;
    self->token_ = std::move(granted->text);
    result = std::string(self->token_.reveal());
  } else {
    result = std::unexpected(std::move(granted.error()));
  }
  self->fetching_ = false;
  const auto outcome = std::make_shared<const base::Result<std::string>>(std::move(result));
  for (base::Waiter<Outcome>* waiter : std::exchange(self->waiting_, {})) waiter->give(outcome);
  co_return *outcome;
}

void OAuth2Session::drop(std::string_view refused) {
  if (token_.reveal() == refused) token_ = base::Secret();
}

}  // namespace outbound
