#include "api/outbound/signing_input.hpp"

#include "base/text.hpp"
#include "outbound/send/request.hpp"
#include "outbound/subscription/book.hpp"

namespace api {

namespace {

using outbound::SigningScheme;
using outbound::Subscription;

constexpr std::size_t kSecretBytesMax = 200;

void check_word(Input& input, std::string_view name, std::initializer_list<std::string_view> words) {
  const auto text = input.text(name, 20);
  if (!text || std::ranges::find(words, std::string_view(*text)) != words.end()) return;
  std::string detail;
  for (const std::string_view word : words) detail.append(detail.empty() ? "" : " or ").append(word);
  input.error(name, "INVALID", detail);
}

void check_signing_config(Input& input, const format::Value& config) {
  Input inner(config, "#/signing_config");
  std::set<std::string> names;
  const auto check_name = [&](std::string_view member, const std::optional<std::string>& name) {
    if (!name || name->empty()) return;
    if (!is_header_name(*name) || outbound::is_reserved_header(*name)) {
      inner.error(member, "INVALID", "this is not a header name, or one that Crossdock sets itself");
    } else if (!names.insert(base::lower_ascii(*name)).second) {
      inner.error(member, "INVALID", "this header is named twice");
    }
  };
  check_name("header", inner.required_text("header", 100));
  check_name("timestamp_header", inner.text("timestamp_header", 100));
  check_name("id_header", inner.text("id_header", 100));
  check_word(inner, "algorithm", {"sha1", "sha256", "sha512"});
  check_word(inner, "encoding", {"hex", "base64"});
  const auto prefix = inner.text("prefix", 50);
  if (prefix && (!is_header_value(*prefix) || prefix->starts_with(' ')))
    inner.error("prefix", "INVALID", "visible ASCII characters, and no blank in front");
  if (const auto content = inner.text("content", 1000)) {
    if (auto parsed = crypto::SignedContent::parse(*content); !parsed)
      inner.error("content", "INVALID", parsed.error().message);
  }
  if (auto checked = inner.finish(); !checked) input.take_errors(checked.error());
}

/// The header that authentication sets, in lower case; "" for none.
std::string auth_header(const Subscription& subscription) {
  if (subscription.auth_type == outbound::AuthType::oauth2) return "authorization";
  const auto prepared = outbound::prepare_auth(subscription);
  if (!prepared) return {};
  if (prepared->mac) return base::lower_ascii(prepared->mac->header);
  return base::lower_ascii(
      std::string_view(prepared->header_line).substr(0, prepared->header_line.find(':')));
}

}  // namespace

void read_signing(Input& input, Members& members, Subscription& subscription) {
  const SigningScheme before = subscription.signing_scheme;
  if (members.touches("signing_scheme")) {
    const auto scheme =
        base::parse_word<outbound::SigningScheme>(input.text("signing_scheme", 20).value_or("STANDARD"));
    if (!scheme) {
      input.error("signing_scheme", "INVALID", "STANDARD, STANDARD_V1A, GITHUB, STRIPE or HMAC_HEADER");
    }
    subscription.signing_scheme = scheme.value_or(SigningScheme::standard);
  }
  const bool touched = members.touches("signing_config");
  const format::Value* config = input.any("signing_config");
  if (subscription.signing_scheme != SigningScheme::hmac_header) {
    if (config != nullptr) input.error("signing_config", "INVALID", "only HMAC_HEADER has a signing_config");
    subscription.signing_config.clear();
  } else if (config != nullptr) {
    check_signing_config(input, *config);
    subscription.signing_config = std::string(config->raw());
  } else if (touched || before != SigningScheme::hmac_header) {
    input.error("signing_config", "REQUIRED", R"(HMAC_HEADER needs at least {"header": "X-Name"})");
  }
}

base::Secret read_secret(Input& input, SigningScheme scheme) {
  base::Secret given(input.text("secret_key", kSecretBytesMax).value_or(""));
  if (given.empty()) return outbound::generate_secret(scheme);
  if (auto shaped = outbound::check_secret(scheme, given.reveal()); !shaped)
    input.error("secret_key", "INVALID", shaped.error().message);
  return given;
}

void check_secrets_fit(Input& input, const Subscription& subscription, base::Time now) {
  const SigningScheme scheme = subscription.signing_scheme;
  const auto fits = [&](const outbound::SigningSecret& secret) {
    const bool newest = &secret == &subscription.secrets.front();
    return newest ? outbound::check_secret(scheme, secret.text.reveal()).has_value()
                  : !secret.active(now) || outbound::can_go_on_signing(scheme, secret.text.reveal());
  };
  if (std::ranges::all_of(subscription.secrets, fits)) return;
  input.error("signing_scheme", "INVALID",
              "a secret that signs now is none of this scheme; POST …/rotate-secret with this "
              "signing_scheme changes both in one step");
}

void check_headers_differ(Input& input, const Subscription& subscription) {
  const std::vector<std::string> own = outbound::headers_of_its_own(subscription);
  const auto taken = [&own](std::string_view name) {
    return std::ranges::any_of(own, [&](std::string_view pattern) {
      return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1))
                                    : name == pattern;
    });
  };
  for (const auto& [name, value] : subscription.headers) {
    if (!taken(base::lower_ascii(name))) continue;
    input.error_at("headers" + pointer_part(name), "RESERVED",
                   "the signing scheme or the payload format sets this header; choose another name");
  }
  if (taken(auth_header(subscription))) {
    input.error("signing_scheme", "INVALID", "signing and authentication would set the same header");
  }
}

}  // namespace api
