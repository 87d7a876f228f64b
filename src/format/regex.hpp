// Regular expressions of users (RE2): matched in time linear in the text, whatever the expression.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.hpp"

namespace re2 {
class RE2;
}

namespace format {

/// Immutable, thread-safe; copies share the compiled expression.
class Regex {
 public:
  /// Error: invalid, saying what is wrong with it; also for more than 1,000 bytes, or 1 MiB compiled.
  static base::Result<Regex> compile(std::string_view pattern);

  bool fits_whole(std::string_view text) const;

 private:
  explicit Regex(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}

  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace format
