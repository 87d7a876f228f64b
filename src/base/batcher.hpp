// Collects what many want written into few transactions: group commit.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/gate.hpp"
#include "base/limits.hpp"
#include "base/task.hpp"

namespace base {

/// The answers of a flush of several items. Where it failed for a fault of one of them (an error that is not
/// retryable()), its halves are flushed apart, and theirs, until whatever is at fault stands alone with its
/// error: no item of a flush fails another's. `answers` is what the first flush of them all came back with;
/// `flush` writes the items of a span, which outlive it, in one transaction and answers each.
template <class Item, class Answer>
asio::awaitable<std::vector<Result<Answer>>> each_answer(
    std::span<const Item> items, Result<std::vector<Answer>> answers,
    std::function<Task<std::vector<Answer>>(std::span<const Item>)> flush) {
  std::vector<Result<Answer>> all;
  all.reserve(items.size());
  if (answers) {
    XD_ASSERT(answers->size() == items.size());
    for (std::size_t i = 0; i < items.size(); ++i) all.emplace_back(std::move((*answers)[i]));
  } else if (items.size() <= 1 || answers.error().retryable()) {
    all.assign(items.size(), std::unexpected(answers.error()));
  } else {
    const std::size_t half = items.size() / 2;
    for (const std::span<const Item> part : std::array{items.first(half), items.subspan(half)}) {
      auto of_part = co_await flush(part);
      auto apart = co_await each_answer<Item, Answer>(part, std::move(of_part), flush);
      std::ranges::move(apart, std::back_inserter(all));
    }
  }
  co_return all;
}

/// Lives on one thread, but for Take. Each item gets an answer of its own after its flush returned; until
/// then nothing is known. A flush that fails as a whole gives its error to each of its items; one that fails
/// for a fault of one item is repeated in parts (each_answer).
///
/// While one flush commits, another may stand in the store's queue; it takes its items only when its
/// transaction begins, so that everything that came until then goes with it, and nothing waits for longer
/// than the rest of one commit and its own.
template <class Item, class Answer>
class Batcher {
 public:
  /// What a flush calls once, when its transaction begins, on whatever thread that is: the items it is to
  /// write. They stay as they are until the flush has returned, and may be written by another one.
  using Take = std::move_only_function<std::span<const Item>()>;
  /// Returns one answer for each item, in order.
  using Flush = std::function<Task<std::vector<Answer>>(Take)>;

  struct Options {
    /// Flushes sent and not returned. With one, each follows the other, in order whatever the store does.
    std::size_t flights = 2;
    /// How long a flush waits for more items, unless kLingerItems are there. Only for items that nobody
    /// outside waits for: where somebody does, it costs more than it saves.
    std::chrono::microseconds linger{};
    /// Of items that have bytes(): so many may wait, and about half of it goes with one flush. One item may
    /// always.
    std::size_t bytes_max = std::numeric_limits<std::size_t>::max();
  };

  Batcher(Gate& gate, const char* name, Flush flush, Options options = {})
      : gate_(gate), name_(name), flush_(std::move(flush)), options_(options) {}
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  /// Waits for the flush that holds the item. Errors: what the flush failed with; limited when
  /// kWritesPendingMax items wait already, or too many bytes; unavailable once the gate is closing.
  Task<Answer> add(Item item) {
    Waiter<Result<Answer>> waiter;
    if (!push(item, waiter)) {
      co_return fail(Code::limited,
                     std::string(name_) + ": too many writes are waiting; try again in a second");
    }
    if (flights_ < options_.flights && claim()) {
      ++flights_;
      if (!gate_.spawn(name_, drain())) {
        --flights_;
        Taken own;  // nothing else waits, or a flight would be under way that looks after it
        (void)take(own);
        XD_ASSERT(own.waiters.size() == 1 && own.waiters[0] == &waiter);
        co_return fail(Code::unavailable, std::string(name_) + ": shutting down");
      }
    }
    co_return co_await waiter.wait();
  }

  /// Somebody waits for what is added next: no flush lingers until it is sent.
  void hurry() {
    hurried_ = true;
    if (lingering_ != nullptr) lingering_->cancel();
  }

  /// Items that no flush has taken yet.
  std::size_t pending() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

  /// How long the item that came first among them has waited.
  std::chrono::nanoseconds age(Steady now) const {
    const std::lock_guard lock(mutex_);
    return entries_.empty() ? std::chrono::nanoseconds{} : now - entries_.front().since;
  }

 private:
  /// What a flush has taken: its items, and in the same order who waits for them.
  struct Taken {
    std::vector<Item> items{};
    std::vector<Waiter<Result<Answer>>*> waiters{};
  };
  struct Entry {
    Item item;
    Waiter<Result<Answer>>* waiter;  // lives in add()'s frame until it was given its answer
    Steady since;
    std::size_t bytes;
  };

  static std::size_t bytes_of(const Item& item) {
    if constexpr (requires { item.bytes(); }) {
      return item.bytes();
    } else {
      return 0;
    }
  }

  Task<void> drain() {
    do {
      co_await linger();
      Taken taken;
      auto flushed = co_await flush_([this, &taken] { return take(taken); });
      if (!flushed && taken.waiters.empty()) (void)take(taken);  // it failed before its transaction began
      auto answers = co_await each_answer<Item, Answer>(
          taken.items, std::move(flushed),
          [this](std::span<const Item> part) { return flush_([part] { return part; }); });
      for (std::size_t i = 0; i < answers.size(); ++i) taken.waiters[i]->give(std::move(answers[i]));
    } while (claim());
    --flights_;
    co_return Result<void>{};
  }

  asio::awaitable<void> linger() {
    if (options_.linger.count() == 0) co_return;
    if (!hurried_ && pending() < limits::kLingerItems) {
      asio::steady_timer timer(co_await asio::this_coro::executor, options_.linger);
      lingering_ = &timer;
      boost::system::error_code hurried;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, hurried));
      lingering_ = nullptr;
    }
    hurried_ = false;
  }

  bool push(Item& item, Waiter<Result<Answer>>& waiter) {
    const Steady now = steady_now();
    const std::size_t bytes = bytes_of(item);
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= limits::kWritesPendingMax) return false;
    if (!entries_.empty() && bytes_ + bytes > options_.bytes_max) return false;
    bytes_ += bytes;
    entries_.push_back({std::move(item), &waiter, now, bytes});
    return true;
  }

  /// True when there are items that no flush stands in the queue for: the caller is to send one.
  bool claim() {
    const std::lock_guard lock(mutex_);
    if (queued_ || entries_.empty()) return false;
    queued_ = true;
    return true;
  }

  std::span<const Item> take(Taken& taken) {
    std::vector<Entry> entries = take_entries();
    taken.items.reserve(entries.size());
    taken.waiters.reserve(entries.size());
    for (Entry& entry : entries) {
      taken.items.push_back(std::move(entry.item));
      taken.waiters.push_back(entry.waiter);
    }
    return taken.items;
  }

  std::vector<Entry> take_entries() {
    const std::lock_guard lock(mutex_);
    queued_ = false;
    std::size_t count = 0;
    std::size_t bytes = 0;
    while (count < std::min(entries_.size(), limits::kBatchItemsMax) &&
           (count == 0 || bytes + entries_[count].bytes <= options_.bytes_max / 2)) {
      bytes += entries_[count++].bytes;
    }
    bytes_ -= bytes;
    if (count == entries_.size()) return std::exchange(entries_, {});
    const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Entry> front(std::make_move_iterator(entries_.begin()), std::make_move_iterator(end));
    entries_.erase(entries_.begin(), end);
    return front;
  }

  Gate& gate_;
  const char* name_;
  Flush flush_;
  Options options_;
  std::size_t flights_ = 0;
  asio::steady_timer* lingering_ = nullptr;  // of the one flight that a batcher that lingers has
  bool hurried_ = false;
  mutable std::mutex mutex_;  // of all below: take() runs on another thread
  std::vector<Entry> entries_;
  std::size_t bytes_ = 0;  // of entries_
  bool queued_ = false;    // a flush was sent and has not taken its items yet
};

}  // namespace base
