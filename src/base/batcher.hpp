// Collects items while the previous flush is under way and flushes them together: natural batching, no
// lingering.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/gate.hpp"
#include "base/limits.hpp"
#include "base/task.hpp"

namespace base {

/// Lives on one thread. Each item gets an answer of its own after its flush returned; until then nothing is
/// known. A flush that fails gives its error to each of its items.
template <class Item, class Answer>
class Batcher {
 public:
  /// Takes the items, returns one answer for each, in order.
  using Flush = std::function<Task<std::vector<Answer>>(std::vector<Item>)>;

  Batcher(Gate& gate, const char* name, Flush flush) : gate_(gate), name_(name), flush_(std::move(flush)) {}
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  /// Waits for the flush that holds the item. Errors: what the flush failed with; limited when
  /// kWritesPendingMax items wait already; unavailable once the gate is closing.
  Task<Answer> add(Item item) {
    if (pending_.size() >= limits::kWritesPendingMax) {
      co_return fail(Code::limited,
                     std::string(name_) + ": too many writes are waiting; try again in a second");
    }
    Waiter<Result<Answer>> waiter;
    pending_.push_back({std::move(item), &waiter});
    if (!flushing_) {
      flushing_ = true;
      if (!gate_.spawn(name_, drain())) {
        flushing_ = false;
        pending_.pop_back();
        co_return fail(Code::unavailable, std::string(name_) + ": shutting down");
      }
    }
    co_return co_await waiter.wait();
  }

  std::size_t pending() const { return pending_.size(); }

 private:
  struct Entry {
    Item item;
    Waiter<Result<Answer>>* waiter;  // lives in add()'s frame until it was given its answer
  };

  Task<void> drain() {
    while (!pending_.empty()) {
      std::vector<Entry> entries = take();
      std::vector<Item> items;
      items.reserve(entries.size());
      for (Entry& entry : entries) items.push_back(std::move(entry.item));
      Result<std::vector<Answer>> answers = co_await flush_(std::move(items));
      XD_ASSERT(!answers || answers->size() == entries.size());
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (answers) {
          entries[i].waiter->give(std::move((*answers)[i]));
        } else {
          entries[i].waiter->give(std::unexpected(answers.error()));
        }
      }
    }
    flushing_ = false;
    co_return Result<void>{};
  }

  std::vector<Entry> take() {
    if (pending_.size() <= limits::kBatchItemsMax) return std::exchange(pending_, {});
    const auto end = pending_.begin() + limits::kBatchItemsMax;
    std::vector<Entry> front(std::make_move_iterator(pending_.begin()), std::make_move_iterator(end));
    pending_.erase(pending_.begin(), end);
    return front;
  }

  Gate& gate_;
  const char* name_;
  Flush flush_;
  std::vector<Entry> pending_;
  bool flushing_ = false;
};

}  // namespace base
