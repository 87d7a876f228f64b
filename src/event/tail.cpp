#include "event/tail.hpp"

#include <boost/asio/post.hpp>

#include "base/log.hpp"

namespace event {

namespace {

/// For what no bell is rung for: commits of other nodes, and on PostgreSQL what had to settle first.
constexpr auto kPoll = std::chrono::milliseconds{250};
/// Commits come every few milliseconds under load; each look takes all there is.
constexpr auto kLookInterval = std::chrono::milliseconds{20};
constexpr auto kRetry = std::chrono::seconds{1};

}  // namespace

Tail::Reader::Reader(Tail& tail, base::TenantId tenant, FeedPosition from, std::vector<base::Uuid> names)
    : tail_(tail), tenant_(tenant), position_(from), names_(std::move(names)) {
  place_ = tail_.readers_.insert(tail_.readers_.end(), this);
  ++tail_.by_tenant_[tenant];
  tail_.start();
}

Tail::Reader::~Reader() {
  tail_.readers_.erase(place_);
  if (--tail_.by_tenant_[tenant_] == 0) tail_.by_tenant_.erase(tenant_);
  if (tail_.readers_.empty() && tail_.pause_ != nullptr) tail_.pause_->cancel();
}

asio::awaitable<void> Tail::Reader::wait(base::Deadline deadline) {
  if (fresh_) co_return;
  asio::steady_timer timer(co_await asio::this_coro::executor, deadline);
  // The timer may have fired, and its handler not have run yet, when something else ends the wait.
  const auto waits = std::make_shared<bool>(true);
  timer.async_wait([this, waits](boost::system::error_code cancelled) {
    if (!cancelled && *waits) wake();
  });
  co_await waiter_.wait();
  *waits = false;
}

void Tail::Reader::wake() {
  fresh_ = true;
  waiter_.give(true);
}

std::size_t Tail::readers_of(base::TenantId tenant) const {
  const auto found = by_tenant_.find(tenant);
  return found == by_tenant_.end() ? 0 : found->second;
}

void Tail::nudge(const base::Uuid& name) {
  for (auto next = readers_.begin(); next != readers_.end();) {
    Reader& reader = **next++;
    if (reader.tenant_.uuid != name && std::ranges::find(reader.names_, name) == reader.names_.end())
      continue;
    reader.nudged_ = true;
    reader.wake();
  }
}

void Tail::ring() {
  if (pause_ != nullptr) pause_->cancel();
}

void Tail::start() {
  listening_ = true;
  if (following_) return;
  following_ = gate_.spawn("follow the feed", follow());
}

base::Task<void> Tail::follow() {
  seen_.reset();
  asio::steady_timer timer(co_await asio::this_coro::executor);
  boost::system::error_code ignored;
  const auto rest = [&](auto span) {
    timer.expires_after(span);
    return timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  };
  while (!readers_.empty()) {
    const bool rung = rung_.exchange(false);
    const bool more = co_await look();
    if (more) continue;
    // A ring that came meanwhile is for the next look, which is soon.
    if (rung || rung_) co_await rest(kLookInterval);
    if (rung_ || readers_.empty()) continue;
    pause_ = &timer;
    co_await rest(kPoll);
    pause_ = nullptr;
  }
  following_ = false;
  listening_ = false;
  co_return base::Result<void>{};
}

/// Looks at what is new and tells whom it is for; true when there is more to look at.
asio::awaitable<bool> Tail::look() {
  const bool first = !seen_;
  const FeedPosition from = seen_.value_or(FeedPosition{});
  auto glance = co_await store_.read([first, from](db::Tx& tx) -> base::Result<FeedGlance> {
    if (!first) return glance_at_feed(tx, from);
    XD_TRY(const FeedPosition end, feed_end(tx));
    return FeedGlance{.end = end};
  });
  if (!glance) {
    base::log(base::LogLevel::warn, "cannot look for new events; streams wait",
              {{"error", glance.error().message}});
    co_await base::sleep_for(kRetry);
    co_return false;
  }
  seen_ = glance->end;
  if (first) {
    for (auto reader = readers_.begin(); reader != readers_.end();) (*reader++)->wake();
  } else {
    tell(*glance, from);
  }
  co_return glance->more;
}

void Tail::tell(const FeedGlance& glance, FeedPosition from) {
  for (auto next = readers_.begin(); next != readers_.end();) {
    Reader& reader = **next++;
    if (std::ranges::binary_search(glance.tenants, reader.tenant_)) {
      reader.wake();
    } else if (!reader.fresh_ && !reader.reading_ && reader.position_ >= from) {
      // There is nothing of this tenant between: it need not read that by itself.
      reader.position_ = std::max(reader.position_, glance.end);
    }
  }
}

void Bell::ring() const {
  for (const Place& place : places_) {
    if (place.tail->wants_ring()) asio::post(place.executor, [tail = place.tail] { tail->ring(); });
  }
}

void Bell::nudge(const base::Uuid& name) const {
  for (const Place& place : places_) {
    asio::post(place.executor, [tail = place.tail, name] { tail->nudge(name); });
  }
}

}  // namespace event
