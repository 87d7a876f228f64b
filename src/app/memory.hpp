// Memory that a burst has left behind goes back to the system.
#pragma once

#include <cstdint>

#include "base/recurring.hpp"

namespace app {

/// Before the first thread starts: says how a thread gives back what its allocator keeps for it.
void configure_memory();

/// When it is worth while to make an allocator give back what it keeps: that goes through all it has, so not
/// again and again where nothing comes of it.
class MemoryRule {
 public:
  /// Asked every few seconds, with what the process holds: at once where that has grown or shrunk since the
  /// last time, ever more seldom where it has not.
  bool is_due(std::uint64_t resident_bytes);
  /// With what it holds when that was done.
  void done(std::uint64_t resident_bytes);

 private:
  std::uint64_t left_ = 0;  ///< after the last time
  std::uint64_t peak_ = 0;  ///< since then
  int looks_ = 0;           ///< since then
  int patience_ = 1;        ///< so many looks without a change are enough
};

/// What one thread has freed is kept by its allocator, and only that thread can give it back; one for each
/// shard, on whose thread it lives.
class MemoryReturn {
 public:
  explicit MemoryReturn(asio::any_io_executor executor) : rounds_(executor) {}

  void start();
  asio::awaitable<void> stop() { return rounds_.stop(); }

 private:
  MemoryRule rule_;
  base::Recurring rounds_;
};

}  // namespace app
