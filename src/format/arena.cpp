#include "format/arena.hpp"

#include <algorithm>

namespace format {

void* Arena::allocate_from_next(std::size_t bytes, std::size_t alignment) {
  if (used() + bytes > bytes_max_) {
    exhausted_ = true;
    if (bytes > kSmall) return nullptr;
  }
  const std::size_t needed = bytes + alignment;
  std::size_t next = block_ == nullptr ? 0 : current_ + 1;
  while (next < blocks_.size() && blocks_[next].size < needed) ++next;
  if (next == blocks_.size()) {
    const std::size_t usual =
        blocks_.empty() ? kFirstBlock : std::min(blocks_.back().size * 2, kLargestBlock);
    const std::size_t size = std::max(usual, needed);
    blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
  }
  full_bytes_ += at_;
  enter(next);
  const std::size_t begin = (at_ + alignment - 1) & ~(alignment - 1);
  at_ = begin + bytes;
  return block_ + begin;
}

void Arena::enter(std::size_t block) {
  current_ = block;
  block_ = blocks_[block].bytes.get();
  at_ = 0;
  end_ = blocks_[block].size;
}

void Arena::reset(std::size_t bytes_max) {
  std::size_t kept = 0;
  std::size_t count = 0;
  while (count < blocks_.size() && kept + blocks_[count].size <= kKept) kept += blocks_[count++].size;
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(count), blocks_.end());
  full_bytes_ = 0;
  exhausted_ = false;
  bytes_max_ = bytes_max;
  block_ = nullptr;
  at_ = 0;
  end_ = 0;
  if (!blocks_.empty()) enter(0);
}

}  // namespace format
