// Tells those who follow the feed when there is something new for them: a hint, never the record.
#pragma once

#include <atomic>
#include <list>
#include <unordered_map>

#include "base/gate.hpp"
#include "event/feed.hpp"

namespace event {

/// One for each shard, on whose thread it lives. While it has readers it looks at the feed: at once when the
/// bell rings, and every quarter of a second for what other nodes commit. Without readers it does nothing.
class Tail {
 public:
  Tail(base::Gate& gate, db::Db& store) : gate_(gate), store_(store) {}
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  /// Somebody who reads the feed of one tenant, on the tail's thread. A read begins with begin(), ends with
  /// done(), and is repeated when wait() returns.
  class Reader {
   public:
    /// names: what nudge() finds it by, beside the tenant: who follows, and by what.
    Reader(Tail& tail, base::TenantId tenant, FeedPosition from, std::vector<base::Uuid> names = {});
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    void begin() {
      fresh_ = false;
      reading_ = true;
    }
    void done(FeedPosition end) {
      position_ = end;
      reading_ = false;
    }
    /// Behind all that is known to hold nothing for this tenant.
    FeedPosition position() const { return position_; }
    /// Until something is new since begin(), somebody calls wake(), or the deadline has passed.
    asio::awaitable<void> wait(base::Deadline deadline);
    void wake();
    /// Whether it was nudged since it was last asked.
    bool take_nudge() { return std::exchange(nudged_, false); }

   private:
    friend class Tail;
    Tail& tail_;
    base::TenantId tenant_;
    FeedPosition position_;
    std::vector<base::Uuid> names_;
    bool fresh_ = true;  // something may be there that no read since begin() has seen
    bool reading_ = false;
    bool nudged_ = false;
    base::Waiter<bool> waiter_;
    std::list<Reader*>::iterator place_{};
  };

  /// Wakes the readers of this name or tenant: something beside the feed has changed for them.
  void nudge(const base::Uuid& name);
  std::size_t readers() const { return readers_.size(); }
  std::size_t readers_of(base::TenantId tenant) const;

  /// Any thread: whether a ring is worth a post.
  bool wants_ring() { return listening_.load(std::memory_order_relaxed) && !rung_.exchange(true); }
  void ring();

 private:
  void start();
  base::Task<void> follow();
  asio::awaitable<bool> look();
  void tell(const FeedGlance& glance, FeedPosition from);

  base::Gate& gate_;
  db::Db& store_;
  std::list<Reader*> readers_;
  std::unordered_map<base::TenantId, std::size_t> by_tenant_;
  std::optional<FeedPosition> seen_;     // by the loop; nothing before its first look
  asio::steady_timer* pause_ = nullptr;  // of the loop, while it waits for a ring
  bool following_ = false;
  std::atomic<bool> listening_ = false;
  std::atomic<bool> rung_ = false;
};

/// Rung by every commit that adds to the feed. Any thread; costs a look at a flag for each shard while nobody
/// listens.
class Bell {
 public:
  /// Before start.
  void add(asio::any_io_executor executor, Tail& tail) { places_.push_back({std::move(executor), &tail}); }
  void ring() const;
  /// Tail::nudge() on all shards. Any thread.
  void nudge(const base::Uuid& name) const;

 private:
  struct Place {
    asio::any_io_executor executor;
    Tail* tail;
  };
  std::vector<Place> places_;
};

}  // namespace event
