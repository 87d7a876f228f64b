// A limit on how often something may happen, shared by all threads.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "inbound/endpoint/endpoint.hpp"

namespace inbound {

/// A token bucket of `requests` that fills in `window`: so many may come at once, and no more than that in
/// any window after it. Thread-safe, without a lock: it keeps only the moment at which it will be full again.
class Meter {
 public:
  explicit Meter(const base::Rate& rate)
      : rate_(rate),
        cost_(std::chrono::nanoseconds(rate.window).count() / static_cast<std::int64_t>(rate.requests)) {}

  const base::Rate& rate() const { return rate_; }
  /// Whether there is a token.
  bool has(base::Steady now) const {
    const std::int64_t moment = std::chrono::nanoseconds(now.time_since_epoch()).count();
    return has(moment, full_after(full_at_.load(std::memory_order_relaxed), moment));
  }
  /// Takes a token; false when there is none.
  bool take(base::Steady now) {
    const std::int64_t moment = std::chrono::nanoseconds(now.time_since_epoch()).count();
    std::int64_t full = full_at_.load(std::memory_order_relaxed);
    while (true) {
      const std::int64_t next = full_after(full, moment);
      if (!has(moment, next)) return false;
      if (full_at_.compare_exchange_weak(full, next, std::memory_order_relaxed)) return true;
    }
  }

 private:
  /// When it would be full again after a token more.
  std::int64_t full_after(std::int64_t full, std::int64_t moment) const {
    return std::max(full, moment) + cost_;
  }
  bool has(std::int64_t moment, std::int64_t full_then) const {
    return full_then - moment <= std::chrono::nanoseconds(rate_.window).count();
  }

  base::Rate rate_;
  std::int64_t cost_;
  std::atomic<std::int64_t> full_at_ = std::numeric_limits<std::int64_t>::min() / 2;
};

/// The meters of endpoints and tenants, one for all shards of a node. Thread-safe.
class Meters {
 public:
  /// The endpoint's meter; a new one when its rate has changed, null when it has none.
  std::shared_ptr<Meter> of(const Endpoint& endpoint) {
    // tidy: allow lock taken when an endpoint changes, never for a request
    const std::lock_guard lock(mutex_);
    if (!endpoint.rate_limit) {
      meters_.erase(endpoint.id);
      return nullptr;
    }
    std::shared_ptr<Meter>& meter = meters_[endpoint.id];
    if (!meter || meter->rate() != *endpoint.rate_limit)
      meter = std::make_shared<Meter>(*endpoint.rate_limit);
    return meter;
  }
  /// The meter of all endpoints of a tenant, made at the first time.
  std::shared_ptr<Meter> of(TenantId tenant, const base::Rate& rate) {
    // tidy: allow lock taken once by each shard for a tenant
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Meter>& meter = tenants_[tenant];
    if (!meter) meter = std::make_shared<Meter>(rate);
    return meter;
  }
  void forget(EndpointId id) {
    // tidy: allow lock taken when an endpoint changes, never for a request
    const std::lock_guard lock(mutex_);
    meters_.erase(id);
  }

 private:
  std::mutex mutex_;  // tidy: allow lock taken when an endpoint changes, never for a request
  std::unordered_map<EndpointId, std::shared_ptr<Meter>> meters_;
  std::unordered_map<TenantId, std::shared_ptr<Meter>> tenants_;
};

}  // namespace inbound
