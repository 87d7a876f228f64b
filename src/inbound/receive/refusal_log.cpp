#include "inbound/receive/refusal_log.hpp"

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace inbound {

Refused& RefusalLog::count(const Endpoint& endpoint, std::string_view reason) {
  Refused& refused = round_[endpoint.id];
  refused.tenant = endpoint.tenant;
  const auto known = refused.counts.find(reason);
  known == refused.counts.end() ? void(refused.counts.emplace(reason, 1)) : void(++known->second);
  base::metrics()
      .counter("crossdock_refused_total", "Requests that endpoints refused, by reason",
               {{"reason", std::string(reason)}})
      .add(1);
  return refused;
}

void RefusalLog::begin() {
  if (writing_) return;
  writing_ = gate_.spawn("refusals", write_rounds());
}

void RefusalLog::stop() {
  stopping_ = true;
  pause_.cancel();
}

base::Task<void> RefusalLog::write_rounds() {
  while (!round_.empty()) {
    RefusedRound round = std::exchange(round_, {});
    kept_ = 0;
    const auto written = co_await store_.write([&round](db::Tx& tx) { return add_refusals(tx, round); });
    if (!written) {
      base::log(base::LogLevel::warn, "refused requests could not be kept",
                {{"error", written.error().message}});
    }
    if (stopping_) continue;
    pause_.expires_after(kRound);
    boost::system::error_code ignored;
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  writing_ = false;
  co_return base::Result<void>{};
}

}  // namespace inbound
