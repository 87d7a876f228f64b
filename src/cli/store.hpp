// Opening what a configuration names: the data directory, the key ring and the stores. Used by serve and by
// commands.
#pragma once

#include <memory>

#include "cli/config.hpp"
#include "crypto/key_ring.hpp"
#include "db/log_store.hpp"

namespace cli {

/// The data directory, made when missing, locked against other processes as long as this lives.
class DataDirectory {
 public:
  /// Error: unavailable, when it cannot be made or another Crossdock has it.
  static base::Result<DataDirectory> open(std::string path);
  ~DataDirectory();
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&&) = delete;

  const std::string& path() const { return path_; }

 private:
  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_ = -1;
};

/// SQLite in the data directory, or PostgreSQL. Not migrated yet.
base::Result<std::unique_ptr<db::Db>> open_store(const Config& config);
base::Result<std::unique_ptr<db::LogStore>> open_logs(const Config& config);

/// The configured ring; in development one that is made on first start and kept in the data directory.
base::Result<crypto::KeyRing> open_key_ring(const Config& config);

}  // namespace cli
