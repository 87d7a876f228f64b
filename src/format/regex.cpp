#include "format/regex.hpp"

#include <re2/re2.h>

#include <array>

namespace format {

namespace {

constexpr std::size_t kPatternBytesMax = 1000;
/// Of patterns that many keep; what options ask for may be larger.
constexpr std::int64_t kKeptBytesMax = 32 << 10;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

base::Result<Regex> Regex::compile(std::string_view pattern) {
  return compile(pattern, {.compiled_bytes_max = kKeptBytesMax});
}

base::Result<Regex> Regex::compile(std::string_view pattern, Options wanted) {
  if (pattern.size() > kPatternBytesMax)
    return base::fail(base::Code::invalid, "a regular expression has at most 1,000 bytes");
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(wanted.compiled_bytes_max);
  options.set_case_sensitive(!wanted.ignore_case);
  std::string spelled(wanted.lines ? "(?m)" : "");
  auto compiled = std::make_shared<const re2::RE2>(spelled.append(pattern), options);
  if (compiled->error_code() == re2::RE2::ErrorPatternTooLarge)
    return base::fail(base::Code::invalid,
                      "this regular expression (RE2) is too large when it is set up; use * or + in the place "
                      "of counts such as {0,500}");
  if (!compiled->ok())
    return base::fail(base::Code::invalid, "this is no regular expression (RE2): " + compiled->error());
  return Regex(std::move(compiled));
}

bool Regex::fits_whole(std::string_view text) const { return re2::RE2::FullMatch(piece(text), *compiled_); }

std::size_t Regex::groups() const {
  return static_cast<std::size_t>(std::max(compiled_->NumberOfCapturingGroups(), 0));
}

bool Regex::search(std::string_view text, std::size_t from, std::span<std::string_view> parts) const {
  constexpr std::size_t kPartsMax = 32;
  std::array<re2::StringPiece, kPartsMax> found;
  const std::size_t count = std::min({parts.size(), groups() + 1, kPartsMax});
  if (!compiled_->Match(piece(text), from, text.size(), re2::RE2::UNANCHORED, found.data(),
                        static_cast<int>(count))) {
    return false;
  }
  for (std::size_t i = 0; i < count; ++i) parts[i] = {found[i].data(), found[i].size()};
  return true;
}

}  // namespace format
