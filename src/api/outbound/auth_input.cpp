#include "api/outbound/auth_input.hpp"

#include "crypto/certificate.hpp"
#include "outbound/send/request.hpp"

namespace api {

namespace {

using outbound::AuthType;
using outbound::Subscription;

constexpr std::size_t kPemBytesMax = 32 << 10;

void check_auth_config(Input& input, AuthType type, const format::Value& config,
                       const http::EgressGuard& guard) {
  Input members(config, "#/auth_config");
  std::optional<std::string> header;
  switch (type) {
    case AuthType::none: break;
    case AuthType::basic: {
      const auto username = members.required_text("username", 500);
      if (username && username->find(':') != std::string::npos) {
        members.error("username", "INVALID", "a user name has no colon");
      }
      members.required_text("password", 500);
      break;
    }
    case AuthType::api_key: {
      header = members.text("header", 100);
      const auto value = members.required_text("value", 2000);
      if (value && !is_header_value(*value))
        members.error("value", "INVALID", "visible ASCII characters only");
      break;
    }
    case AuthType::hmac: {
      header = members.text("header", 100);
      const auto prefix = members.text("prefix", 50);
      if (prefix && !is_header_value(*prefix))
        members.error("prefix", "INVALID", "visible ASCII characters only");
      members.text("secret", 500);
      members.text("algorithm", 10);
      members.text("encoding", 10);
      break;
    }
    case AuthType::oauth2: {
      const auto token_url = members.required_text("token_url", base::limits::kUrlBytesMax);
      if (token_url) {
        if (auto target = http::check_target(*token_url, guard); !target) {
          const std::string& reason = target.error().reason;
          members.error("token_url", reason.empty() ? "INVALID" : reason, target.error().message);
        }
      }
      members.required_text("client_id", 500);
      members.required_text("client_secret", 2000);
      members.text("scope", 1000);
      members.text("audience", 1000);
      const auto style = members.text("auth_style", 10);
      if (style && *style != "BASIC" && *style != "BODY")
        members.error("auth_style", "INVALID", "BASIC or BODY");
      break;
    }
  }
  if (header && (!is_header_name(*header) || outbound::is_reserved_header(*header))) {
    members.error("header", "INVALID", "this is not a header name, or one that Crossdock sets itself");
  }
  if (auto checked = members.finish(); !checked) input.take_errors(checked.error());
}

base::Secret read_client_certificate(Input& input, const format::Value& pair, base::Time now) {
  Input inner(pair, "#/client_certificate");
  const auto certificate = inner.required_text("certificate", kPemBytesMax);
  const base::Secret key(inner.required_text("private_key", kPemBytesMax).value_or(""));
  const auto chain = certificate ? crypto::check_certificate_chain(*certificate, now) : Result<void>();
  if (!chain) inner.error("certificate", "INVALID", chain.error().message);
  if (certificate && chain && !key.empty()) {
    if (auto fits = crypto::check_private_key(*certificate, key.reveal()); !fits)
      inner.error("private_key", "INVALID", fits.error().message);
  }
  if (auto checked = inner.finish(); !checked) input.take_errors(checked.error());
  return base::Secret(certificate.value_or("") + "\n" + std::string(key.reveal()));
}

}  // namespace

void read_auth(Call& call, Input& input, Members& members, Subscription& subscription) {
  const AuthType before = subscription.auth_type;
  if (members.touches("auth_type")) {
    const auto text = input.text("auth_type", 20);
    const auto type = base::parse_word<outbound::AuthType>(text.value_or("NONE"));
    if (!type) input.error("auth_type", "INVALID", "NONE, BASIC, API_KEY, HMAC or OAUTH2");
    subscription.auth_type = type.value_or(AuthType::none);
  }
  const bool touched = members.touches("auth_config");
  const format::Value* config = input.any("auth_config");
  if (subscription.auth_type == AuthType::none) {
    if (config != nullptr) input.error("auth_config", "INVALID", "auth_type NONE has no auth_config");
    subscription.auth_config = base::Secret();
  } else if (config != nullptr) {
    check_auth_config(input, subscription.auth_type, *config, call.services.guard);
    subscription.auth_config = base::Secret(std::string(config->raw()));
  } else if (touched || before != subscription.auth_type) {
    input.error("auth_config", "REQUIRED", "this auth_type needs an auth_config");
  }
}

void read_certificates(Call& call, Input& input, Members& members, Subscription& subscription) {
  const base::Time now = call.services.clock.now();
  if (members.touches("client_certificate")) {
    subscription.client_certificate = base::Secret();
    if (const format::Value* pair = input.any("client_certificate"))
      subscription.client_certificate = read_client_certificate(input, *pair, now);
  }
  if (members.touches("ca_certificate")) {
    subscription.ca_certificate = input.text("ca_certificate", kPemBytesMax).value_or("");
    const auto checked = subscription.ca_certificate.empty()
                             ? Result<void>()
                             : crypto::check_authorities(subscription.ca_certificate, now);
    if (!checked) input.error("ca_certificate", "INVALID", checked.error().message);
  }
  const bool plain = subscription.url.starts_with("http://");
  if (plain && !subscription.client_certificate.empty())
    input.error("client_certificate", "INVALID", "a certificate is shown over https only");
  if (plain && !subscription.ca_certificate.empty())
    input.error("ca_certificate", "INVALID", "a certificate is checked over https only");
}

}  // namespace api
