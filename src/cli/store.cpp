#include "cli/store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace cli {

namespace {

using base::Code;
using base::fail;
using base::Result;

}  // namespace

Result<DataDirectory> DataDirectory::open(std::string path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    return fail(Code::unavailable, "cannot make the data directory " + path + ": " + error.message());
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  const std::string file = path + "/lock";
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return fail(Code::unavailable, "cannot open " + file + ": " + std::strerror(errno));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return fail(Code::unavailable, "another Crossdock uses the data directory " + path +
                                       "; stop it, or give this one its own with --data");
  }
  return DataDirectory(std::move(path), lock);
}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) close(lock_);
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

Result<std::unique_ptr<db::Db>> open_store(const Config& config) {
  if (!config.database_url.empty()) return db::open_postgres({.url = config.database_url});
  return db::open_sqlite(
      {.path = config.data_directory + "/core.db", .reserve_bytes = base::limits::kReserveFileBytes});
}

Result<std::unique_ptr<db::LogStore>> open_logs(const Config& config) {
  const std::string& url = config.log_database_url.empty() ? config.database_url : config.log_database_url;
  if (!url.empty()) {
    return db::LogStore::open_postgres({.url = url, .schema = "crossdock_log", .writers = 1, .readers = 1});
  }
  return db::LogStore::open_sqlite(config.data_directory + "/logs");
}

Result<crypto::KeyRing> open_key_ring(const Config& config) {
  if (!config.encryption_key.empty()) return crypto::KeyRing::parse(config.encryption_key.reveal());
  if (!config.dev) {
    return fail(Code::invalid,
                "INTEGRATION_ENCRYPTION_KEY is not set; make one with: crossdock keys generate");
  }
  const std::string path = config.data_directory + "/encryption.key";
  std::ifstream in(path);
  std::string text;
  if (std::getline(in, text)) return crypto::KeyRing::parse(text);
  text = crypto::KeyRing::generate_entry("dev");
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written = file >= 0 &&
                       write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       fsync(file) == 0;
  if (file >= 0) close(file);
  if (!written) return fail(Code::unavailable, "cannot write " + path + ": " + std::strerror(errno));
  return crypto::KeyRing::parse(text);
}

}  // namespace cli
