#include "http/file_limit.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "base/limits.hpp"

namespace http {

namespace {

constexpr std::uint64_t kOwnFiles = 128;  // stores, log files, event loops, a certificate being read
constexpr std::uint64_t kConnectionsMin = 16;

}  // namespace

FileLimit raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  FileLimit result{limit.rlim_cur, limit.rlim_cur};
  if (limit.rlim_cur == limit.rlim_max) return result;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) result.now = limit.rlim_max;
  return result;
}

FileShare share_of_files(std::uint64_t files, std::size_t shards) {
  const std::uint64_t each = (std::max(files, kOwnFiles) - kOwnFiles) / 2 / shards;
  const auto up_to = [&](std::size_t most) {
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(each, kConnectionsMin, most));
  };
  return {up_to(base::limits::kConnectionsPerShard), up_to(base::limits::kConnectionsOutPerShard)};
}

}  // namespace http
