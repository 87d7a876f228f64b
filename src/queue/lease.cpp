#include "queue/lease.hpp"

#include "base/log.hpp"
#include "queue/queue_store.hpp"

namespace queue {

namespace {

constexpr auto kLease = std::chrono::seconds{15};
constexpr auto kRenewal = std::chrono::seconds{5};
/// Sending stops so long after the last renewal: a third of the lease is left for what is under way.
constexpr auto kGiveUp = std::chrono::seconds{10};
constexpr auto kLook = std::chrono::seconds{1};

}  // namespace

LeaseKeeper::LeaseKeeper(asio::any_io_executor executor, db::Db& store, Queue& queue, base::Uuid node)
    : executor_(executor), store_(store), queue_(queue), node_(node), timer_(executor), gate_(executor) {}

base::Result<void> LeaseKeeper::take() {
  if (store_.engine() == db::Engine::sqlite) return {};
  renewed_ = base::steady_now();
  return store_.write_now([this](db::Tx& tx) { return renew(tx, node_, kLease); });
}

void LeaseKeeper::start() {
  if (store_.engine() == db::Engine::postgres) gate_.spawn("lease", keep());
}

base::Task<void> LeaseKeeper::keep() {
  bool held = true;
  base::Steady tried = renewed_;
  while (!stopping_) {
    timer_.expires_after(kLook);
    boost::system::error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (stopping_) break;
    const base::Steady now = base::steady_now();
    if (now - tried >= kRenewal || !held) {
      tried = now;
      // The lease counts from before the statement, whatever it took.
      auto renewed = co_await store_.write([this](db::Tx& tx) { return renew(tx, node_, kLease); });
      if (renewed) renewed_ = now;
      if (!renewed)
        base::log(base::LogLevel::warn, "cannot renew the lease", {{"error", renewed.error().message}});
    }
    const bool holds = base::steady_now() - renewed_ < kGiveUp;
    if (holds != held) {
      held = holds;
      queue_.suspend(!holds);
      base::log(holds ? base::LogLevel::info : base::LogLevel::error,
                holds ? "the lease is held again" : "the lease is lost: nothing is sent until it is renewed");
    }
    if (held) co_await look();
  }
  co_return base::Result<void>{};
}

base::Task<void> LeaseKeeper::look() {
  XD_CO_TRY(const auto lanes, co_await store_.read([](db::Tx& tx) { return lanes_with_tasks(tx); }));
  for (const LaneId lane : lanes) queue_.look(lane);
  co_return base::Result<void>{};
}

asio::awaitable<void> LeaseKeeper::stop() {
  stopping_ = true;
  timer_.cancel();
  co_await gate_.close();
  if (store_.engine() == db::Engine::postgres) {
    (void)co_await store_.write([this](db::Tx& tx) { return release_all(tx, node_); });
  }
}

}  // namespace queue
