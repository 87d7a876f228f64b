// When SQLite's write-ahead log is copied into the database.
#pragma once

#include <algorithm>

namespace db {

/// 3 MiB of log: small enough that copying it delays no commit by more than a millisecond or two.
inline constexpr int kCheckpointFrames = 800;
/// Where commits are large, they take long, and whoever waits for one waits for long anyway: then the log may
/// hold some commits like the last one, to 24 MiB. Of pages that are written again and again only the last is
/// copied, and the disk has to be waited for once.
inline constexpr int kCheckpointCommits = 8;
inline constexpr int kCheckpointFramesMax = 6400;

/// Whether it is due after a commit before which the log had `before` frames, and after which it has `after`.
constexpr bool is_checkpoint_due(int before, int after) {
  // The log may have begun anew, and then all of it is this commit's.
  const int own = after >= before ? after - before : after;
  return after >= std::clamp(kCheckpointCommits * own, kCheckpointFrames, kCheckpointFramesMax);
}

}  // namespace db
