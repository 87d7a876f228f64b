#include "outbound/book.hpp"

#include "base/log.hpp"
#include "crypto/encoding.hpp"
#include "format/json.hpp"
#include "outbound/pattern.hpp"
#include "outbound/system_event.hpp"

namespace outbound {

namespace {

using base::Code;
using base::fail;
using base::Result;

std::string_view member(const format::Value& object, std::string_view key, std::string_view otherwise) {
  const format::Value* value = object.find(key);
  return value != nullptr && value->is_string() ? value->text() : otherwise;
}

Result<PreparedAuth::Mac> prepare_mac(const format::Value& config, const Subscription& subscription) {
  const std::string_view algorithm = member(config, "algorithm", "sha256");
  const std::optional<crypto::Hash> hash = algorithm == "sha256"   ? std::optional(crypto::Hash::sha256)
                                           : algorithm == "sha1"   ? std::optional(crypto::Hash::sha1)
                                           : algorithm == "sha512" ? std::optional(crypto::Hash::sha512)
                                                                   : std::nullopt;
  if (!hash) return fail(Code::invalid, "auth_config.algorithm is sha1, sha256 or sha512");
  const std::string_view encoding = member(config, "encoding", "hex");
  if (encoding != "hex" && encoding != "base64")
    return fail(Code::invalid, "auth_config.encoding is hex or base64");
  const std::string_view own = subscription.secrets.empty() ? "" : subscription.secrets.front().text.reveal();
  const std::string_view key = member(config, "secret", own);
  if (key.empty()) return fail(Code::invalid, "auth_config.secret is missing");
  return PreparedAuth::Mac{std::string(member(config, "header", "X-Signature")),
                           std::string(member(config, "prefix", "")), encoding == "base64",
                           crypto::HmacKey(*hash, key)};
}

Whose whose(const event::Event& event) {
  return event.origin == event::kSystemOrigin ? Whose::hub : Whose::tenant;
}

/// What Book::Patterns knows a pattern by: a type by itself, "order.*" by "order.", "*" by nothing.
std::string_view stem(std::string_view pattern) {
  if (pattern.ends_with('*')) pattern.remove_suffix(1);
  return pattern;
}
constexpr std::string_view kEveryType;

bool is_of_types(const Subscription& subscription, std::string_view type, Whose whose) {
  return std::ranges::any_of(subscription.event_types, [&](const std::string& pattern) {
    return (whose == Whose::tenant || pattern != "*") && pattern_matches(pattern, type);
  });
}

}  // namespace

Result<PreparedAuth> prepare_auth(const Subscription& subscription) {
  PreparedAuth auth;
  if (subscription.auth_type == AuthType::none) return auth;
  XD_TRY(const auto document, format::parse_json(std::string(subscription.auth_config.reveal())));
  const format::Value& config = document.root();
  switch (subscription.auth_type) {
    case AuthType::none:
    case AuthType::oauth2: break;  // its token is fetched when a delivery needs it
    case AuthType::basic: {
      const std::string pair =
          std::string(member(config, "username", "")) + ":" + std::string(member(config, "password", ""));
      auth.header_line = "Authorization: Basic " + crypto::to_base64(pair);
      break;
    }
    case AuthType::api_key:
      auth.header_line = std::string(member(config, "header", "X-API-Key")) + ": " +
                         std::string(member(config, "value", ""));
      break;
    case AuthType::hmac: {
      XD_TRY(auth.mac, prepare_mac(config, subscription));
      break;
    }
  }
  return auth;
}

bool is_of_types(const Subscription& subscription, const event::Event& event) {
  return is_of_types(subscription, event.type, whose(event));
}

Result<Prepared> prepare(SubscriptionPtr config) {
  Prepared prepared;
  XD_TRY(prepared.auth, prepare_auth(*config));
  XD_TRY(prepared.signer, Signer::make(*config));
  if (!config->client_certificate.empty() || !config->ca_certificate.empty()) {
    prepared.tls =
        std::make_shared<const http::ClientTls>(config->client_certificate.clone(), config->ca_certificate);
  }
  if (!config->ca_certificate.empty()) {
    prepared.authorities = std::make_shared<const http::ClientTls>(base::Secret(), config->ca_certificate);
  }
  if (config->auth_type == AuthType::oauth2) {
    XD_TRY(auto oauth2, read_oauth2(config->auth_config.reveal()));
    prepared.oauth2 = std::make_shared<OAuth2Session>(std::move(oauth2));
  }
  if (!config->filter.empty()) {
    XD_TRY(const auto document, format::parse_json(config->filter));
    XD_TRY(prepared.filter, Filter::compile(document.root()));
  }
  prepared.config = std::move(config);
  return prepared;
}

bool wants_type(const Subscription& subscription, std::string_view type) {
  return std::ranges::any_of(subscription.event_types,
                             [type](const std::string& pattern) { return pattern_matches(pattern, type); });
}

void Book::put(const SubscriptionPtr& subscription) {
  const PreparedPtr known = find(subscription->id);
  if (known && known->config->version > subscription->version) return;
  auto prepared = prepare(subscription);
  if (!prepared) {
    base::log(base::LogLevel::error, "a stored subscription cannot be used; save it again",
              {{"subscription_id", subscription->id}, {"error", prepared.error().message}});
    return;
  }
  if (known) drop_patterns(*known);
  auto shared = std::make_shared<const Prepared>(std::move(*prepared));
  Patterns& patterns = by_tenant_[subscription->tenant];
  for (const std::string& pattern : subscription->event_types) {
    auto& those = patterns[std::string(stem(pattern))];
    if (those.empty() || those.back() != shared) those.push_back(shared);
  }
  catalog_.put(std::move(shared));
  if (watcher_) watcher_(*subscription);
}

void Book::remove(SubscriptionId id) {
  if (const PreparedPtr known = catalog_.remove(id)) drop_patterns(*known);
}

void Book::drop_patterns(const Prepared& known) {
  const Subscription& subscription = *known.config;
  Patterns& patterns = by_tenant_[subscription.tenant];
  for (const std::string& pattern : subscription.event_types) {
    const auto those = patterns.find(stem(pattern));
    if (those == patterns.end()) continue;  // a pattern it has twice
    std::erase_if(those->second, [&](const PreparedPtr& prepared) { return prepared.get() == &known; });
    if (those->second.empty()) patterns.erase(those);
  }
  if (patterns.empty()) by_tenant_.erase(subscription.tenant);
}

void Book::replace(const std::vector<SubscriptionPtr>& all, base::Steady read_began) {
  const auto news = catalog_.news_of(all, read_began);
  for (const SubscriptionPtr& subscription : news.fresh) put(subscription);
  for (const SubscriptionId id : news.gone) remove(id);
}

template <class Visit>
void Book::for_each_match(TenantId tenant, std::string_view type, Whose whose, const Visit& visit) const {
  const auto patterns = by_tenant_.find(tenant);
  if (patterns == by_tenant_.end()) return;
  const auto look = [&](std::string_view stem) {
    const auto those = patterns->second.find(stem);
    if (those != patterns->second.end()) visit(those->second);
  };
  look(type);
  for (std::size_t dot = type.find('.'); dot != type.npos; dot = type.find('.', dot + 1)) {
    look(type.substr(0, dot + 1));
  }
  if (whose == Whose::tenant) look(kEveryType);
}

const std::vector<PreparedPtr>& Book::match(const event::Event& event) {
  matched_.clear();
  std::size_t patterns = 0;
  for_each_match(event.tenant, event.type, whose(event), [&](const std::vector<PreparedPtr>& those) {
    matched_.insert(matched_.end(), those.begin(), those.end());
    ++patterns;
  });
  if (patterns > 1) {
    std::ranges::sort(matched_, {}, [](const PreparedPtr& prepared) { return prepared->config->id; });
    const auto [first, last] = std::ranges::unique(matched_);
    matched_.erase(first, last);
  }
  return matched_;
}

bool Book::wants_system(TenantId tenant, std::string_view type, SubscriptionId but) const {
  bool wanted = false;
  for_each_match(tenant, type, Whose::hub, [&](const std::vector<PreparedPtr>& those) {
    wanted = wanted || std::ranges::any_of(those, [&](const PreparedPtr& prepared) {
               return prepared->config->id != but && prepared->config->takes_events();
             });
  });
  return wanted;
}

}  // namespace outbound
