// Values that many share because they are made of the same.
#pragma once

#include <map>
#include <memory>

#include "base/result.hpp"

namespace base {

/// Each value is made once for all that say the same, and goes with the last of them. Whoever asks keeps it:
/// of thousands only those that differ take memory, and room in the processor's caches. Said is ordered.
/// Lives on one thread.
template <class Said, class Made>
class Interned {
 public:
  using Ptr = std::shared_ptr<const Made>;

  /// The one that is there, or what make(said) returns: a Result<Made>. Errors: those of make, which are not
  /// kept.
  template <class Make>
  Result<Ptr> of(const Said& said, const Make& make) {
    if (all_.size() >= swept_at_) {
      std::erase_if(all_, [](const auto& one) { return one.second.expired(); });
      swept_at_ = 2 * all_.size() + kAlways;
    }
    if (const auto known = all_.find(said); known != all_.end()) {
      if (Ptr shared = known->second.lock()) return shared;
    }
    XD_TRY(Made made, make(said));
    Ptr shared = std::make_shared<const Made>(std::move(made));
    all_.insert_or_assign(said, shared);
    return shared;
  }

  /// How many it knows, with those that are gone and not swept yet.
  std::size_t size() const { return all_.size(); }

 private:
  /// So few need not be swept.
  static constexpr std::size_t kAlways = 64;

  std::map<Said, std::weak_ptr<const Made>> all_;
  std::size_t swept_at_ = 0;
};

}  // namespace base
