#include "db/sqlite/room.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.hpp"

namespace db {

namespace {

constexpr auto kInterval = std::chrono::seconds{1};

}  // namespace

Room::Room(std::string directory, std::uint64_t reserve_bytes)
    : directory_(std::move(directory)),
      reserve_path_(directory_ + "/reserve"),
      reserve_bytes_(reserve_bytes) {
  if (reserve_bytes_ > 0) measure();
}

void Room::look() {
  if (reserve_bytes_ == 0) return;
  const auto now = base::steady_now();
  if (now - looked_ < kInterval) return;
  looked_ = now;
  measure();
}

void Room::measure() {
  struct statvfs disk{};
  if (statvfs(directory_.c_str(), &disk) != 0) return;
  const std::uint64_t free_bytes = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  struct stat reserve{};
  const bool has_reserve = stat(reserve_path_.c_str(), &reserve) == 0 &&
                           static_cast<std::uint64_t>(reserve.st_size) >= reserve_bytes_;
  // Twice the reserve: room enough to make it again and to go on for a while.
  const bool roomy = free_bytes >= (has_reserve ? reserve_bytes_ : 2 * reserve_bytes_);
  const bool now_has_room = roomy && (has_reserve || make_reserve());
  if (now_has_room != has_room_.exchange(now_has_room)) {
    base::log(
        now_has_room ? base::LogLevel::info : base::LogLevel::error,
        now_has_room ? "the disk has room again; accepting" : "the disk is almost full; refusing new work",
        {{"directory", directory_}, {"free_bytes", free_bytes}});
  }
}

void Room::ran_out() {
  if (reserve_bytes_ == 0) return;
  unlink(reserve_path_.c_str());
  if (has_room_.exchange(false)) {
    base::log(base::LogLevel::error, "the disk is full; reserve given up, refusing new work",
              {{"directory", directory_}});
  }
  looked_ = base::steady_now();
}

bool Room::make_reserve() const {
  const int file = open(reserve_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool made = posix_fallocate(file, 0, static_cast<off_t>(reserve_bytes_)) == 0;
  close(file);
  if (!made) unlink(reserve_path_.c_str());
  return made;
}

}  // namespace db
