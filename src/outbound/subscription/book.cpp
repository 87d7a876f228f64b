#include "outbound/subscription/book.hpp"

#include "base/log.hpp"
#include "crypto/encoding.hpp"
#include "event/pattern.hpp"
#include "format/json.hpp"

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

/// What Book::Patterns knows a pattern by: a type by itself, "order.*" by "order.", "workitem_*" by
/// "workitem_" (in a table of their own, for that may be a type as well), "*" by nothing.
std::string_view stem(std::string_view pattern) {
  if (pattern.ends_with('*')) pattern.remove_suffix(1);
  return pattern;
}
constexpr std::string_view kEveryType;

bool is_of_types(const Subscription& subscription, std::string_view type, Whose whose) {
  return std::ranges::any_of(subscription.event_types, [&](const std::string& pattern) {
    return (whose == Whose::tenant || pattern != "*") && event::pattern_matches(pattern, type);
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
  Filters alone;
  return prepare(std::move(config), alone);
}

namespace {

/// None where it has none. Error: invalid.
Result<std::shared_ptr<const Filter>> filter_of(const Subscription& subscription, Filters& filters) {
  if (subscription.filter.empty()) return nullptr;
  return filters.of(subscription.filter, [](const std::string& text) -> Result<Filter> {
    XD_TRY(const auto document, format::parse_json(text));
    return Filter::compile(document.root());
  });
}

}  // namespace

Result<Prepared> prepare(SubscriptionPtr config, Filters& filters) {
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
  XD_TRY(prepared.filter, filter_of(*config, filters));
  prepared.config = std::move(config);
  return prepared;
}

namespace {

/// One that cannot be used as what can be said of it.
Prepared prepare_or_say(const SubscriptionPtr& config, Filters& filters) {
  auto prepared = config->broken.empty() ? prepare(config, filters) : fail(Code::corrupt, config->broken);
  if (prepared) return std::move(*prepared);
  base::log(
      base::LogLevel::error, "a stored subscription cannot be used; its deliveries fail",
      {{"subscription_id", config->id}, {"tenant_id", config->tenant}, {"error", prepared.error().message}});
  Prepared said{.config = config, .broken = prepared.error().message};
  if (auto filter = filter_of(*config, filters)) said.filter = std::move(*filter);
  return said;
}

}  // namespace

std::size_t memory_of(const Prepared& prepared) {
  const Subscription& s = *prepared.config;
  // What each pattern, header and intermediate node takes beside its text.
  constexpr std::size_t kEach = 200;
  std::size_t bytes = sizeof(Prepared) + sizeof(Subscription) + s.name.size() + s.url.size() +
                      s.filter.size() + s.description.value_or("").size() + s.signing_config.size() +
                      s.auth_config.reveal().size();
  for (const std::string& type : s.event_types) bytes += 2 * type.size() + kEach;
  for (const auto& [name, value] : s.headers) bytes += name.size() + value.size() + kEach;
  // With what the TLS of each shard is made of.
  bytes += 2 * (s.client_certificate.reveal().size() + s.ca_certificate.size());
  return bytes + (prepared.filter ? prepared.filter->bytes() : 0);
}

bool wants_type(const Subscription& subscription, std::string_view type) {
  return std::ranges::any_of(subscription.event_types, [type](const std::string& pattern) {
    return event::pattern_matches(pattern, type);
  });
}

void Book::put(const SubscriptionPtr& subscription) {
  const PreparedPtr known = find(subscription->id);
  if (known && known->config->version > subscription->version) return;
  auto shared = std::make_shared<const Prepared>(prepare_or_say(subscription, filters_));
  if (!shared->broken.empty() && known && known->broken.empty()) return;  // what works is kept
  if (known) drop_patterns(*known);
  OfTenant& tenant = by_tenant_[subscription->tenant];
  tenant.memory += memory_of(*shared);
  for (const std::string& pattern : subscription->event_types) {
    auto& those = tenant.of(pattern)[std::string(stem(pattern))];
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
  OfTenant& tenant = by_tenant_[subscription.tenant];
  tenant.memory -= memory_of(known);
  for (const std::string& pattern : subscription.event_types) {
    Patterns& patterns = tenant.of(pattern);
    const auto those = patterns.find(stem(pattern));
    if (those == patterns.end()) continue;  // a pattern it has twice
    std::erase_if(those->second, [&](const PreparedPtr& prepared) { return prepared.get() == &known; });
    if (those->second.empty()) patterns.erase(those);
  }
  if (tenant.empty()) by_tenant_.erase(subscription.tenant);
}

void Book::replace(const std::vector<SubscriptionPtr>& all, base::Steady read_began) {
  const auto news = catalog_.news_of(all, read_began);
  for (const SubscriptionPtr& subscription : news.fresh) put(subscription);
  for (const SubscriptionId id : news.gone) remove(id);
}

template <class Visit>
void Book::for_each_match(TenantId tenant, std::string_view type, Whose whose, const Visit& visit) const {
  const auto found = by_tenant_.find(tenant);
  if (found == by_tenant_.end()) return;
  const auto look = [&](const Patterns& patterns, std::string_view stem) {
    const auto those = patterns.find(stem);
    if (those != patterns.end()) visit(those->second);
  };
  const auto& [types, underscored, memory] = found->second;
  look(types, type);
  for (std::size_t dot = type.find('.'); dot != type.npos; dot = type.find('.', dot + 1)) {
    look(types, type.substr(0, dot + 1));
  }
  if (!underscored.empty()) {
    // Something has to follow.
    for (std::size_t at = type.find('_'); at + 1 < type.size();
         at = std::min(type.find('_', at + 1), type.size())) {
      look(underscored, type.substr(0, at + 1));
    }
  }
  if (whose == Whose::tenant) look(types, kEveryType);
}

const std::vector<PreparedPtr>& Book::match(const event::Event& event) {
  matched_.clear();
  std::size_t patterns = 0;
  for_each_match(event.tenant, event.type, whose(event), [&](const std::vector<PreparedPtr>& those) {
    matched_.insert(matched_.end(), those.begin(), those.end());
    ++patterns;
  });
  if (patterns > 1) {
    std::ranges::sort(matched_);
    const auto [first, last] = std::ranges::unique(matched_);
    matched_.erase(first, last);
  }
  return matched_;
}

std::size_t Book::matches_max(const event::Event& event) const {
  std::size_t count = 0;
  for_each_match(event.tenant, event.type, whose(event),
                 [&](const std::vector<PreparedPtr>& those) { count += those.size(); });
  return count;
}

std::size_t Book::memory_of_others(TenantId tenant, SubscriptionId but) const {
  const auto found = by_tenant_.find(tenant);
  if (found == by_tenant_.end()) return 0;
  const PreparedPtr own = find(but);
  return found->second.memory - (own && own->config->tenant == tenant ? memory_of(*own) : 0);
}

bool Book::wants_system(TenantId tenant, std::string_view type, SubscriptionId but) const {
  bool wanted = false;
  std::size_t looks = 0;
  for_each_match(tenant, type, Whose::hub, [&](const std::vector<PreparedPtr>& those) {
    wanted = wanted || std::ranges::any_of(those, [&](const PreparedPtr& prepared) {
               const bool too_many = ++looks > base::limits::kFanoutInline;
               return too_many || (prepared->config->id != but && prepared->config->takes_events());
             });
  });
  return wanted;
}

}  // namespace outbound
