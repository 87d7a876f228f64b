#include "outbound/book.hpp"

#include <set>

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

constexpr std::size_t kTypesRememberedMax = 1024;

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

Whose whose(const event::Event& event) { return event.origin == kSystemOrigin ? Whose::hub : Whose::tenant; }

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
  drop(subscription->tenant, subscription->id);
  auto shared = std::make_shared<const Prepared>(std::move(*prepared));
  by_tenant_[subscription->tenant].subscriptions.push_back(shared);
  by_id_[subscription->id] = {std::move(shared), base::steady_now()};
  if (watcher_) watcher_(*subscription);
}

void Book::remove(TenantId tenant, SubscriptionId id) {
  removed_[id] = base::steady_now();
  drop(tenant, id);
}

void Book::drop(TenantId tenant, SubscriptionId id) {
  by_id_.erase(id);
  const auto found = by_tenant_.find(tenant);
  if (found == by_tenant_.end()) return;
  std::erase_if(found->second.subscriptions,
                [id](const PreparedPtr& prepared) { return prepared->config->id == id; });
  for (auto& answers : found->second.by_type) answers.clear();
}

void Book::replace(const std::vector<SubscriptionPtr>& all, base::Steady read_began) {
  std::erase_if(removed_, [read_began](const auto& one) { return one.second < read_began; });
  std::set<SubscriptionId> kept;
  for (const SubscriptionPtr& subscription : all) {
    if (removed_.contains(subscription->id)) continue;
    kept.insert(subscription->id);
    const PreparedPtr known = find(subscription->id);
    if (!known || known->config->version < subscription->version) put(subscription);
  }
  std::vector<std::pair<TenantId, SubscriptionId>> gone;
  for (const auto& [id, known] : by_id_) {
    if (!kept.contains(id) && known.put < read_began) gone.emplace_back(known.prepared->config->tenant, id);
  }
  for (const auto& [tenant, id] : gone) remove(tenant, id);
}

PreparedPtr Book::find(SubscriptionId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second.prepared;
}

const std::vector<PreparedPtr>& Book::match(const event::Event& event) {
  return match(event.tenant, event.type, whose(event));
}

bool Book::wants_system(TenantId tenant, const std::string& type, SubscriptionId but) {
  return std::ranges::any_of(match(tenant, type, Whose::hub), [&](const PreparedPtr& prepared) {
    return prepared->config->id != but && prepared->config->takes_events();
  });
}

const std::vector<PreparedPtr>& Book::match(TenantId tenant, const std::string& type, Whose whose) {
  static const std::vector<PreparedPtr> none;
  const auto found = by_tenant_.find(tenant);
  if (found == by_tenant_.end()) return none;
  OfTenant& known = found->second;
  auto& answers = known.by_type[static_cast<std::size_t>(whose)];
  if (const auto answer = answers.find(type); answer != answers.end()) return answer->second;
  if (answers.size() >= kTypesRememberedMax) answers.clear();
  std::vector<PreparedPtr>& answer = answers[type];
  for (const PreparedPtr& prepared : known.subscriptions) {
    if (is_of_types(*prepared->config, type, whose)) answer.push_back(prepared);
  }
  return answer;
}

}  // namespace outbound
