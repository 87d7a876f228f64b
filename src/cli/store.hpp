// Opening what a configuration names: the data directory, the key ring and the stores. Used by serve and by
// commands.
#pragma once

#include <memory>
#include <span>

#include "cli/config.hpp"
#include "crypto/key_ring.hpp"
#include "db/log_store.hpp"
#include "http/tls.hpp"
#include "inbound/endpoint/endpoint.hpp"
#include "outbound/subscription/subscription.hpp"

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

/// Whether the file of a store is one to go on with. Error: corrupt, where it is none of SQLite's, empty, or
/// gone while its log is there: an accident that must not be taken for a new store.
base::Result<void> check_store_file(const std::string& path);

/// SQLite in the data directory, or PostgreSQL. Not migrated yet. Errors: those of check_store_file();
/// unavailable.
base::Result<std::unique_ptr<db::Db>> open_store(const Config& config);
base::Result<std::unique_ptr<db::LogStore>> open_logs(const Config& config);
std::string store_file(const Config& config);

/// What this node is called among those that share a store: as configured, else a name that is made on first
/// start and kept in the data directory, which no other process can use at the same time.
base::Result<std::string> node_name(const Config& config);

/// The configured ring; in development also the one that is kept in the data directory, and nothing where
/// there is none yet. Error: invalid.
base::Result<std::optional<crypto::KeyRing>> find_key_ring(const Config& config);
/// Makes the ring of a first start in development, and keeps it in the data directory. Errors: those of
/// check_without_key(); unavailable.
base::Result<crypto::KeyRing> make_key_ring(const Config& config, db::Db& store);
/// Whether a migrated store holds no secret, so that a key may be made for it. Error: invalid, where it does.
base::Result<void> check_without_key(const Config& config, db::Db& store);

/// Where not one secret of all that the store holds can be opened it is the key that is wrong, and not the
/// secrets that are damaged. Error: invalid, naming the setting.
base::Result<void> check_ring(std::span<const outbound::SubscriptionPtr> subscriptions,
                              std::span<const inbound::EndpointPtr> endpoints);

/// The listener's certificate; null where none is configured. Error: invalid, naming the file.
base::Result<std::shared_ptr<http::TlsIdentity>> open_identity(const Config& config);
/// A file of the authorities that others' certificates may be from, named by a setting; "" is the system's.
/// Error: invalid.
base::Result<void> check_authorities(const std::string& file, const std::string& setting);

/// What to do where CROSSDOCK_BOOTSTRAP_KEY is set and is no key of the store that works, or where the store
/// has no key and gets none. "": all is well.
base::Result<std::string> judge_bootstrap_key(db::Tx& tx, const Config& config, base::Time now);
/// The same for a store that is not made yet.
std::string judge_first_start(const Config& config);

}  // namespace cli
