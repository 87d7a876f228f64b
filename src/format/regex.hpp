// Regular expressions of users (RE2): matched in time linear in the text, whatever the expression.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace re2 {
class RE2;
}

namespace format {

/// Immutable, thread-safe; copies share the compiled expression.
class Regex {
 public:
  struct Options {
    bool ignore_case = false;
    bool lines = false;  ///< ^ and $ fit at every line, not only at both ends of the text
    std::int64_t compiled_bytes_max = 1 << 20;
  };
  /// Takes up to some milliseconds, with other options more: not for a shard. Error: invalid, saying what is
  /// wrong with it; also for more than 1,000 bytes, or 32 KiB compiled: the time grows with the square of
  /// that.
  static base::Result<Regex> compile(std::string_view pattern);
  static base::Result<Regex> compile(std::string_view pattern, Options options);

  bool fits_whole(std::string_view text) const;

  /// How many groups it has, without the whole.
  std::size_t groups() const;
  /// Whether it fits anywhere in the text from a byte on, the first such place. parts gets the whole and then
  /// the groups, as many as it has room for; a group that took no part has no data().
  bool search(std::string_view text, std::size_t from, std::span<std::string_view> parts) const;

 private:
  explicit Regex(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}

  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace format
