#include "outbound/subscription/signer.hpp"

#include "base/text.hpp"
#include "format/json.hpp"

namespace outbound {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::size_t kTextBytesMin = 16;
constexpr std::size_t kTextBytesMax = 200;

std::string text_or(const format::Value& config, std::string_view name, std::string_view otherwise) {
  const format::Value* value = config.find(name);
  return std::string(value != nullptr && value->is_string() ? value->text() : otherwise);
}

Result<crypto::HmacHeader> read_header(const format::Value& config) {
  crypto::HmacHeader header;
  header.name = text_or(config, "header", "");
  if (header.name.empty()) return fail(Code::invalid, "signing_config.header is missing");
  header.prefix = text_or(config, "prefix", "");
  const std::string algorithm = text_or(config, "algorithm", "sha256");
  header.algorithm = algorithm == "sha1"     ? crypto::Hash::sha1
                     : algorithm == "sha512" ? crypto::Hash::sha512
                                             : crypto::Hash::sha256;
  if (text_or(config, "encoding", "hex") == "base64") header.encoding = crypto::HmacHeader::Encoding::base64;
  XD_TRY(header.content, crypto::SignedContent::parse(text_or(config, "content", "{body}")));
  return header;
}

}  // namespace

Result<Signer> Signer::make(const Subscription& subscription) {
  Signer signer;
  signer.scheme_ = subscription.signing_scheme;
  if (signer.scheme_ == SigningScheme::hmac_header) {
    XD_TRY(const auto document, format::parse_json(subscription.signing_config));
    XD_TRY(signer.header_, read_header(document.root()));
    signer.timestamp_header_ = text_or(document.root(), "timestamp_header", "");
    signer.id_header_ = text_or(document.root(), "id_header", "");
  }
  for (const SigningSecret& secret : subscription.secrets) {
    auto key = make_key(signer, secret);
    if (key) {
      signer.keys_.push_back(std::move(*key));
    } else if (&secret == &subscription.secrets.front()) {
      return std::unexpected(key.error());
    }  // else one of another scheme, from before; it has ended
  }
  return signer;
}

Result<Signer::Key> Signer::make_key(const Signer& signer, const SigningSecret& secret) {
  const std::string_view text = secret.text.reveal();
  switch (signer.scheme_) {
    case SigningScheme::standard:
    case SigningScheme::standard_v1a: {
      if (text.starts_with("whsk_")) {
        XD_TRY(auto key, crypto::WebhookPrivateKey::parse(text));
        return Key{std::move(key), secret.valid_until};
      }
      XD_TRY(auto key, crypto::WebhookSecret::parse(text));
      return Key{std::move(key), secret.valid_until};
    }
    case SigningScheme::github:
    case SigningScheme::stripe:
    case SigningScheme::hmac_header: break;
  }
  XD_DO(check_secret(signer.scheme_, text));
  return Key{crypto::HmacKey(signer.header_.algorithm, text), secret.valid_until};
}

void Signer::sign(const Message& message, std::vector<std::string>& lines) const {
  switch (scheme_) {
    case SigningScheme::standard:
    case SigningScheme::standard_v1a: return sign_standard(message, lines);
    case SigningScheme::stripe: return sign_stripe(message, lines);
    case SigningScheme::github:
    case SigningScheme::hmac_header: break;
  }
  const auto newest = std::ranges::find_if(keys_, [&](const Key& key) { return key.valid(message.now); });
  if (newest != keys_.end()) sign_header(std::get<crypto::HmacKey>(newest->key), message, lines);
}

void Signer::sign_standard(const Message& message, std::vector<std::string>& lines) const {
  std::string line = "webhook-signature:";
  for (const Key& each : keys_) {
    if (!each.valid(message.now)) continue;
    const auto* secret = std::get_if<crypto::WebhookSecret>(&each.key);
    line.append(" ").append(secret != nullptr ? secret->sign(message.id, message.timestamp, message.body)
                                              : std::get<crypto::WebhookPrivateKey>(each.key).sign(
                                                    message.id, message.timestamp, message.body));
  }
  lines.push_back(std::move(line));
}

void Signer::sign_stripe(const Message& message, std::vector<std::string>& lines) const {
  std::vector<const crypto::HmacKey*> valid;
  for (const Key& each : keys_) {
    if (each.valid(message.now)) valid.push_back(&std::get<crypto::HmacKey>(each.key));
  }
  if (valid.empty()) return;
  lines.push_back("Stripe-Signature: " + crypto::sign_stripe(valid, message.timestamp, message.body));
}

void Signer::sign_header(const crypto::HmacKey& key, const Message& message,
                         std::vector<std::string>& lines) const {
  if (scheme_ == SigningScheme::github) {
    lines.push_back("X-Hub-Signature-256: " + crypto::sign_github(key, message.body));
    lines.push_back("X-GitHub-Event: " + std::string(message.type));
    lines.push_back("X-GitHub-Delivery: " + std::string(message.id));
    return;
  }
  const auto add = [&](const std::string& name, std::string_view value) {
    if (!name.empty()) lines.push_back(name + ": " + std::string(value));
  };
  add(header_.name, header_.value(key, {message.id, message.timestamp, message.body}));
  add(timestamp_header_, message.timestamp);
  add(id_header_, message.id);
}

base::Secret generate_secret(SigningScheme scheme) {
  return scheme == SigningScheme::standard_v1a ? crypto::WebhookPrivateKey::generate()
                                               : crypto::WebhookSecret::generate();
}

Result<void> check_secret(SigningScheme scheme, std::string_view text) {
  if (scheme == SigningScheme::standard) {
    XD_DO(crypto::WebhookSecret::parse(text));
  } else if (scheme == SigningScheme::standard_v1a) {
    XD_DO(crypto::WebhookPrivateKey::parse(text));
  } else if (text.starts_with("whsk_") || text.starts_with("whpk_")) {
    return fail(Code::invalid,
                "a key of STANDARD_V1A is no secret that sender and receiver share; "
                "leave it out to have one made");
  } else if (text.size() < kTextBytesMin || text.size() > kTextBytesMax ||
             !std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; })) {
    return fail(Code::invalid,
                "a secret of this scheme is 16 to 200 visible ASCII characters, used as they are; "
                "leave it out to have one made");
  }
  return {};
}

bool can_go_on_signing(SigningScheme scheme, std::string_view text) {
  const bool standard = scheme == SigningScheme::standard || scheme == SigningScheme::standard_v1a;
  return check_secret(scheme, text).has_value() ||
         (standard && (check_secret(SigningScheme::standard, text).has_value() ||
                       check_secret(SigningScheme::standard_v1a, text).has_value()));
}

std::vector<std::string> headers_of_its_own(const Subscription& subscription) {
  std::vector<std::string> names;
  if (subscription.payload_format == PayloadFormat::cloudevents_binary) names.emplace_back("ce-*");
  switch (subscription.signing_scheme) {
    case SigningScheme::standard:
    case SigningScheme::standard_v1a: break;  // theirs are reserved for all
    case SigningScheme::github:
      names.insert(names.end(), {"x-hub-signature-256", "x-github-event", "x-github-delivery"});
      break;
    case SigningScheme::stripe: names.emplace_back("stripe-signature"); break;
    case SigningScheme::hmac_header: {
      const auto document = format::parse_json(subscription.signing_config);
      if (!document) break;
      for (const std::string_view member : {"header", "timestamp_header", "id_header"}) {
        if (std::string name = base::lower_ascii(text_or(document->root(), member, "")); !name.empty())
          names.push_back(std::move(name));
      }
    }
  }
  return names;
}

}  // namespace outbound
