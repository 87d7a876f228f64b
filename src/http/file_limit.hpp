// Open files: how many the process may have, and how many of them are for connections.
#pragma once

#include <cstddef>
#include <cstdint>

namespace http {

struct FileLimit {
  std::uint64_t before = 0;
  std::uint64_t now = 0;
};

/// Raises the soft limit of open files (RLIMIT_NOFILE) to the hard one, which needs no rights.
FileLimit raise_file_limit();

/// What each shard may have.
struct FileShare {
  std::size_t connections_in = 0;
  std::size_t connections_out = 0;
};

/// What to do where the share is less than a server looks after.
inline constexpr const char* kFewFiles =
    "the limit of open files leaves room for fewer connections than this server looks after; raise the hard "
    "limit (LimitNOFILE= of systemd, ulimit -Hn)";

/// Divides the files of the process between its shards: what stores, logs and the program itself need is left
/// out, and connections to and from others get a half each, up to limits of their own.
FileShare share_of_files(std::uint64_t files, std::size_t shards);

}  // namespace http
