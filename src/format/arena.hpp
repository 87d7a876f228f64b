// Memory of one piece of work: handed out piece by piece, taken back all at once, and never more than agreed.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace format {

/// Keeps its first blocks over reset(), so that work of the usual size allocates nothing after the first
/// time. What is made in it must need no destructor.
class Arena {
 public:
  explicit Arena(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  Arena(Arena&&) = default;
  Arena& operator=(Arena&&) = default;

  /// nullptr where a large piece would go over the limit. A small one is always given, so that only growing
  /// texts and arrays need to ask; exhausted() tells afterwards.
  void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
    const std::size_t begin = (at_ + alignment - 1) & ~(alignment - 1);
    if (begin + bytes <= end_) {
      at_ = begin + bytes;
      return block_ + begin;
    }
    return allocate_from_next(bytes, alignment);
  }
  template <class T, class... Arguments>
  T* make(Arguments&&... arguments) {
    static_assert(sizeof(T) <= kSmall && std::is_trivially_destructible_v<T>);
    return ::new (allocate(sizeof(T), alignof(T))) T{std::forward<Arguments>(arguments)...};
  }

  /// Whether more was asked for than the limit allows, since the last reset.
  bool exhausted() const { return exhausted_; }
  std::size_t used() const { return full_bytes_ + at_; }

  /// Everything handed out is gone. The limit is that of the work to come.
  void reset(std::size_t bytes_max);

 private:
  /// Pieces up to this size are given even over the limit.
  static constexpr std::size_t kSmall = 4096;
  static constexpr std::size_t kFirstBlock = std::size_t{64} << 10;
  static constexpr std::size_t kLargestBlock = std::size_t{1} << 20;
  static constexpr std::size_t kKept = std::size_t{1} << 20;  ///< bytes of blocks that a reset keeps

  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size;
  };

  void* allocate_from_next(std::size_t bytes, std::size_t alignment);
  void enter(std::size_t block);

  std::vector<Block> blocks_;
  std::size_t current_ = 0;  ///< its index, where there is any
  std::byte* block_ = nullptr;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::size_t full_bytes_ = 0;  ///< in the blocks before the current one
  std::size_t bytes_max_;
  bool exhausted_ = false;
};

}  // namespace format
