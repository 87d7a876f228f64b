// The servers under test: a fresh Crossdock, and where it is asked for, a PostgreSQL of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hub/process.hpp"

namespace bench {

/// A private PostgreSQL with stock settings (so fsync is on), reachable by a Unix socket only. Runs as the
/// user "postgres" where the bench is root, since PostgreSQL refuses to run as root.
class PostgresServer {
 public:
  /// Makes the cluster and a database below `work`; ready when this returns. Throws with what the log says
  /// last.
  PostgresServer(const std::filesystem::path& programs, const std::filesystem::path& work);

  /// "postgresql://…" as CROSSDOCK_DATABASE_URL takes it.
  std::string url() const;
  pid_t pid() const { return process_.pid(); }
  std::string stop() { return process_.stop(std::chrono::seconds(60)); }

 private:
  static Command prepare(const std::filesystem::path& programs, const std::filesystem::path& work);

  std::filesystem::path directory_;
  ChildProcess process_;
};

/// How the server is started.
struct ServerPlan {
  std::filesystem::path program;
  std::filesystem::path work;              ///< data and log go here
  std::string database_url{};              ///< empty: SQLite
  std::vector<std::string> environment{};  ///< NAME=value, on top of what the bench sets
};

/// `crossdock serve` on a free loopback port with new keys.
class CrossdockServer {
 public:
  /// Ready to serve when this returns; throws with what the log says last when it is not within 30 s.
  explicit CrossdockServer(const ServerPlan& plan);

  std::uint16_t port() const { return port_; }
  const std::string& platform_key() const { return platform_key_; }
  pid_t pid() const { return process_->pid(); }
  /// From the last start of the process to the first 200 of /readyz.
  double start_seconds() const { return start_seconds_; }
  /// Throws when it is no longer running.
  void check_alive();
  /// Asks it to drain and says how it ended: "exit code 0".
  std::string stop() { return process_->stop(std::chrono::seconds(60)); }
  /// Ends it without a warning, as a crash would.
  void kill();
  /// Starts it again on its data after kill(); ready when this returns, as at first.
  void start_again() { start(); }

 private:
  void start();

  std::filesystem::path log_;
  std::string platform_key_;
  std::uint16_t port_;
  Command command_;
  std::optional<ChildProcess> process_;
  double start_seconds_ = 0;
};

}  // namespace bench
