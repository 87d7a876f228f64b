// Opening what a configuration names: the data directory, the key ring and the stores. Used by serve and by
// commands.
#pragma once

#include <memory>
#include <span>

#include "cli/config.hpp"
#include "crypto/key_ring.hpp"
#include "db/log_store.hpp"
#include "http/tls.hpp"
#include "inbound/endpoint.hpp"
#include "outbound/subscription.hpp"

namespace cli {

/// The data directory, made when missing, locked against other processes as long as this lives.
class DataDirectory {
 public:
  /// Error: unavailable, when it cannot be made or another Crossdock has it.
  static base::Result<DataDirectory> open(std::string path);
  /// The same for who changes nothing: neither a directory nor a file is made.
  static base::Result<DataDirectory> open_unchanged(std::string path);
  ~DataDirectory();
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&&) = delete;

  const std::string& path() const { return path_; }

 private:
  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  static base::Result<DataDirectory> take(std::string path, int lock);

  std::string path_;
  int lock_ = -1;
};

/// Whether the file of a store is one to go on with. Error: corrupt, where it is empty, or gone while its log
/// is there: an accident that must not be taken for a new store.
base::Result<void> check_store_file(const std::string& path);

/// SQLite in the data directory, or PostgreSQL. Not migrated yet. Errors: those of check_store_file();
/// unavailable.
base::Result<std::unique_ptr<db::Db>> open_store(const Config& config);
base::Result<std::unique_ptr<db::LogStore>> open_logs(const Config& config);
std::string store_file(const Config& config);

/// What this node is called among those that share a store: as configured, else a name that is made on first
/// start and kept in the data directory, which no other process can use at the same time.
base::Result<std::string> node_name(const Config& config);

/// The configured ring; in development one that is kept in the data directory, and made on first start where
/// wanted.
enum class WhenAbsent : std::uint8_t { make, fail };
base::Result<crypto::KeyRing> open_key_ring(const Config& config, WhenAbsent absent = WhenAbsent::make);

/// Where not one secret of all that the store holds can be opened it is the key that is wrong, and not the
/// secrets that are damaged. Error: invalid, naming the setting.
base::Result<void> check_ring(std::span<const outbound::SubscriptionPtr> subscriptions,
                              std::span<const inbound::EndpointPtr> endpoints);

/// The listener's certificate; null where none is configured. Error: invalid, naming the file.
base::Result<std::shared_ptr<http::TlsIdentity>> open_identity(const Config& config);
/// A file of the authorities that others' certificates may be from, named by a setting; "" is the system's.
/// Error: invalid.
base::Result<void> check_authorities(const std::string& file, const std::string& setting);

/// Whether CROSSDOCK_BOOTSTRAP_KEY is a key of the store that works; what to do where it is set and is none.
/// "": all is well.
base::Result<std::string> judge_bootstrap_key(db::Tx& tx, const Config& config, base::Time now);

}  // namespace cli
