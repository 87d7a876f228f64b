#include "api/auth_input.hpp"

#include "outbound/request.hpp"

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

}  // namespace

void read_auth(Call& call, Input& input, Members& members, Subscription& subscription) {
  const AuthType before = subscription.auth_type;
  if (members.touches("auth_type")) {
    const auto text = input.text("auth_type", 20);
    const auto type = outbound::parse_auth_type(text.value_or("NONE"));
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

void read_certificates(Input& input, Members& members, Subscription& subscription) {
  if (members.touches("client_certificate")) {
    subscription.client_certificate = base::Secret();
    if (const format::Value* pair = input.any("client_certificate")) {
      Input inner(*pair, "#/client_certificate");
      const auto certificate = inner.required_text("certificate", kPemBytesMax);
      const auto key = inner.required_text("private_key", kPemBytesMax);
      if (auto checked = inner.finish(); !checked) input.take_errors(checked.error());
      subscription.client_certificate = base::Secret(certificate.value_or("") + "\n" + key.value_or(""));
    }
  }
  if (members.touches("ca_certificate")) {
    subscription.ca_certificate = input.text("ca_certificate", kPemBytesMax).value_or("");
  }
}

}  // namespace api
