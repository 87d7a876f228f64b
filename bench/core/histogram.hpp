// A latency distribution of fixed size: exact below 128 ns, within 0.8 % above, from 1 ns to 36 minutes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench {

/// Log-linear buckets as in HdrHistogram: each power of two is cut into 128 equal parts.
class Histogram {
 public:
  /// Negative values count as 0; values beyond the range count in the last bucket, but max() is exact.
  void record(std::int64_t value_ns) {
    const std::uint64_t value = value_ns < 0 ? 0 : static_cast<std::uint64_t>(value_ns);
    ++buckets_[index_of(value)];
    ++count_;
    sum_ += static_cast<double>(value);
    max_ = std::max(max_, value);
  }

  std::uint64_t count() const { return count_; }
  std::int64_t max() const { return static_cast<std::int64_t>(max_); }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

  /// The value that `share` (0…1) of all values do not exceed, rounded up to its bucket's end; 0 when empty.
  std::int64_t percentile(double share) const {
    if (count_ == 0) return 0;
    const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > 0 && static_cast<double>(seen) >= wanted) {
        return static_cast<std::int64_t>(std::min(end_of(i), max_));
      }
    }
    return max();
  }

 private:
  static constexpr unsigned kPartBits = 7;
  static constexpr std::uint64_t kParts = 1u << kPartBits;
  static constexpr unsigned kRangeBits = 41;
  static constexpr std::size_t kBuckets = (kRangeBits - kPartBits + 1) * kParts;

  static std::size_t index_of(std::uint64_t value) {
    if (value < kParts) return static_cast<std::size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kPartBits;
    return std::min<std::size_t>(kBuckets - 1, (shift + 1) * kParts + ((value >> shift) - kParts));
  }

  /// The largest value that falls into bucket `index`.
  static std::uint64_t end_of(std::size_t index) {
    if (index < kParts) return index;
    if (index == kBuckets - 1) return ~std::uint64_t{0};
    const std::uint64_t shift = index / kParts - 1;
    return ((index % kParts + kParts + 1) << shift) - 1;
  }

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace bench
