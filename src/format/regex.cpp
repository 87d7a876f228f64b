#include "format/regex.hpp"

#include <re2/re2.h>

namespace format {

namespace {

constexpr std::size_t kPatternBytesMax = 1000;
constexpr std::int64_t kCompiledBytesMax = 1 << 20;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

base::Result<Regex> Regex::compile(std::string_view pattern) {
  if (pattern.size() > kPatternBytesMax)
    return base::fail(base::Code::invalid, "a regular expression has at most 1,000 bytes");
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kCompiledBytesMax);
  auto compiled = std::make_shared<const re2::RE2>(piece(pattern), options);
  if (!compiled->ok())
    return base::fail(base::Code::invalid, "this is no regular expression (RE2): " + compiled->error());
  return Regex(std::move(compiled));
}

bool Regex::fits_whole(std::string_view text) const { return re2::RE2::FullMatch(piece(text), *compiled_); }

}  // namespace format
