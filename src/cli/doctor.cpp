// crossdock doctor: what `serve` would refuse, and what would hurt it, told without changing anything.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/commands.hpp"
#include "cli/store.hpp"
#include "db/inspect.hpp"
#include "db/migration.hpp"
#include "http/file_limit.hpp"
#include "http/server.hpp"
#include "inbound/endpoint/endpoint.hpp"
#include "outbound/subscription/subscription.hpp"

namespace cli {

namespace {

using base::Result;

/// One line of the doctor's report.
enum class Grade : std::uint8_t { pass, warn, fail };

class Report {
 public:
  void line(Grade grade, const char* what, const std::string& detail) {
    static constexpr const char* kWords[] = {"pass", "WARN", "FAIL"};
    std::printf("%s  %-16s  %s\n", kWords[static_cast<std::size_t>(grade)], what, detail.c_str());
    failed_ |= grade == Grade::fail;
  }
  /// The error where there is one, else what is good.
  template <class T>
  void result(const char* what, const Result<T>& result, const std::string& good) {
    line(result ? Grade::pass : Grade::fail, what, result ? good : result.error().message);
  }
  bool failed() const { return failed_; }

 private:
  bool failed_ = false;
};

constexpr const char* kKeyIsMade = "there is none yet; the first start makes it";

void check_sync(Report& report, const std::string& directory) {
  // A file without a name: nothing is left of it, whatever happens.
  const int file = open(directory.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
  if (file < 0) {
    const bool unknown = errno == EOPNOTSUPP || errno == EISDIR;
    return report.line(
        unknown ? Grade::warn : Grade::fail, "disk sync",
        (unknown ? "cannot be measured in " : "cannot write in ") + directory + ": " + std::strerror(errno));
  }
  constexpr int kRounds = 20;
  const std::string block(4096, 'x');
  const auto begun = base::steady_now();
  bool synced = true;
  for (int i = 0; i < kRounds; ++i)
    synced = synced && write(file, block.data(), block.size()) > 0 && fsync(file) == 0;
  const double ms = std::chrono::duration<double, std::milli>(base::steady_now() - begun).count() / kRounds;
  close(file);
  char text[80];
  std::snprintf(text, sizeof text, "%.2f ms for each fsync%s", ms, ms > 10 ? "; accepting will be slow" : "");
  report.line(!synced   ? Grade::fail
              : ms > 10 ? Grade::warn
                        : Grade::pass,
              "disk sync", synced ? text : "fsync fails in " + directory + ": " + std::strerror(errno));
}

void check_disk(Report& report, const std::string& directory) {
  struct statvfs disk{};
  if (statvfs(directory.c_str(), &disk) == 0) {
    const std::uint64_t free_mib = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize >> 20;
    report.line(free_mib < 64     ? Grade::fail
                : free_mib < 1024 ? Grade::warn
                                  : Grade::pass,
                "disk space",
                std::to_string(free_mib) + " MiB free in " + directory +
                    (free_mib < 1024 ? "; below 1 GiB it will not last long" : ""));
  }
  check_sync(report, directory);
}

/// The directory itself, or the nearest one above it that is there.
std::filesystem::path nearest(const std::string& directory) {
  std::error_code ignored;
  std::filesystem::path path = std::filesystem::absolute(directory, ignored).lexically_normal();
  while (path.has_relative_path() && !std::filesystem::exists(path, ignored)) path = path.parent_path();
  return path;
}

/// Holds the data directory as long as it is looked at; nothing where that cannot be.
std::optional<DataDirectory> check_directory(Report& report, const Config& config) {
  const std::string& wanted = config.data_directory;
  const std::filesystem::path found = nearest(wanted);
  std::error_code ignored;
  const bool usable =
      std::filesystem::is_directory(found, ignored) && access(found.c_str(), W_OK | X_OK) == 0;
  if (!usable) {
    report.line(Grade::fail, "data directory",
                wanted + ": " + found.string() + " is no directory that this user may write in");
    return std::nullopt;
  }
  auto directory = DataDirectory::open_unchanged(wanted);
  const bool absent = !std::filesystem::exists(wanted, ignored);
  report.result("data directory", directory, wanted + (absent ? " (the first start makes it)" : ""));
  check_disk(report, found);
  return directory ? std::optional(std::move(*directory)) : std::nullopt;
}

Result<std::unique_ptr<db::Db>> look_at_store(const Config& config) {
  if (!config.database_url.empty()) {
    return db::open_postgres({.url = config.database_url, .writers = 1, .readers = 1});
  }
  XD_DO(check_store_file(store_file(config)));
  if (!std::filesystem::exists(store_file(config))) return nullptr;
  return db::open_sqlite_unchanged(store_file(config));
}

/// Decrypts what `serve` does when it starts. Gives why the first one of those that `serve` would leave
/// switched off cannot be read; "": all can.
Result<std::string> open_secrets(db::Db& store, const crypto::KeyRing& ring) {
  return store.read_now([&](db::Tx& tx) -> Result<std::string> {
    XD_TRY(const auto subscriptions, outbound::all_subscriptions(tx, ring));
    XD_TRY(const auto endpoints, inbound::all_endpoints(tx, ring));
    XD_DO(check_ring(subscriptions, endpoints));
    std::string broken;
    const auto look = [&](const auto& resource) {
      if (broken.empty()) broken = resource->broken;
    };
    std::ranges::for_each(subscriptions, look);
    std::ranges::for_each(endpoints, look);
    return broken;
  });
}

void check_secrets(Report& report, db::Db& store, const crypto::KeyRing& ring) {
  const auto broken = open_secrets(store, ring);
  if (broken && !broken->empty()) return report.line(Grade::warn, "secrets", *broken);
  report.result("secrets", broken, "the encryption key opens them");
}

void check_contents(Report& report, const Config& config, db::Db& store,
                    const Result<std::optional<crypto::KeyRing>>& ring) {
  const auto status = db::migration_status(store, db::core_migrations());
  if (!status) return report.line(Grade::fail, "store", status.error().message);
  const auto missing = std::ranges::count(*status, false, &db::MigrationStatus::applied);
  report.line(Grade::pass, "store",
              missing == 0
                  ? "reachable, schema up to date"
                  : "reachable, " + std::to_string(missing) + " migrations missing (serve applies them)");
  if (missing > 0) return;  // what is in it can be read after them
  if (ring && *ring) check_secrets(report, store, **ring);
  if (ring && !*ring) report.result("encryption key", check_without_key(config, store), kKeyIsMade);
  const auto advice =
      store.read_now([&](db::Tx& tx) { return judge_bootstrap_key(tx, config, base::SystemClock{}.now()); });
  if (advice && !advice->empty()) report.line(Grade::warn, "bootstrap key", *advice);
}

void check_store(Report& report, const Config& config) {
  const bool embedded = config.database_url.empty();
  const std::optional<DataDirectory> directory = embedded ? check_directory(report, config) : std::nullopt;
  const auto ring = find_key_ring(config);
  if (!ring || *ring) report.result("encryption key", ring, "readable");
  if (embedded && !directory) return;  // somebody else has it, or it is none
  auto store = look_at_store(config);
  if (!store) return report.line(Grade::fail, "store", store.error().message);
  if (*store) return check_contents(report, config, **store, ring);
  report.line(Grade::pass, "store", "not made yet; the first start makes it");
  if (ring && !*ring) report.line(Grade::pass, "encryption key", kKeyIsMade);
  if (const std::string advice = judge_first_start(config); !advice.empty())
    report.line(Grade::warn, "bootstrap key", advice);
}

void check_log_store(Report& report, const Config& config) {
  if (config.log_database_url.empty()) return;
  report.result("log store", db::open_postgres({.url = config.log_database_url, .writers = 1, .readers = 1}),
                "reachable");
}

void check_certificates(Report& report, const Config& config) {
  if (!config.tls_certificate.empty())
    report.result("certificate", open_identity(config), config.tls_certificate);
  if (!config.ca_file.empty())
    report.result("authorities", check_authorities(config.ca_file, "CROSSDOCK_CA_FILE"), config.ca_file);
}

/// Takes the address as serve does, for a moment.
void check_port(Report& report, const char* what, const http::ServerOptions& options) {
  asio::io_context context;
  http::Server server(context.get_executor(), options, {});
  report.result(
      what, server.listen(),
      options.endpoint.address().to_string() + ":" + std::to_string(options.endpoint.port()) + " is free");
}

/// serve raises the soft limit to the hard one by itself.
void check_limits(Report& report, const Config& config) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const http::FileShare share = http::share_of_files(files.rlim_max, config.shards);
  const bool few = share.connections_in < base::limits::kConnectionsPerShard;
  report.line(few ? Grade::warn : Grade::pass, "open files",
              std::to_string(files.rlim_max) + " allowed" + (few ? std::string("; ") + http::kFewFiles : ""));
}

}  // namespace

int doctor(const Values& values) {
  Report report;
  const auto config = make_config(values);
  if (!config) {
    report.line(Grade::fail, "configuration", config.error().message);
    return 1;
  }
  report.line(Grade::pass, "configuration", "readable");
  check_store(report, *config);
  check_log_store(report, *config);
  check_certificates(report, *config);
  check_port(report, "listen", {.endpoint = {asio::ip::make_address(config->host), config->port}});
  if (!config->metrics_host.empty()) {
    check_port(report, "metrics listen",
               {.endpoint = {asio::ip::make_address(config->metrics_host), config->metrics_port},
                .address_setting = "CROSSDOCK_METRICS_LISTEN"});
  }
  check_limits(report, *config);
  return report.failed() ? 1 : 0;
}

}  // namespace cli
