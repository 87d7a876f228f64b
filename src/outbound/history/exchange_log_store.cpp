#include "base/batcher.hpp"
#include "base/log.hpp"
#include "outbound/history/exchange_log.hpp"

namespace outbound {

namespace {

constexpr std::size_t kWaitingBytesMax = 16 << 20;
/// Bodies leave room for what comes without them.
constexpr std::size_t kWithBodyBytesMax = 12 << 20;
constexpr std::size_t kWaitingMax = 20'000;

std::size_t bytes_of(const Exchange& exchange) {
  return exchange.request_headers.size() + exchange.response_headers.size() + exchange.response_body.size();
}

base::Result<std::vector<std::monostate>> insert_exchanges(db::Tx& tx, std::span<const Exchange> exchanges) {
  std::vector<db::Arg> args;
  args.reserve(exchanges.size() * 8);
  for (const Exchange& e : exchanges) {
    args.insert(args.end(), {e.delivery, e.attempt, e.tenant, e.at, e.request_headers, e.response_headers,
                             db::Arg::blob(e.response_body), e.truncated});
  }
  XD_DO(
      tx.each("INSERT INTO delivery_exchanges (delivery_id, attempt_number, tenant_id, at, request_headers,"
              " response_headers, response_body, response_truncated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
              " ON CONFLICT (delivery_id, attempt_number) DO NOTHING",
              8, args));
  return std::vector<std::monostate>(exchanges.size());
}

}  // namespace

void ExchangeLog::add(Exchange exchange) {
  if (waiting_bytes_ + bytes_of(exchange) > kWithBodyBytesMax && !exchange.response_body.empty()) {
    std::string().swap(exchange.response_body);
    exchange.truncated = true;
  }
  if (waiting_.size() >= kWaitingMax || waiting_bytes_ + bytes_of(exchange) > kWaitingBytesMax) {
    return dropped_.add();
  }
  waiting_bytes_ += bytes_of(exchange);
  waiting_.push_back(std::move(exchange));
  if (!draining_ && gate_.spawn("exchange log", drain())) draining_ = true;
}

/// The first ones, as many as lie in the log of the same day.
std::vector<Exchange> ExchangeLog::take_one_day() {
  const auto day_of = [](const Exchange& one) { return std::chrono::floor<std::chrono::days>(one.at); };
  const auto other = std::ranges::find_if(
      waiting_, [&, first = day_of(waiting_.front())](const Exchange& one) { return day_of(one) != first; });
  std::vector<Exchange> batch(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(other));
  waiting_.erase(waiting_.begin(), other);
  for (const Exchange& one : batch) waiting_bytes_ -= bytes_of(one);
  return batch;
}

base::Task<std::vector<std::monostate>> ExchangeLog::write(std::span<const Exchange> exchanges) {
  co_return co_await store_.write(exchanges.front().at,
                                  [exchanges](db::Tx& tx) { return insert_exchanges(tx, exchanges); });
}

base::Task<void> ExchangeLog::drain() {
  while (!waiting_.empty()) {
    const std::vector<Exchange> batch = take_one_day();
    auto written = co_await write(batch);
    const auto each = co_await base::each_answer<Exchange, std::monostate>(
        batch, std::move(written), [this](std::span<const Exchange> part) { return write(part); });
    const auto refused = std::ranges::find_if(each, [](const auto& one) { return !one.has_value(); });
    if (refused != each.end()) {
      base::log(base::LogLevel::warn, "exchanges could not be logged", {{"error", refused->error().message}});
    }
  }
  draining_ = false;
  co_return base::Result<void>{};
}

base::Result<std::optional<Exchange>> find_exchange(db::Tx& tx, TenantId tenant, DeliveryId delivery,
                                                    int attempt) {
  std::optional<Exchange> found;
  XD_DO(tx.query(
      "SELECT at, request_headers, response_headers, response_body, response_truncated"
      " FROM delivery_exchanges WHERE delivery_id = $1 AND attempt_number = $2 AND tenant_id = $3",
      {delivery, attempt, tenant}, [&](const db::Row& row) {
        found = Exchange{
            delivery,   attempt, tenant, row.time(0), row.string(1), row.string(2), std::string(row.blob(3)),
            row.flag(4)};
      }));
  return found;
}

}  // namespace outbound
