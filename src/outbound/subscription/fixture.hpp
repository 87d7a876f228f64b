// What the tests of this room share: tenants, subscriptions and events, made up.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "crypto/encoding.hpp"
#include "db/log_store.hpp"
#include "event/event.hpp"
#include "outbound/subscription/book.hpp"
#include "outbound/subscription/subscription.hpp"
#include "queue/backoff.hpp"
#include "tenant/tenant.hpp"

namespace outbound {

/// 2027-01-15T08:00:00.123456Z.
inline const base::Time kNow = base::from_micros(1'800'000'000'123'456);

/// "whsec_" and 32 times this byte.
inline std::string secret_text(char byte) { return "whsec_" + crypto::to_base64(std::string(32, byte)); }

inline SigningSecret make_secret(char byte, std::optional<base::Time> valid_until = {},
                                 base::Time created = kNow) {
  return {.id = base::make_uuid(created),
          .text = base::Secret(secret_text(byte)),
          .fingerprint = "0123abc" + std::string(1, byte),
          .valid_until = valid_until,
          .created = created};
}

/// An active one for these types, without a secret and without authentication.
inline Subscription make_subscription(TenantId tenant, std::vector<std::string> types = {"*"}) {
  Subscription subscription;
  subscription.id = SubscriptionId::make(kNow);
  subscription.tenant = tenant;
  subscription.name = "orders to the shop";
  subscription.url = "https://example.com/hook";
  subscription.event_types = std::move(types);
  subscription.retry_intervals.assign(std::begin(queue::kRetryIntervals), std::end(queue::kRetryIntervals));
  subscription.created = kNow;
  subscription.updated = kNow;
  return subscription;
}
inline SubscriptionPtr share(Subscription subscription) {
  return std::make_shared<const Subscription>(std::move(subscription));
}

inline event::EventPtr make_event(TenantId tenant, std::string type = "order.created",
                                  base::Time now = kNow) {
  event::Event event{.id = event::EventId::make(now), .tenant = tenant, .type = std::move(type)};
  event.data = R"({"n":1})";
  event.occurred = now;
  event.created = now;
  return std::make_shared<const event::Event>(std::move(event));
}

/// Subscriptions belong to a tenant that is in the store.
inline base::Result<void> insert_tenant_of(db::Tx& tx, TenantId id) {
  return tenant::insert_tenant(
      tx, {.id = id, .slug = id.str(), .name = "Acme Corp", .created = kNow, .updated = kNow});
}

inline crypto::KeyRing make_key_ring() {
  return crypto::KeyRing::parse(crypto::KeyRing::generate_entry("test")).value();
}

/// An empty log store in a directory of its own, which is gone at the end.
class TestLog {
 public:
  TestLog() : directory_(make_directory()), store_(db::LogStore::open_sqlite(directory_).value()) {}
  ~TestLog() {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  TestLog(const TestLog&) = delete;
  TestLog& operator=(const TestLog&) = delete;

  db::LogStore& operator*() { return *store_; }
  db::LogStore* operator->() { return store_.get(); }

 private:
  static std::string make_directory() {
    std::string path = (std::filesystem::temp_directory_path() / "crossdock-log-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make a directory for a log");
    return path;
  }

  const std::string directory_;
  std::unique_ptr<db::LogStore> store_;
};

/// data.a has so many elements, all 0 but the last, which is 7.
inline event::EventPtr make_long_event(TenantId tenant, std::size_t count) {
  event::Event event = *make_event(tenant);
  event.data = R"({"a":[)";
  for (std::size_t i = 1; i < count; ++i) event.data += "0,";
  event.data += "7]}";
  return std::make_shared<const event::Event>(std::move(event));
}

/// A filter that looks at each of them.
inline std::string any_is(int value) {
  return R"({"field":"data.a[*]","op":"eq","value":)" + std::to_string(value) + "}";
}

}  // namespace outbound
