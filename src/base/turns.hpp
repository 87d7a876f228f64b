// Room for a few at once, which owners get in turn.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "base/id.hpp"
#include "base/task.hpp"

namespace base {

/// Lives on one thread. An owner (a tenant) has at most half of the room, so that there is always some for
/// others; where owners wait, they take turns.
class Turns {
 public:
  explicit Turns(std::size_t most) : most_(most) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// While it lives, it takes one place.
  class Turn {
   public:
    Turn(Turns& of, const Uuid& owner) : of_(&of), owner_(owner) {}
    Turn(Turn&& other) noexcept : of_(std::exchange(other.of_, nullptr)), owner_(other.owner_) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (of_ != nullptr) of_->leave(owner_);
    }

   private:
    Turns* of_;
    Uuid owner_;
  };

  asio::awaitable<Turn> take(const Uuid& owner) {
    if (!may_run(owner)) {
      Waiter<bool> mine;
      waiting_[owner].push_back(&mine);
      if (waiting_[owner].size() == 1) turns_.push_back(owner);
      co_await mine.wait();
      co_await yield();  // not on the stack of who left
    } else {
      enter(owner);
    }
    co_return Turn(*this, owner);
  }

  std::size_t taken() const { return taken_; }

 private:
  bool may_run(const Uuid& owner) const {
    const auto running = running_.find(owner);
    const std::size_t of_owner = running == running_.end() ? 0 : running->second;
    return taken_ < most_ && of_owner < std::max<std::size_t>(1, most_ / 2);
  }
  void enter(const Uuid& owner) {
    ++taken_;
    ++running_[owner];
  }
  void leave(const Uuid& owner) {
    --taken_;
    if (--running_[owner] == 0) running_.erase(owner);
    begin_next();
  }

  /// The place is taken here, so that nobody comes between.
  void begin_next() {
    for (auto turn = turns_.begin(); turn != turns_.end(); ++turn) {
      if (!may_run(*turn)) continue;
      const Uuid owner = *turn;
      turns_.erase(turn);
      std::deque<Waiter<bool>*>& waiters = waiting_[owner];
      Waiter<bool>* const next = waiters.front();
      waiters.pop_front();
      waiters.empty() ? void(waiting_.erase(owner)) : turns_.push_back(owner);
      enter(owner);
      next->give(true);
      return;
    }
  }

  std::size_t most_;
  std::size_t taken_ = 0;
  std::map<Uuid, std::size_t> running_;
  std::map<Uuid, std::deque<Waiter<bool>*>> waiting_;
  std::deque<Uuid> turns_;  // owners that wait
};

}  // namespace base
