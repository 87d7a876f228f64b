#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/store.hpp"
#include "db/migration.hpp"

namespace cli {

namespace {

/// One line of the doctor's report.
enum class Grade : std::uint8_t { pass, warn, fail };

class Report {
 public:
  void line(Grade grade, const char* what, const std::string& detail) {
    static constexpr const char* kWords[] = {"pass", "WARN", "FAIL"};
    std::printf("%s  %-16s  %s\n", kWords[static_cast<std::size_t>(grade)], what, detail.c_str());
    failed_ |= grade == Grade::fail;
  }
  bool failed() const { return failed_; }

 private:
  bool failed_ = false;
};

void check_keys(Report& report, const Config& config) {
  if (config.encryption_key.empty() && !config.dev) {
    return report.line(Grade::fail, "encryption key",
                       "INTEGRATION_ENCRYPTION_KEY is not set; make one with: crossdock keys generate");
  }
  auto ring = open_key_ring(config);
  ring ? report.line(Grade::pass, "encryption key", "usable")
       : report.line(Grade::fail, "encryption key", ring.error().message);
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
  const std::string path = directory + "/doctor.tmp";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return report.line(Grade::fail, "disk sync", "cannot write in " + directory);
  constexpr int kRounds = 20;
  const std::string block(4096, 'x');
  const auto begun = base::steady_now();
  bool synced = true;
  for (int i = 0; i < kRounds; ++i)
    synced = synced && write(file, block.data(), block.size()) > 0 && fsync(file) == 0;
  const double ms = std::chrono::duration<double, std::milli>(base::steady_now() - begun).count() / kRounds;
  close(file);
  unlink(path.c_str());
  char text[80];
  std::snprintf(text, sizeof text, "%.2f ms for each fsync%s", ms, ms > 10 ? "; accepting will be slow" : "");
  report.line(!synced ? Grade::fail : ms > 10 ? Grade::warn : Grade::pass, "disk sync", text);
}

void check_store(Report& report, const Config& config) {
  std::optional<DataDirectory> directory;
  if (config.database_url.empty()) {
    auto opened = DataDirectory::open(config.data_directory);
    if (!opened) return report.line(Grade::fail, "data directory", opened.error().message);
    directory.emplace(std::move(*opened));
    report.line(Grade::pass, "data directory", config.data_directory);
    check_disk(report, config.data_directory);
  }
  auto store = open_store(config);
  if (!store) return report.line(Grade::fail, "store", store.error().message);
  auto status = db::migration_status(**store, db::core_migrations());
  if (!status) return report.line(Grade::fail, "store", status.error().message);
  const auto missing = std::ranges::count(*status, false, &db::MigrationStatus::applied);
  report.line(Grade::pass, "store",
              missing == 0
                  ? "reachable, schema up to date"
                  : "reachable, " + std::to_string(missing) + " migrations missing (serve applies them)");
}

void check_port(Report& report, const Config& config) {
  boost::asio::io_context context;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(config.host, error);
  if (error) return report.line(Grade::fail, "listen", config.host + " is not an address");
  const boost::asio::ip::tcp::endpoint endpoint(address, config.port);
  boost::asio::ip::tcp::acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(boost::asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  report.line(
      error ? Grade::fail : Grade::pass, "listen",
      config.host + ":" + std::to_string(config.port) + (error ? ": " + error.message() : " is free"));
}

void check_limits(Report& report) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const bool few = files.rlim_cur < 4096;
  report.line(
      few ? Grade::warn : Grade::pass, "open files",
      std::to_string(files.rlim_cur) + (few ? " allowed; raise it to 65536 (ulimit -n)" : " allowed"));
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
  check_keys(report, *config);
  check_port(report, *config);
  check_limits(report);
  return report.failed() ? 1 : 0;
}

}  // namespace cli
