// What went over the wire, for people to look at: written beside the delivery's life, never in its way.
#pragma once

#include <span>
#include <variant>

#include "base/gate.hpp"
#include "base/metrics.hpp"
#include "db/log_store.hpp"
#include "outbound/delivery/delivery.hpp"

namespace outbound {

struct Exchange {
  DeliveryId delivery{};
  int attempt = 0;
  TenantId tenant{};
  base::Time at{};
  std::string request_headers{};   ///< JSON, credentials masked
  std::string response_headers{};  ///< JSON
  std::string response_body{};
  bool truncated = false;
};

/// Lives on its shard. Bounded: when the log store cannot keep up, bodies are left out first, then whole
/// exchanges are counted and dropped. Nothing depends on it.
class ExchangeLog {
 public:
  ExchangeLog(base::Gate& gate, db::LogStore& store) : gate_(gate), store_(store) {}

  void add(Exchange exchange);

 private:
  base::Task<void> drain();
  /// Some of one day; nothing is told of each but that it is written.
  base::Task<std::vector<std::monostate>> write(std::span<const Exchange> exchanges);
  std::vector<Exchange> take_one_day();

  base::Gate& gate_;
  db::LogStore& store_;
  std::vector<Exchange> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool draining_ = false;
  // There from the start, at 0.
  base::Counter& dropped_ = base::metrics().counter("crossdock_log_dropped_total",
                                                    "Log rows given up because the log store was too slow");
};

base::Result<std::optional<Exchange>> find_exchange(db::Tx& tx, TenantId tenant, DeliveryId delivery,
                                                    int attempt);

}  // namespace outbound
