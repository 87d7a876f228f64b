#include "tenant/api_key.hpp"

#include <array>

#include "crypto/digest.hpp"

namespace tenant {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kPrefix = "cdk_";
constexpr std::size_t kRandomCharacters = 32;
constexpr std::size_t kShownCharacters = 12;
constexpr std::size_t kCacheEntriesMax = 10'000;
/// Another node may have revoked a key: no longer than this it goes on working here.
constexpr auto kCachePeriod = std::chrono::seconds{10};
constexpr auto kTouchPeriod = std::chrono::minutes{1};

Permissions set_of(const std::vector<Permission>& scopes) {
  Permissions set;
  for (const Permission permission : scopes) set.add(permission);
  return set;
}

}  // namespace

base::Secret generate_key() {
  std::string text(kPrefix);
  while (text.size() < kPrefix.size() + kRandomCharacters) {
    for (const char byte : crypto::random_bytes(kRandomCharacters)) {
      // 248 is the largest multiple of 62 in a byte: beyond it some characters would come more often.
      const auto value = static_cast<unsigned char>(byte);
      if (value < 248 && text.size() < kPrefix.size() + kRandomCharacters) text += kBase62[value % 62];
    }
  }
  std::uint32_t crc = crypto::crc32(text);
  for (int i = 0; i < 6; ++i, crc /= 62) text += kBase62[crc % 62];
  return base::Secret(std::move(text));
}

std::string hash_key(std::string_view text) { return crypto::digest(crypto::Hash::sha256, text); }

void set_secret(ApiKey& key, std::string_view text) {
  key.prefix = std::string(text.substr(0, std::min(kShownCharacters, text.size() / 2)));
  key.hash = hash_key(text);
}

Permissions ApiKey::permissions() const {
  const Permissions of_role = tenant ? Permissions::of(role) : Permissions::of_platform(role);
  return scopes.empty() ? of_role : of_role & set_of(scopes);
}

Result<void> bound_by_maker(ApiKey& key, const KeyMaker& maker) {
  if (!maker.permissions.includes(key.permissions()) || !maker.permissions.includes(set_of(key.scopes))) {
    return fail(Code::forbidden,
                "a key cannot be given more than the key it is made with; choose a lesser "
                "role, or fewer scopes");
  }
  if (!maker.expires) return {};
  if (key.expires && *key.expires > *maker.expires) {
    return fail(Code::forbidden, "a key cannot outlive the key it is made with, which expires at " +
                                     base::to_rfc3339(*maker.expires) + "; choose no later expires_at");
  }
  if (!key.expires) key.expires = maker.expires;
  return {};
}

const ApiKey* KeyCache::find(const std::string& hash, base::Time now) const {
  const auto found = entries_.find(hash);
  if (found == entries_.end() || now - found->second.put > kCachePeriod) return nullptr;
  return &found->second.key;
}

void KeyCache::put(ApiKey key, base::Time now) {
  if (entries_.size() >= kCacheEntriesMax) entries_.clear();
  auto [entry, fresh] = entries_.try_emplace(key.hash);
  entry->second.put = now;
  if (fresh) entry->second.touched = key.last_used.value_or(base::Time{});
  entry->second.key = std::move(key);
}

void KeyCache::forget(ApiKeyId id) {
  ++forgotten_;
  std::erase_if(entries_, [id](const auto& entry) { return entry.second.key.id == id; });
}

bool KeyCache::should_touch(const std::string& hash, base::Time now) {
  const auto found = entries_.find(hash);
  if (found == entries_.end() || now - found->second.touched < kTouchPeriod) return false;
  found->second.touched = now;
  return true;
}

}  // namespace tenant
