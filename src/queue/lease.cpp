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

base::Result<void> LeaseKeeper::take() {
  if (store_.engine() == db::Engine::sqlite) return {};
  renewed_ = base::steady_now();
  return store_.write_now([this](db::Tx& tx) { return begin_lease(tx, node_, kLease); });
}

void LeaseKeeper::start() {
  if (store_.engine() != db::Engine::postgres) return;
  tried_ = renewed_;
  renewals_.start("keep the lease", kLook, [this] { return keep(); });
  looks_.start("look for lanes with work", kLook, [this] { return look(); });
}

base::Task<void> LeaseKeeper::keep() {
  base::Result<bool> renewed = true;
  const base::Steady now = base::steady_now();
  if (now - tried_ >= kRenewal || !held_) {
    tried_ = now;
    // The lease counts from before the statement, whatever it took.
    renewed = co_await store_.write([this](db::Tx& tx) { return renew(tx, node_, kLease); });
    if (renewed) renewed_ = now;
    if (renewed && !*renewed) {
      base::log(base::LogLevel::error,
                "another process of this node's name has ended its lease and taken lanes from it; give each "
                "process a data directory of its own, or a CROSSDOCK_NODE",
                {{"node", node_.name}});
    }
  }
  const bool holds = base::steady_now() - renewed_ < kGiveUp;
  if (holds != held_) {
    held_ = holds;
    queue_.suspend(!holds);
    base::log(holds ? base::LogLevel::info : base::LogLevel::error,
              holds ? "the lease is held again" : "the lease is lost: nothing is sent until it is renewed");
  }
  if (!renewed) co_return std::unexpected(renewed.error());
  co_return base::Result<void>{};
}

base::Task<void> LeaseKeeper::look() {
  if (!held_) co_return base::Result<void>{};
  XD_CO_TRY(const auto lanes,
            co_await store_.read([](db::Tx& tx) { return lanes_with_tasks(tx); }, db::kLongReadTime));
  for (const Busy& lane : lanes) queue_.look(lane);
  co_return base::Result<void>{};
}

asio::awaitable<void> LeaseKeeper::stop() {
  co_await looks_.stop();
  co_await renewals_.stop();
  if (store_.engine() == db::Engine::postgres) {
    (void)co_await store_.write([this](db::Tx& tx) { return release_all(tx, node_.id); });
  }
}

}  // namespace queue
