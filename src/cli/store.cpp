#include "cli/store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "crypto/certificate.hpp"
#include "tenant/api_key.hpp"

namespace cli {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr const char* kLockFile = "/lock";

std::string key_file(const Config& config) { return config.data_directory + "/encryption.key"; }

/// Bytes of a file; nothing where there is none.
std::optional<std::uintmax_t> size_of(const std::string& path) {
  std::error_code absent;
  const std::uintmax_t size = std::filesystem::file_size(path, absent);
  return absent ? std::nullopt : std::optional(size);
}

/// The first line of a file; nothing where there is none, or it is empty.
std::optional<std::string> first_line(const std::string& path) {
  std::ifstream in(path);
  std::string text;
  std::getline(in, text);
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

/// Does something with an open file, and closes it; false with errno where that, or opening it, fails.
template <class Work>
bool with_file(const std::string& path, int flags, const Work& work) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool done = work(file);
  const int why = errno;
  close(file);
  errno = why;
  return done;
}

/// Writes a file whose text first_line() does not find, to stay: whole, or not at all. Gives back the text.
Result<std::string> keep(const std::string& path, std::string text) {
  // An empty one is what a full disk or a crash has left behind.
  if (size_of(path).value_or(0) > 0)
    return fail(Code::unavailable,
                "cannot read " + path + "; make it readable, or put it back from a backup");
  const std::string fresh = path + ".new";
  const std::string directory = std::filesystem::path(path).parent_path().string();
  const bool kept = with_file(fresh, O_WRONLY | O_CREAT | O_TRUNC,
                              [&](int file) {
                                const ssize_t written = write(file, text.data(), text.size());
                                return written == static_cast<ssize_t>(text.size()) && fsync(file) == 0;
                              }) &&
                    rename(fresh.c_str(), path.c_str()) == 0 &&
                    with_file(directory, O_RDONLY | O_DIRECTORY, [](int file) { return fsync(file) == 0; });
  if (!kept) return fail(Code::unavailable, "cannot write " + path + ": " + std::strerror(errno));
  return text;
}

}  // namespace

Result<DataDirectory> DataDirectory::open(std::string path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    return fail(Code::unavailable, "cannot make the data directory " + path + ": " + error.message());
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  const int lock = ::open((path + kLockFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  return take(std::move(path), lock);
}

Result<DataDirectory> DataDirectory::open_unchanged(std::string path) {
  const int lock = ::open((path + kLockFile).c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0 && errno == ENOENT) return DataDirectory(std::move(path), lock);  // nobody has ever used it
  return take(std::move(path), lock);
}

Result<DataDirectory> DataDirectory::take(std::string path, int lock) {
  if (lock < 0)
    return fail(Code::unavailable, "cannot open " + path + kLockFile + ": " + std::strerror(errno));
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

std::string store_file(const Config& config) { return config.data_directory + "/core.db"; }

Result<void> check_store_file(const std::string& path) {
  constexpr std::string_view kHead("SQLite format 3\0", 16);
  const auto size = size_of(path);
  const char* remedy =
      "; put the file back from a backup. Where there is nothing to save, remove it with those beside it "
      "that begin "
      "with its name, and a new store is made";
  if (size && *size == 0) return fail(Code::corrupt, "the store " + path + " is empty (0 bytes)" + remedy);
  if (!size && size_of(path + "-wal").value_or(0) > 0) {
    return fail(Code::corrupt,
                "the store " + path + " is gone, and its log " + path + "-wal is there" + remedy);
  }
  std::string head(kHead.size(), '\0');
  if (size && std::ifstream(path, std::ios::binary).read(head.data(), std::ssize(head)) && head != kHead)
    return fail(Code::corrupt, "the store " + path + " is no file of SQLite's" + remedy);
  return {};
}

Result<std::unique_ptr<db::Db>> open_store(const Config& config) {
  if (!config.database_url.empty()) return db::open_postgres({.url = config.database_url});
  XD_DO(check_store_file(store_file(config)));
  return db::open_sqlite({.path = store_file(config), .reserve_bytes = base::limits::kReserveFileBytes});
}

Result<std::unique_ptr<db::LogStore>> open_logs(const Config& config) {
  const std::string& url = config.log_database_url.empty() ? config.database_url : config.log_database_url;
  if (!url.empty()) {
    return db::LogStore::open_postgres({.url = url, .schema = "crossdock_log", .writers = 1, .readers = 1});
  }
  return db::LogStore::open_sqlite(config.data_directory + "/logs");
}

Result<void> check_ring(std::span<const outbound::SubscriptionPtr> subscriptions,
                        std::span<const inbound::EndpointPtr> endpoints) {
  bool closed = false;
  bool opened = false;
  const auto look = [&](const auto& resource) {
    opened = opened || !resource->secrets.empty();
    closed = closed || !resource->secrets_closed.empty();
  };
  std::ranges::for_each(subscriptions, look);
  std::ranges::for_each(endpoints, look);
  if (opened || !closed) return {};
  return fail(
      Code::invalid,
      "INTEGRATION_ENCRYPTION_KEY opens none of the stored secrets; start with the key that they were "
      "stored with");
}

Result<std::shared_ptr<http::TlsIdentity>> open_identity(const Config& config) {
  if (config.tls_certificate.empty()) return nullptr;
  return http::TlsIdentity::load(config.tls_certificate, config.tls_key);
}

Result<void> check_authorities(const std::string& file, const std::string& setting) {
  if (file.empty()) return {};
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Code::invalid, setting + ": cannot read " + file + ": " + std::strerror(errno));
  const std::string pem{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (auto checked = crypto::check_authorities(pem, base::SystemClock{}.now()); !checked)
    return fail(Code::invalid, setting + ": " + file + ": " + checked.error().message);
  return {};
}

std::string judge_first_start(const Config& config) {
  if (config.dev || !config.bootstrap_key.empty()) return "";
  return "this store has no API key: nobody can use it; start with CROSSDOCK_BOOTSTRAP_KEY, or stop the hub "
         "and "
         "run crossdock keys admin";
}

Result<std::string> judge_bootstrap_key(db::Tx& tx, const Config& config, base::Time now) {
  XD_TRY(const bool any, tenant::any_key(tx));
  if (!any) return judge_first_start(config);
  if (config.bootstrap_key.empty()) return "";
  XD_TRY(const auto key, tenant::find_key_by_hash(tx, tenant::hash_key(config.bootstrap_key.reveal())));
  if (key && key->usable(now)) return "";
  return std::string("CROSSDOCK_BOOTSTRAP_KEY ") +
         (key ? "was revoked, or has expired" : "is no key of this store, which has others already") +
         ": it opens nothing. It counts on a store without keys only; make an administrator's key with: "
         "crossdock keys admin";
}

Result<std::optional<crypto::KeyRing>> find_key_ring(const Config& config) {
  if (!config.encryption_key.empty()) return crypto::KeyRing::parse(config.encryption_key.reveal());
  if (!config.dev) {
    return fail(Code::invalid,
                "INTEGRATION_ENCRYPTION_KEY is not set; make one with: crossdock keys generate");
  }
  if (const auto text = first_line(key_file(config))) return crypto::KeyRing::parse(*text);
  return std::nullopt;
}

Result<crypto::KeyRing> make_key_ring(const Config& config, db::Db& store) {
  XD_DO(check_without_key(config, store));
  XD_TRY(const std::string text, keep(key_file(config), crypto::KeyRing::generate_entry("dev")));
  return crypto::KeyRing::parse(text);
}

Result<void> check_without_key(const Config& config, db::Db& store) {
  // Made just now, it opens nothing: whatever is closed to it was stored with another.
  XD_TRY(const auto ring, crypto::KeyRing::parse(crypto::KeyRing::generate_entry("none")));
  return store.read_now([&](db::Tx& tx) -> Result<void> {
    XD_TRY(const auto subscriptions, outbound::all_subscriptions(tx, ring));
    XD_TRY(const auto endpoints, inbound::all_endpoints(tx, ring));
    if (check_ring(subscriptions, endpoints)) return {};
    return fail(
        Code::invalid,
        "the store holds secrets, and there is no key for them: INTEGRATION_ENCRYPTION_KEY is not set, "
        "and " +
            key_file(config) + " is gone, or cannot be read; start with the key that they were stored with");
  });
}

Result<std::string> node_name(const Config& config) {
  if (config.database_url.empty()) return std::string();  // nobody shares the store
  if (!config.node.empty()) return config.node;
  const std::string path = config.data_directory + "/node";
  if (auto known = first_line(path)) return std::move(*known);
  return keep(path, base::make_uuid(base::SystemClock{}.now()).str());
}

}  // namespace cli
