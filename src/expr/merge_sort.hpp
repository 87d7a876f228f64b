// A stable sort whose order may be asked of the expression, and may fail on the way.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace expr {

/// Sorts positions in place, with room of the same size; after(a, b) says whether a belongs behind b. Unlike
/// std::stable_sort it survives an order that contradicts itself.
template <class After>
void merge_sort(std::span<std::uint32_t> order, std::span<std::uint32_t> room, After after) {
  std::uint32_t* from = order.data();
  std::uint32_t* to = room.data();
  const std::size_t size = order.size();
  for (std::size_t width = 1; width < size; width *= 2) {
    for (std::size_t begin = 0; begin < size; begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, size);
      const std::size_t end = std::min(begin + 2 * width, size);
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t out = begin; out < end; ++out) {
        const bool from_right = left == middle || (right < end && after(from[left], from[right]));
        to[out] = from_right ? from[right++] : from[left++];
      }
    }
    std::swap(from, to);
  }
  if (from != order.data()) std::copy_n(from, size, order.data());
}

}  // namespace expr
