// Watches the free space of the disk a database lies on, and keeps a reserve to end accepted work with.
#pragma once

#include <atomic>
#include <string>

#include "base/clock.hpp"

namespace db {

/// Used by the writer thread; has_room() by anybody.
class Room {
 public:
  /// directory: where the database lies; the reserve is a file "reserve" in it. reserve_bytes 0 turns all of
  /// it off.
  Room(std::string directory, std::uint64_t reserve_bytes);

  bool has_room() const { return has_room_.load(std::memory_order_relaxed); }

  /// Looks at the free space when the last look is over a second old; sets has_room() and renews the reserve.
  void look();
  /// Called when a commit failed for want of space: gives the reserve up, and from now on there is no room.
  void ran_out();

 private:
  void measure();
  bool make_reserve() const;

  std::string directory_;
  std::string reserve_path_;
  std::uint64_t reserve_bytes_;
  base::Steady looked_{};
  std::atomic<bool> has_room_ = true;
};

}  // namespace db
