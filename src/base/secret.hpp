// A string that must not leak: wiped when it goes, printed as ***.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

namespace base {

/// What stands where a secret is not shown.
inline constexpr std::string_view kHidden = "***";

/// Owns secret bytes. Copies are explicit (clone) so that each one is meant; the bytes are overwritten on
/// destruction.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) { wipe(value); }
  ~Secret() { wipe(value_); }
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { wipe(other.value_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    wipe(value_);
    value_ = std::move(other.value_);
    wipe(other.value_);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  Secret clone() const { return Secret(value_); }
  /// The bytes; valid while this object lives. The caller must not copy them into anything that outlives the
  /// use.
  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << kHidden; }

  /// Overwrites the whole buffer (also the unused part, where a short string may have left its bytes) and
  /// empties it.
  static void wipe(std::string& value);

 private:
  std::string value_;
};

}  // namespace base
